"""Stated against measured error of the stopping rules: ``python -m benchmarks.guarantees``.

Simulated questions in seven languages with correlated voters. A question has shares for some
answers, uniform over all that sum to 1 (or ``even``, the hardest of all: 50.5 and 49.5 %); in each
language they are a Dirichlet sample around the question's, so that two paths of one language are
correlated. A rule errs where it stops and the question's most probable answer does not lead.
``beta``, ``bayes`` and ``crosslingual`` state the share of wrong ones among all stops, ``cite`` and
``mmc`` that among all questions. Paths come in rounds over the languages, or, ``deep``, one
language after the other.

``bayes`` learns its prior from other questions, whose paths are independent, at the whole budget.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from clc.records import Answer, Vote
from clc.voting.shapes import learn_shapes, smooth_shapes
from clc.voting.stopping import Stopping, first_stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clc.voting.shapes import Shape

__all__ = ["Measured", "Setting", "measure", "rules", "simulate"]

LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh")
ANSWERS = ("1", "2", "3", "4", "5")
_CAST = {(code, answer): Vote("", code, Answer(answer)) for code in LANGUAGES for answer in ANSWERS}
_LEARNED = 2000  # questions for a prior
_EVEN = 1e-9


class Setting(NamedTuple):
    """How questions are simulated.

    Attributes:
        correlation: of two paths in one language, 0 to 1.
        repeats: paths in each language.
        deep: a language's paths come one after another.
        answers: of a question, 5 at most.
        even: two answers with 50.5 and 49.5 %.
    """

    correlation: float = 0.0
    repeats: int = 4
    deep: bool = False
    answers: int = 2
    even: bool = False


class Measured(NamedTuple):
    """The stops of a rule over simulated questions.

    ``wrong`` of ``stops`` had another leader than the question's most probable answer; ``paths`` is
    the mean over all questions.
    """

    questions: int
    stops: int
    wrong: int
    paths: float

    def error(self, rule: str) -> tuple[float, float]:
        """Return the error of the kind that the rule states, with its standard error."""
        among = self.questions if rule in {"cite", "mmc"} else self.stops
        share = self.wrong / max(among, 1)
        return share, math.sqrt(max(share, 1 / max(among, 1)) * (1 - share) / max(among, 1))


def simulate(setting: Setting, questions: int, seed: int) -> Iterator[tuple[str, list[Vote]]]:
    """Yield the most probable answer and the votes of each question."""
    rng: Any = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(setting.answers), questions)
    if setting.even:
        shares = np.broadcast_to([0.505, 0.495], (questions, 2))
    shape = (questions, len(LANGUAGES), setting.answers)
    own = np.broadcast_to(shares[:, None, :], shape)
    if setting.correlation:
        scale = (1 - setting.correlation) / setting.correlation
        weights = rng.standard_gamma(np.maximum(own * scale, _EVEN))
        total = weights.sum(axis=2, keepdims=True)
        own = np.where(total > 0, weights / np.where(total > 0, total, 1), own)
    uniform = rng.random((questions, len(LANGUAGES), setting.repeats, 1))
    above = uniform > own.cumsum(axis=2)[:, :, None, :]
    drawn = np.minimum(above.sum(axis=3), setting.answers - 1)
    if not setting.deep:
        drawn = drawn.swapaxes(1, 2)
    codes = [code for code in LANGUAGES for _ in range(setting.repeats)]
    if not setting.deep:
        codes = list(LANGUAGES) * setting.repeats
    for best, answers in zip(
        shares.argmax(axis=1).tolist(), drawn.reshape(questions, -1).tolist(), strict=True
    ):
        votes = [_CAST[code, ANSWERS[answer]] for code, answer in zip(codes, answers, strict=True)]
        yield ANSWERS[best], votes


def learned(setting: Setting, seed: int) -> tuple[Shape, ...]:
    """Return the prior that other questions of this kind teach."""
    counts = [
        list(Counter(one.answer for one in votes).values())
        for _, votes in simulate(setting, _LEARNED, seed)
    ]
    return smooth_shapes(learn_shapes(counts), setting.repeats * len(LANGUAGES))


def rules(setting: Setting, threshold: float, seed: int) -> dict[str, Stopping]:
    """Return the rules with a stated error, by the name of their row."""
    prior = learned(setting._replace(correlation=0.0, even=False), seed + 1)
    found = {
        "beta": Stopping("beta", threshold),
        "bayes": Stopping("bayes", threshold, prior=prior),
        "cite": Stopping("cite", threshold),
        "mmc": Stopping("mmc", threshold),
        "crosslingual": Stopping("crosslingual", threshold, correlation=setting.correlation),
    }
    if setting.correlation:
        for rule in ("bayes", "cite"):
            prior_of_rule = prior if rule == "bayes" else None
            found[f"{rule}, correlated"] = Stopping(
                rule, threshold, correlation=setting.correlation, prior=prior_of_rule
            )
    return found


def measure(stopping: Stopping, questions: Sequence[tuple[str, list[Vote]]]) -> Measured:
    """Stop each question where the rule does, and count the stops at another leader."""
    stops = wrong = paths = 0
    for best, votes in questions:
        stop = first_stop(stopping, votes, len(votes), LANGUAGES)
        paths += len(votes) if stop is None else stop.paths
        if stop is not None:
            stops += 1
            counts = Counter(one.answer for one in votes[: stop.paths])
            wrong += max(counts, key=counts.__getitem__) != best
    return Measured(len(questions), stops, wrong, paths / len(questions))


SETTINGS = {
    "independent, 2 answers": Setting(),
    "independent, 5 answers": Setting(answers=5),
    "independent, even": Setting(even=True),
    "correlation 0.3, rounds": Setting(0.3),
    "correlation 0.3, deep": Setting(0.3, deep=True),
    "correlation 0.5, deep": Setting(0.5, deep=True),
}


@click.command()
@click.option("--questions", default=100_000, show_default=True, type=click.IntRange(1))
@click.option("--threshold", default=0.95, show_default=True, type=click.FloatRange(0.5, 1))
@click.option("--seed", default=0, show_default=True)
def main(questions: int, threshold: float, seed: int) -> None:
    """Print stated and measured errors of the stopping rules."""
    click.echo(f"{questions:,} questions, 28 paths; stated error {1 - threshold:.1%}")
    click.echo(f"{'':26}{'rule':20}{'stops %':>8}{'error %':>9}{'+-':>6}{'paths':>7}")
    for name, setting in SETTINGS.items():
        simulated = list(simulate(setting, questions, seed))
        for row, stopping in rules(setting, threshold, seed).items():
            found = measure(stopping, simulated)
            error, deviation = found.error(stopping.rule)
            kept = "" if error <= 1 - threshold + 2 * deviation else "  broken"
            click.echo(
                f"{name:26}{row:20}{100 * found.stops / questions:8.1f}{100 * error:9.2f}"
                f"{100 * deviation:6.2f}{found.paths:7.2f}{kept}"
            )


if __name__ == "__main__":
    main()
