"""From a question to its reply: the vote, and the text that stands for it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from clc.answers import extract_answer
from clc.language_id import written_language
from clc.records import Problem, Usage
from clc.runs.store import Store
from clc.serving.errors import ApiError
from clc.serving.http.admission import too_late
from clc.serving.openai.bodies import Votes
from clc.solving.solver import Solver
from clc.solving.translation import translation_request
from clc.voting.verdict import read_votes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.shared import SharedEngine
    from clc.plan import Plan
    from clc.prompts.templates import Templates
    from clc.records import ReasoningPath, Verdict, Vote
    from clc.serving.http.history import History
    from clc.serving.question import Question

__all__ = ["Answering", "Reply", "Spoken", "finish_reason_of", "lost"]

_TRANSLATION_TRIES = 2
_NO_PATH = "No reasoning path could be drawn: the question could not be translated faithfully."
# What the engines say of a prompt that they do not take; everything else is their own failure.
_REFUSED = re.compile(
    r"(?:does|do) not fit|refused the request|refuses the (?:request|messages)|cannot be sent as"
)
_URL = re.compile(r"https?://\S+")


class Spoken(NamedTuple):
    """One text, and why it ended (``stop``, ``length`` or ``content_filter``)."""

    text: str
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said in the end. ``usage`` counts translations and all paths.

    The plain model speaks ``n`` times and has no ``votes``; a vote speaks once.
    """

    spoken: tuple[Spoken, ...]
    usage: Usage
    votes: Votes | None = None


class _Told(NamedTuple):
    """A text in the question's language, and what it cost to put it there."""

    text: str
    finish_reason: str
    translated: bool = False
    usage: Usage = Usage()


class Answering:
    """Answers questions, any number at a time, over one shared engine.

    Args:
        lane: draws the paths of all requests.
        translator: draws translations; ``lane`` does by default.
        templates: prompt templates.
        history: keeps every question with its paths, where that is wanted.
    """

    def __init__(
        self,
        lane: SharedEngine,
        *,
        templates: Templates,
        translator: SharedEngine | None = None,
        history: History | None = None,
    ) -> None:
        self._lane = lane
        self._translator = translator or lane
        self._templates = templates
        self._history = history

    async def answer(
        self,
        question: Question,
        until: float,
        watch: Callable[[Sequence[Vote], int], None] | None = None,
    ) -> Reply:
        """Solve a question; cancelling the call ends its work in the engine.

        Args:
            question: what is asked, and how it is to be solved.
            until: time of the loop's clock at which the vote is taken over what is there.
            watch: as ``Solver.solve`` takes it.

        Raises:
            ApiError: 400 when the engine does not take the prompt, 408 when no path was done in
                time, 502 when all were lost.
            EngineError: the engine is lost.
        """
        clock = asyncio.get_running_loop().time
        began, problem = clock(), question.problem
        with Store(None) as store:
            store.add_problem(0, problem)
            solver = Solver(
                self._lane,
                question.configuration,
                templates=self._templates,
                store=store,
                translator=self._translator,
            )
            left = max(0.0, until - clock())
            verdict = await solver.solve(problem, deadline=left, watch=watch)
            plan = store.plan(problem.id)
            assert plan is not None  # noqa: S101 - solve has just stored it
            paths = store.paths(plan.keys())
            if self._history is not None:
                self._history.add(question, plan, store)
            if not paths:
                failures = list(store.failures(plan.keys()).values())
                _nothing(verdict, failures, plan)
        votes = read_votes(
            problem, plan, paths, question.configuration.counting, solver.outcomes.read
        )
        winners = _winners(verdict, votes, paths)
        told = await self._tell(question, verdict, winners, until)
        usage = verdict.usage + verdict.translation_usage + told.usage
        votes_field = _votes(question, verdict, plan, told, clock() - began)
        return Reply((Spoken(told.text, told.finish_reason),), usage, votes_field)

    async def _tell(
        self,
        question: Question,
        verdict: Verdict,
        winners: Sequence[ReasoningPath],
        until: float,
    ) -> _Told:
        """Choose the winning path in the question's language, or translate one into it."""
        language = question.problem.language
        if not winners:
            return _Told(_NO_PATH, "stop")
        for path in sorted(winners, key=lambda path: path.language != language):
            written = written_language(path.text, language)
            if written == language or (written is None and path.language == language):
                return _Told(path.text, finish_reason_of(path.finish_reason))
        first = winners[0]
        if verdict.details.get("deadline"):
            text, usage = None, Usage()
        else:
            text, usage = await self._translate(question, first, verdict.answer, until)
        if text is None and verdict.answer is None:
            return _Told(first.text, finish_reason_of(first.finish_reason), usage=usage)
        if text is None:  # the bare answer is in every language
            text = f"{self._templates.cues(language).label} {verdict.answer}"
        return _Told(text, "stop", translated=True, usage=usage)

    async def _translate(
        self, question: Question, path: ReasoningPath, answer: str | None, until: float
    ) -> tuple[str | None, Usage]:
        """Translate a path; None unless the translation states the same answer."""
        language = question.problem.language
        source = Problem(path.key, path.text, path.language)
        usage = Usage()
        for attempt in range(_TRANSLATION_TRIES):
            request = translation_request(
                self._templates,
                self._translator.engine.fingerprint,
                source,
                language,
                attempt=attempt,
                max_tokens=question.configuration.translation_max_tokens,
            )
            try:
                async with asyncio.timeout_at(until):
                    drawn = await self._translator.complete(request, owner=source.id)
            except TimeoutError:
                break
            usage += drawn.usage
            said = extract_answer(drawn.text, language=language)
            if drawn.error is None and getattr(said, "value", None) == answer:
                return drawn.text, usage
        return None, usage


