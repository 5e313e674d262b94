"""Recorded responses, where they lie beside the checkout; they are never part of the project."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from clc.answers import canonical, extract_answer, numbers_in
from clc.languages.codes import MGSM_LANGUAGES
from clc.records import AbstainReason, Abstention, Answer, Vote
from clc.voting.tally import vote

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the recorded data in {DATA}")


def rows(*names):
    for name in names:
        for file in sorted(DATA.glob(name)):
            with file.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def read(row, language="language"):
    return extract_answer(row["response"], row[language], row.get("question"))


def test_stated_answers_are_read():
    wrong = total = 0
    for row in rows("answers/stated_answers.jsonl"):
        outcome = read(row, "lang")
        if row["response"].startswith("<think>") and "</think>" not in row["response"]:
            assert outcome == Abstention(
                AbstainReason.TRUNCATED
            )  # it states one in its thought only
            continue
        total += 1
        wrong += not (isinstance(outcome, Answer) and outcome.value == canonical(row["gold"]))
    assert total > 0
    assert wrong <= 0.01 * total


def test_texts_without_an_answer_abstain():
    outcomes = [read(row, "lang") for row in rows("answers/no_answer.jsonl")]
    assert sum(isinstance(one, Abstention) for one in outcomes) >= 0.98 * len(outcomes)


def test_recorded_paths_and_their_vote():
    """Figures as measured; a change of the reader that loses more than a few paths shows here."""
    right, total = Counter(), Counter()
    votes, golds = defaultdict(list), {}
    for row in rows("recorded/*.clsp.jsonl"):
        outcome, gold = read(row), canonical(row["gold"])
        total[row["language"]] += 1
        right[row["language"]] += isinstance(outcome, Answer) and outcome.value == gold
        votes[row["id"]].append(Vote(row["id"], row["language"], outcome))
        golds[row["id"]] = gold
    verdicts = {id_: vote(cast, order=MGSM_LANGUAGES).answer for id_, cast in votes.items()}
    assert right["en"] / total["en"] >= 0.77
    assert right.total() / total.total() >= 0.645
    assert sum(verdicts[id_] == gold for id_, gold in golds.items()) / len(golds) >= 0.795


def test_human_translations_keep_the_numbers():
    """Digits of an English question stand in its human translations, as digits or as words."""
    english = [
        line.split("\t")[0] for line in (DATA / "mgsm/mgsm_en.tsv").read_text("utf-8").splitlines()
    ]
    for language in MGSM_LANGUAGES[1:]:
        lines = (DATA / f"mgsm/mgsm_{language}.tsv").read_text("utf-8").splitlines()
        kept = 0
        for source, line in zip(english, lines, strict=True):
            wanted = {
                mention.value for mention in numbers_in(source, "en") if mention.written == "digits"
            }
            kept += wanted <= {
                mention.value for mention in numbers_in(line.split("\t")[0], language)
            }
        assert kept >= 240, language
