"""Outcomes are read once, and those of other questions are not taken for them."""

import dataclasses

from clc.records import AbstainReason, Answer, Problem, ReasoningPath
from clc.voting import outcomes
from clc.voting.outcomes import OutcomeMemory, read_outcome

PROBLEM = Problem("p", "How many are 3 and 4?", "en")


def path(number, text="Answer: 7"):
    return ReasoningPath(f"k{number}", "pk", "en", 0, 5, text, "stop")


def counted(monkeypatch):
    reads = []

    def read(problem, path):
        reads.append(path.key)
        return read_outcome(problem, path)

    monkeypatch.setattr(outcomes, "read_outcome", read)
    return reads


def test_an_outcome_is_read_once(monkeypatch):
    reads, memory = counted(monkeypatch), OutcomeMemory()
    for _ in range(3):
        assert memory.read(PROBLEM, path(1)) == Answer("7")
        assert memory.read(PROBLEM, path(2, "I cannot tell.")).reason == AbstainReason.UNDETERMINED
        assert memory.recall(PROBLEM, path(1)) == Answer("7")
    assert reads == ["k1", "k2"]


def test_the_same_path_of_another_question_or_kind_is_read_for_it(monkeypatch):
    reads, memory = counted(monkeypatch), OutcomeMemory()
    memory.read(PROBLEM, path(1))
    memory.read(dataclasses.replace(PROBLEM, id="q"), path(1))
    assert reads == ["k1"]
    memory.read(dataclasses.replace(PROBLEM, question="How many?"), path(1))
    memory.read(dataclasses.replace(PROBLEM, metadata={"kind": "choice"}), path(1))
    assert reads == ["k1", "k1", "k1"]


def test_the_latest_are_held_and_recalling_drops_none(monkeypatch):
    reads, memory = counted(monkeypatch), OutcomeMemory(most=3)
    for number in range(5):
        memory.read(PROBLEM, path(number))
    reads.clear()
    for number in range(5):  # in the order of the file, as an export does
        memory.recall(PROBLEM, path(number))
    assert reads == ["k0", "k1"]
