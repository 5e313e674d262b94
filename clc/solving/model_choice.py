"""Choices that the model makes for a question: its languages, or the path that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from clc.records import Sampling
from clc.solving.translation import step_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.prompts.templates import Templates
    from clc.records import ReasoningPath
    from clc.solving.prompt_builder import OpenProblem
    from clc.solving.sampler import Sampler
    from clc.strategies.strategy import Planner

__all__ = ["ChosenLanguages", "ModelChoice"]

REPLY_TOKENS = 512
_LANGUAGE = "en"  # of these prompts


class ChosenLanguages(NamedTuple):
    """Languages with their weights, in order, and details for the verdict."""

    weights: dict[str, float]
    details: Mapping[str, Any]


class ModelChoice:
    """Asks the model about a question as a whole.

    Unusable replies fall back to defaults; the details record the ``faults``. Tokens are added to
    the problem's ``usage``.
    """

    def __init__(self, templates: Templates, sampler: Sampler) -> None:
        self._templates = templates
        self._sampler = sampler

    async def languages(self, opened: OpenProblem, planner: Planner, paths: int) -> ChosenLanguages:
        """Let the model choose languages and weigh them.

        Languages that a bad plan leaves open are the first of the candidates, and a weight that
        is missing is 1. ``paths`` is the budget: of its languages one must weigh something.
        """
        from clc.prompts.replies import parse_selection, parse_weights

        codes = planner.candidates
        selection = await self.ask(
            opened,
            "plan",
            planner.select,
            candidates=[one for one in self._templates.candidates if one.code in codes],
            choose=planner.choose,
        )
        picked, fault = parse_selection(selection, codes, planner.choose)
        languages = [*picked, *(code for code in codes if code not in picked)][: planner.choose]
        weighed = await self.ask(opened, "plan", planner.weigh, languages=languages)
        given, other_fault = parse_weights(weighed, languages)
        weights = {code: given.get(code, 1.0) for code in languages}
        if not any(list(weights.values())[:paths]):
            weights = dict.fromkeys(languages, 1.0)
        details = {
            "languages": languages,
            "weights": weights,
            "faults": [why for why in (fault, other_fault) if why],
            "replies": [selection, weighed],
        }
        return ChosenLanguages(weights, details)

    async def path(self, opened: OpenProblem, paths: Sequence[ReasoningPath]) -> Mapping[str, Any]:
        """Let the model pick the most consistent of ``paths`` (USC, arXiv 2311.17311)."""
        from clc.prompts.replies import parse_choice

        texts = [path.text for path in paths]
        reply = await self.ask(opened, "choice", "usc", responses=texts)
        picked = parse_choice(reply, len(paths))
        key = None if picked is None else paths[picked].key
        return {"path": key, "reply": reply}

    async def ask(
        self,
        opened: OpenProblem,
        kind: str,
        template: str,
        *,
        voter: str | None = None,
        **variables: Any,
    ) -> str:
        """Return the reply, empty when it was lost.

        ``voter`` is the engine file of the model that is asked, None for the run's engine.
        """
        problem = opened.problem
        messages = self._templates.render(
            template,
            question=problem.question,
            question_language=problem.language,
            language=_LANGUAGE,
            **variables,
        )
        request = step_request(
            kind,
            self._sampler.engine_of(voter).fingerprint,
            (*problem.context, *messages),
            Sampling(temperature=0.0, max_tokens=REPLY_TOKENS),
        )
        step = await self._sampler.step(kind, request, _LANGUAGE, voter)
        if isinstance(step, str):
            return ""
        opened.usage += step.usage
        return step.text
