"""Answer a question: the vote, and the text that represents it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from clc.answers import extract_answer
from clc.languages.identification import written_language
from clc.records import Problem, Usage
from clc.runs.store import Store
from clc.serving.errors import ApiError
from clc.serving.http.admission import deadline_error
from clc.serving.openai.bodies import Votes
from clc.solving.reading import read_in_thread
from clc.solving.solver import Solver
from clc.solving.translation import translation_request
from clc.voting.verdict import read_votes, verdict_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.shared import SharedEngine
    from clc.plan import Plan
    from clc.prompts.templates import Templates
    from clc.records import ReasoningPath, Verdict, Vote
    from clc.serving.http.history import History
    from clc.serving.question import Question

__all__ = ["Answerer", "Choice", "Reply", "lost_error", "map_finish_reason"]

_TRANSLATION_TRIES = 2
_NO_PATH = "No reasoning path could be sampled: the question could not be translated faithfully."
# Reasons of the engines for refusing a prompt; any other reason is a failure of the engine.
_REFUSED = re.compile(
    r"(?:does|do) not fit|refused the request|refuses the (?:request|messages)|cannot be sent as"
)
_URL = re.compile(r"https?://\S+")


class Choice(NamedTuple):
    """One text, why it ended (``stop``, ``length`` or ``content_filter``), and its thought."""

    text: str
    finish_reason: str
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. ``usage`` counts translations and all paths.

    The plain model gives ``n`` choices and no ``votes``; a vote gives one choice.
    """

    choices: tuple[Choice, ...]
    usage: Usage
    votes: Votes | None = None


class _FinalText(NamedTuple):
    """The reply's text in the question's language, and the tokens spent on its translation.

    ``thought`` is the path's whose text it is; a translation has none.
    """

    text: str
    finish_reason: str
    translated: bool = False
    usage: Usage = Usage()
    thought: str = ""


class Answerer:
    """Answers questions, any number at a time, over one shared engine.

    Args:
        lane: samples the paths of all requests.
        translator: samples translations; ``lane`` by default.
        templates: prompt templates.
        history: keeps every question with its paths.
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
            question: the problem and its configuration.
            until: deadline by the loop's clock; the vote is then over the paths that are done.
            watch: passed to ``Solver.solve``.

        Raises:
            ApiError: 400 when the engine refuses the prompt, 408 when no path was done by the
                deadline, 502 when all paths were lost.
            EngineError: the engine is lost.
        """
        clock = asyncio.get_running_loop().time
        started, problem = clock(), question.problem
        with Store(None) as store:
            store.add_problem(0, problem)
            solver = Solver(
                self._lane.with_options(question.chat_options),
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
                _raise_lost(verdict, failures, plan)
        votes = read_votes(problem, plan, paths, solver.counting, solver.outcomes.read)
        winners = _winners(verdict, votes, paths)
        final = await self._final_text(question, verdict, winners, until)
        usage = verdict.usage + verdict.translation_usage + final.usage
        body = _votes_body(question, verdict, plan, final, clock() - started)
        choice = Choice(final.text, final.finish_reason, final.thought)
        return Reply((choice,), usage, body)

    async def _final_text(
        self,
        question: Question,
        verdict: Verdict,
        winners: Sequence[ReasoningPath],
        until: float,
    ) -> _FinalText:
        """Choose the winning path in the question's language, or translate one into it."""
        language = question.problem.language
        if reason := _withheld(verdict):
            return _FinalText(f"No answer: the paths do not agree enough ({reason}).", "stop")
        if not winners:
            return _FinalText(_NO_PATH, "stop")
        for path in sorted(winners, key=lambda path: path.language != language):
            written = written_language(path.text, language)
            if written == language or (written is None and path.language == language):
                return _path_text(path, Usage())
        first = winners[0]
        if verdict.details.get("deadline"):
            text, usage = None, Usage()
        else:
            text, usage = await self._translate(question, first, verdict.answer, until)
        if text is None and verdict.answer is None:
            return _path_text(first, usage)
        if text is None:  # the bare answer is in every language
            text = f"{self._templates.cues(language).label} {verdict.answer}"
        return _FinalText(text, "stop", translated=True, usage=usage)

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
                    completion = await self._translator.complete(request, owner=source.id)
            except TimeoutError:
                break
            usage += completion.usage
            outcome = await read_in_thread(
                completion.text,
                None,
                partial(
                    extract_answer,
                    completion.text,
                    language,
                    vocabulary=self._templates.vocabulary,
                ),
            )
            if completion.error is None and getattr(outcome, "value", None) == answer:
                return completion.text, usage
        return None, usage


def _withheld(verdict: Verdict) -> str | None:
    reason: str | None = verdict.details.get("withheld", {}).get("reason")
    return reason


def _path_text(path: ReasoningPath, usage: Usage) -> _FinalText:
    reason = map_finish_reason(path.finish_reason)
    return _FinalText(path.text, reason, usage=usage, thought=path.thought)


def map_finish_reason(reason: str) -> str:
    """Map an engine's finish reason to one of OpenAI's."""
    return reason if reason in {"stop", "length", "content_filter"} else "stop"


def lost_error(reasons: Sequence[str]) -> ApiError:
    """Make the error for a request whose completions were all lost, for these reasons."""
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


def _raise_lost(verdict: Verdict, failures: Sequence[str], plan: Plan) -> None:
    """Raise for a vote without paths, unless the translations were unusable."""
    if verdict.details.get("deadline"):
        raise deadline_error()
    faults = [arm.fault for arm in plan.arms if arm.fault is not None]
    reasons = [*failures, *(fault for fault in faults if fault.startswith("engine_failure"))]
    if reasons:
        raise lost_error(reasons)


def _winners(
    verdict: Verdict, votes: Sequence[Vote], paths: dict[str, ReasoningPath]
) -> list[ReasoningPath]:
    """Return the paths that state the answer, in sampling order; all paths if none voted."""
    chosen = (verdict.details.get("choice") or {}).get("path")
    keys = [vote.path_key for vote in votes if vote.answer is not None
            and vote.answer == verdict.answer] or ([chosen] if chosen else [])  # fmt: skip
    return [paths[key] for key in keys if key in paths] or list(paths.values())


def _votes_body(
    question: Question, verdict: Verdict, plan: Plan, final: _FinalText, seconds: float
) -> Votes:
    configuration = question.configuration
    return Votes.model_validate(
        {
            **verdict_fields(verdict, tokens_after=final.usage.total),
            "strategy": configuration.strategy.name,
            "languages": plan.languages,
            "question_language": question.problem.language,
            "translated": final.translated,
            "seconds": round(seconds, 3),
            "seed": configuration.seed,
            "stop": verdict.details.get("stop"),
            "deadline": bool(verdict.details.get("deadline")),
            "withheld": _withheld(verdict),
        }
    )
