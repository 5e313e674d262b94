"""What confidence costs, and what it is good for: throughput measured and not, and votes weighed.

    python -m benchmarks.confidence

First, tokens per second of vLLM with the same requests, measured over 1, 5 and 20 likeliest tokens
and with a floor that nothing meets, as ratios to not measuring at all; all take turns, so that the
machine's moods fall on each. Texts must be the same in all of them.

Then generated test problems, asked in several languages, the paths of each shared out over them:
how often a right path is surer than a wrong one of the same question and language (CISC's
within-question discrimination; 50 % is chance), and how many questions each weighting answers.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, get_args

from benchmarks.training.kinds import problems
from benchmarks.training.language import load
from benchmarks.training.render import question
from clc.answers import extract_answer
from clc.engines.base import Request
from clc.engines.confidence import Measure
from clc.engines.vllm.engine import VllmEngine
from clc.prompts.templates import Templates
from clc.records import Sampling, Vote, hashed_seed
from clc.voting.tally import vote
from clc.voting.weighting import WEIGHTINGS, Field, Weighting, language_means, weigh

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.base import Completion, Engine
    from clc.records import Confidence

# Means over 32 tokens lie between 0 and about 20 nats: this floor is under all of them.
MODES: dict[str, Measure | None] = {
    "not measured": None,
    "1 likeliest": Measure(top_k=1),
    "5 likeliest": Measure(top_k=5),
    "20 likeliest": Measure(top_k=20),
    "20, with a floor": Measure(top_k=20, floor=-1.0),
}
TEMPERATURES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Path(NamedTuple):
    """A path's vote, whether it is right, and how sure the model was."""

    vote: Vote
    right: bool
    confidence: Confidence | None


class Question(NamedTuple):
    """A question's gold answer and its paths."""

    gold: str
    paths: list[Path]


def requests(
    count: int, paths: int, languages: Sequence[str], sampling: Sampling, measure: Measure | None
) -> list[tuple[str, str, Request]]:
    """Make the requests for ``count`` problems, with their gold answers and languages."""
    render = Templates().render
    made = []
    for number, problem in enumerate(islice(problems("test", 1), count)):
        for index in range(paths):
            code = languages[index % len(languages)]
            asked = question(problem, load(code))
            messages = tuple(render("cot", question=asked, question_language=code, language=code))
            key = f"{number}:{index}"
            request = Request(key, messages, sampling, hashed_seed(0, key, 0), measure)
            made.append((str(problem.answer), code, request))
    return made


async def complete(engine: Engine, wanted: Sequence[Request]) -> tuple[list[Completion], float]:
    """Complete all requests; return the completions and tokens per second."""
    start = time.perf_counter()
    drawn = list(await asyncio.gather(*map(engine.complete, wanted)))
    seconds = time.perf_counter() - start
    return drawn, sum(one.usage.completion_tokens for one in drawn) / seconds


async def throughput(engine: Engine, count: int, paths: int, rounds: int) -> bool:
    """Print what measuring costs; return whether all texts were the same."""
    sampling = Sampling(temperature=0.8, max_tokens=128)
    modes = {
        name: [request for *_, request in requests(count, paths, ["en"], sampling, measure)]
        for name, measure in MODES.items()
    }
    for wanted in modes.values():  # what starts at the first use, starts here
        await complete(engine, wanted[:8])
    rates: dict[str, list[float]] = {name: [] for name in MODES}
    texts: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, wanted in modes.items():
            drawn, rate = await complete(engine, wanted)
            rates[name].append(rate)
            texts[name] = [one.text for one in drawn]
    print(f"{count * paths} paths in flight, {rounds} rounds, medians\n")
    print(f"{'':18} {'tokens/s':>9}  {'ratio':>6}  same texts")
    plain = rates["not measured"]
    same = True
    for name, found in rates.items():
        ratio = statistics.median(a / b for a, b in zip(found, plain, strict=True))
        alike = texts[name] == texts["not measured"]
        same = same and alike
        print(f"{name:18} {statistics.median(found):9.0f}  {ratio:6.2f}  {alike}")
    return same