def finish_reason_of(reason: str) -> str:
    """Write an engine's finish reason as OpenAI does."""
    return reason if reason in {"stop", "length", "content_filter"} else "stop"


def lost(reasons: Sequence[str]) -> ApiError:
    """Make the answer where everything was lost, for these reasons."""
    for reason in reasons:
        if _REFUSED.search(reason):
            words = _URL.sub("the model", reason)
            fits = "not fit" in words
            code = "context_length_exceeded" if fits else "invalid_value"
            return ApiError(400, words, code=code, param="messages")
    return ApiError(
        502,
        "every reasoning path was lost in the model's engine; the server's log says why",
        code="upstream_failed",
    )


def _nothing(verdict: Verdict, failures: Sequence[str], plan: Plan) -> None:
    """Raise for a vote without one path, unless the model's translations are to blame."""
    if verdict.details.get("deadline"):
        raise too_late()
    faults = [arm.fault for arm in plan.arms if arm.fault is not None]
    reasons = [*failures, *(fault for fault in faults if fault.startswith("engine_failure"))]
    if reasons:
        raise lost(reasons)


def _winners(
    verdict: Verdict, votes: Sequence[Vote], paths: dict[str, ReasoningPath]
) -> list[ReasoningPath]:
    """Paths that state the answer, in drawing order; all of them where nobody voted."""
    chosen = (verdict.details.get("choice") or {}).get("path")
    keys = [vote.path_key for vote in votes if vote.answer is not None
            and vote.answer == verdict.answer] or ([chosen] if chosen else [])  # fmt: skip
    return [paths[key] for key in keys if key in paths] or list(paths.values())


def _votes(question: Question, verdict: Verdict, plan: Plan, told: _Told, seconds: float) -> Votes:
    configuration = question.configuration
    return Votes.model_validate(
        {
            "strategy": configuration.strategy.name,
            "answer": verdict.answer,
            "support": verdict.support,
            "total": verdict.total,
            "agreement": round(verdict.agreement, 6),
            "tied": verdict.tied,
            "tally": verdict.tally,
            "abstentions": verdict.abstentions,
            "languages": plan.languages,
            "question_language": question.problem.language,
            "translated": told.translated,
            "paths": verdict.paths,
            "tokens": {
                "prompt": verdict.usage.prompt_tokens,
                "completion": verdict.usage.completion_tokens,
                "translation": verdict.translation_usage.total + told.usage.total,
            },
            "seconds": round(seconds, 3),
            "seed": configuration.seed,
            "stop": verdict.details.get("stop"),
            "deadline": bool(verdict.details.get("deadline")),
        }
    )
