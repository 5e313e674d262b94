"""Finished problems with the answers that a test wants, and what a summary holds."""

import random

from clc.analysis.report.summary import SummaryBuilder
from clc.plan import ArmRecord, Plan
from clc.records import Confidence, Problem, ReasoningPath, Usage
from clc.runs.protocol import Finished
from clc.runs.revote import solved
from clc.voting.verdict import Counting

SENTENCE = {
    "en": "First we count all the apples in the basket.",
    "de": "Zuerst zählen wir alle Äpfel in dem Korb.",
    "zh": "我们先把篮子里的苹果都算清楚，然后再回答问题。",
}


def finished(
    number, by_language, *, gold="18", language="de", item=None, details=(), weights=(), fault=""
):
    """A problem with the answers of ``by_language``; None states no answer."""
    arms, paths = [], {}
    for code, answers in by_language.items():
        prompt = f"{number}-{code}"
        weight = dict(weights).get(code, 1.0)
        if fault == code:
            arms.append(ArmRecord(code, None, 0, len(answers), 0, fault="translation: unlike"))
            continue
        usage = Usage(5, 5)
        arms.append(ArmRecord(code, prompt, 0, len(answers), 0, None, usage, weight=weight))
        keys = Plan.of(arms[-1:]).keys()
        for index, (key, answer) in enumerate(zip(keys, answers, strict=True)):
            text = SENTENCE.get(code, SENTENCE["en"])
            if answer is not None:
                text += f"\nThe answer is {answer}." if code == "en" else f"\n{answer}"
            paths[key] = ReasoningPath(
                key, prompt, code, index, 0, text, "stop", Usage(10, 20),
                Confidence(10.0 if answer == gold else 5.0, 1, 1, -1),
            )  # fmt: skip
    plan = Plan.of(arms)
    plan = Plan(plan.arms, plan.order, details=dict(details))
    problem = Problem(
        f"p-{number}", "How many?", language, gold, metadata={"item": item or f"p-{number}"}
    )
    return Finished(problem, plan, paths)


def summary(rows, counting=Counting(), manifest=None):  # noqa: B008
    gatherer = SummaryBuilder("run", manifest or {})
    for row in rows:
        gatherer.add(solved(row, counting))
    return gatherer.summary()


def section(found, name):
    """A section's rows as dictionaries."""
    (one,) = [one for one in found.sections if one.name == name]
    return [dict(zip([c.name for c in one.columns], row, strict=True)) for row in one.rows]


def names(found):
    return [one.name for one in found.sections]


def fact(found, label):
    return next(one for one in found.facts if one.label == label)


def many(problems=40, seed=0, paths=4, **more):
    rng = random.Random(seed)
    for number in range(problems):
        easy = rng.random()
        by_language = {
            code: [
                "18" if rng.random() < easy else rng.choice(["26", "7", None]) for _ in range(paths)
            ]
            for code in ("en", "de", "zh")
        }
        language = ("de", "sw")[number % 2]
        yield finished(number, by_language, language=language, item=f"item-{number // 2}", **more)


FOUR = [
    finished(0, {"en": ["18"], "de": ["18"], "zh": ["26"]}),
    finished(1, {"en": ["18"], "de": ["26"], "zh": ["26"]}),
    finished(2, {"en": ["18"], "de": ["7"], "zh": ["26"]}),
    finished(3, {"en": [None], "de": ["26"], "zh": ["18"]}, fault="zh"),
]
