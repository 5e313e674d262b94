"""The real DSPy: programs, demonstrations, caches, errors."""

import asyncio
import subprocess
import sys
from importlib.util import find_spec

import pytest

from clc.errors import ConfigurationError
from tests.cli.running import ROOT, environment

from .running import MODEL, QUESTION, framework, url  # noqa: F401 - a fixture

pytestmark = pytest.mark.filterwarnings("ignore")
dspy = framework("dspy", "dspy")
from dspy.utils.exceptions import AdapterParseError, LMError  # noqa: E402

from clc.serving.integrations.dspy import VoteAdapter, vote_lm  # noqa: E402


@pytest.fixture
def lm(url, monkeypatch):  # noqa: F811
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    made = vote_lm(**MODEL, seed=1, base_url=url, cache=False)
    with dspy.context(lm=made, adapter=VoteAdapter()):
        yield made
    made.engine.close()


def test_a_call(lm):
    (text,) = lm(QUESTION)
    assert "Answer: " in text
    votes = lm.history[-1]["response"].provider_data["clc"]
    assert votes["paths"] == 3
    assert lm.history[-1]["usage"]


def test_programs(lm):
    said = dspy.Predict("question -> answer")(question=QUESTION)
    assert said.answer == "7"
    said = dspy.ChainOfThought("question -> answer: int")(question=QUESTION)
    assert said.answer == 7
    assert "Answer: 7" in said.reasoning
    said = asyncio.run(dspy.ChainOfThought("question -> answer: float").acall(question=QUESTION))
    assert said.answer == 7.0


def test_an_evaluation_in_threads(lm):
    examples = [
        dspy.Example(question=f"What is {n} and 4?", answer="7").with_inputs("question")
        for n in range(16)
    ]
    evaluate = dspy.Evaluate(
        devset=examples, metric=lambda example, said, trace=None: example.answer == said.answer,
        num_threads=8, provide_traceback=True, max_errors=0,
    )  # fmt: skip
    assert 0 < evaluate(dspy.Predict("question -> answer")).score <= 100


def test_what_is_asked_is_the_question_alone():
    turns = VoteAdapter().format(dspy.Signature("question -> answer"), [], {"question": QUESTION})
    assert turns == [{"role": "user", "content": QUESTION}]


def test_instructions_and_demonstrations_come_before_it():
    signature = dspy.Signature("question, hint -> reasoning, answer", "Count apples only.")
    demos = [{"question": "1 + 1?", "reasoning": "One and one.", "answer": "2"}]
    turns = VoteAdapter().format(signature, demos, {"question": QUESTION, "hint": "Add."})
    assert turns == [
        {"role": "system", "content": "Count apples only."},
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": "One and one.\n2"},
        {"role": "user", "content": f"{QUESTION}\n\nAdd."},
    ]


def test_answers_are_read_by_their_language():
    adapter = VoteAdapter()
    told = "Das sind zusammen 70.000 Äpfel in allen Körben.\nAntwort: 70.000"
    assert adapter.parse(dspy.Signature("question -> answer: int"), told) == {"answer": 70_000}


def test_no_answer_is_no_value():
    adapter = VoteAdapter()
    with pytest.raises(AdapterParseError):
        adapter.parse(dspy.Signature("question -> answer"), "I cannot tell.")
    with pytest.raises(AdapterParseError, match="answer: "):
        adapter.parse(dspy.Signature("question -> answer: bool"), "Answer: 7")
    for outputs in ("a, b", "reasoning"):
        with pytest.raises(ConfigurationError, match="a vote has one answer"):
            adapter.format(dspy.Signature(f"question -> {outputs}"), [], {"question": "?"})


def test_other_settings_are_another_model(url):  # noqa: F811
    names = [vote_lm(**MODEL | {"paths": paths}, base_url=url).model for paths in (3, 3, 4)]
    assert names[0] == names[1] != names[2]


def test_what_cannot_be_honoured_is_refused(lm):
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Answer: 7"}]
    with pytest.raises(LMError, match="the last turn is the assistant's"):
        lm(messages=turns)
    with pytest.raises(LMError, match=r"cannot be honoured|unknown parameter"):
        lm(QUESTION, logit_bias={"7": 1})


@pytest.mark.engine
@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")
def test_the_example_with_the_bundled_model():
    done = subprocess.run(
        [sys.executable, "examples/dspy_program.py"], cwd=ROOT, env=environment(),
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[0]) > 0