async def draw(
    engine: Engine, count: int, paths: int, languages: Sequence[str], temperature: float
) -> list[Question]:
    """Draw and read the paths of all questions."""
    sampling = Sampling(temperature=temperature, max_tokens=192)
    wanted = requests(count, paths, languages, sampling, Measure())
    drawn, rate = await complete(engine, [request for *_, request in wanted])
    print(f"\n{count} problems x {paths} paths in {', '.join(languages)}, {rate:.0f} tokens/s")
    found: dict[str, Question] = {}
    for (gold, code, request), one in zip(wanted, drawn, strict=True):
        visible = extract_answer(one.text, code, finish_reason=one.finish_reason)
        cast = Vote(request.key, code, visible)
        number = request.key.split(":")[0]
        kept = found.setdefault(number, Question(gold, []))
        kept.paths.append(Path(cast, cast.answer == gold, one.confidence))
    return list(found.values())


def discrimination(asked: Sequence[Question], field: Field) -> float:
    """Share of pairs, one path right and one wrong, where the right one is surer; ties half."""
    won, pairs = 0.0, 0
    for one in asked:
        for right in one.paths:
            for wrong in one.paths:
                if right.right and not wrong.right and right.vote.language == wrong.vote.language:
                    a, b = (getattr(path.confidence, field) for path in (right, wrong))
                    won += (a > b) + (a == b) / 2
                    pairs += 1
    return won / pairs if pairs else 0.5


def answered(
    asked: Sequence[Question], weighting: Weighting | None, run_means: Mapping[str, float] | None
) -> list[bool]:
    """Whether each question's vote is right."""
    right = []
    for one in asked:
        votes = [path.vote for path in one.paths]
        if weighting is not None:
            votes = weigh(votes, [path.confidence for path in one.paths], weighting, run_means)
        rule = "majority" if weighting is None else "weighted"
        right.append(vote(votes, rule=rule, order=["en"]).answer == one.gold)
    return right


def compare(asked: Sequence[Question]) -> None:
    """Print how the weightings do, against a majority of the same paths."""
    paths = [path for one in asked for path in one.paths]
    languages = [path.vote.language for path in paths]
    confidences = [path.confidence for path in paths]
    right = sum(path.right for path in paths) / len(paths)
    any_right = sum(any(path.right for path in one.paths) for one in asked) / len(asked)
    print(f"right: {right:.1%} of the paths, any path of {any_right:.1%} of the questions")
    print("\na right path is surer than a wrong one:")
    for field in get_args(Field):
        print(f"  {field:14} {discrimination(asked, field):.1%}")
    rows: dict[str, Weighting | None] = {"majority": None}
    rows |= {f"ratio, {field}": Weighting(field=field) for field in get_args(Field)}
    rows |= {name: one for name, one in WEIGHTINGS.items() if one.keep < 1}
    rows |= {f"cisc, T {t}": Weighting("softmax", "logprob", temperature=t) for t in TEMPERATURES}
    plain = answered(asked, None, None)
    print(f"\n{'':18} {'right':>6}  won  lost   by the run's means")
    for name, weighting in rows.items():
        learned = language_means(languages, confidences, weighting.field if weighting else "mean")
        cells = []
        for means in (None, learned):
            ours = answered(asked, weighting, means)
            won = sum(a and not b for a, b in zip(ours, plain, strict=True))
            lost = sum(b and not a for a, b in zip(ours, plain, strict=True))
            cells.append(f"{sum(ours) / len(ours):6.1%} {won:4} {lost:5}")
        print(f"{name:18} {'   '.join(cells)}")


async def run(options: argparse.Namespace) -> bool:
    """Measure both; return whether measuring changed no text."""
    engine = VllmEngine(options.model, window=options.window)
    await engine.start()
    try:
        same = await throughput(engine, 32, 8, options.rounds)
        asked = await draw(
            engine, options.problems, options.paths, options.languages, options.temperature
        )
    finally:
        await engine.close()
    compare(asked)
    return same


def main() -> int:
    """Parse the command line and measure; 0 if measuring changed no text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="clc-tiny")
    parser.add_argument("--window", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--paths", type=int, default=11)
    parser.add_argument("--languages", nargs="+", default=["en", "zh", "sw"])
    parser.add_argument("--temperature", type=float, default=0.7)
    return int(not asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    raise SystemExit(main())
