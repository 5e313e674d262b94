"""What the model itself is asked about a question as a whole: which languages, which path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from clc.records import Sampling, Usage
from clc.solving.translation import step_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.prompts.templates import Templates
    from clc.records import Problem, ReasoningPath
    from clc.solving.sampler import Sampler
    from clc.strategies.strategy import Planner

__all__ = ["ModelChoice"]

REPLY_TOKENS = 512
_LANGUAGE = "en"  # of these prompts


class Chosen(NamedTuple):
    """Languages with their weights, in order, and what to tell about it."""

    weights: dict[str, float]
    details: Mapping[str, Any]


class ModelChoice:
    """Asks the model about one problem. A bad reply is mended, and that is told.

    ``usage`` is what all replies so far cost.
    """

    def __init__(self, problem: Problem, templates: Templates, drawer: Sampler) -> None:
        self._problem = problem
        self._templates = templates
        self._drawer = drawer
        self.usage = Usage()

    async def languages(self, planner: Planner, paths: int) -> Chosen:
        """Let the model choose languages and weigh them.

        Languages that a bad plan leaves open are the first of the candidates, and a weight that
        is missing is 1. ``paths`` is the budget: of its languages one must weigh something.
        """
        from clc.prompts.replies import parse_selection, parse_weights

        codes = planner.candidates
        said = await self._ask(
            "plan",
            planner.select,
            candidates=[one for one in self._templates.candidates if one.code in codes],
            choose=planner.choose,
        )
        picked, fault = parse_selection(said, codes, planner.choose)
        languages = [*picked, *(code for code in codes if code not in picked)][: planner.choose]
        weighed = await self._ask("plan", planner.weigh, languages=languages)
        given, other_fault = parse_weights(weighed, languages)
        weights = {code: given.get(code, 1.0) for code in languages}
        if not any(list(weights.values())[:paths]):
            weights = dict.fromkeys(languages, 1.0)
        details = {
            "languages": languages,
            "weights": weights,
            "faults": [why for why in (fault, other_fault) if why],
            "replies": [said, weighed],
        }
        return Chosen(weights, details)

    async def path(self, paths: Sequence[ReasoningPath]) -> Mapping[str, Any]:
        """Let the model pick the most consistent of ``paths`` (USC, arXiv 2311.17311)."""
        from clc.prompts.replies import parse_choice

        reply = await self._ask("choice", "usc", responses=[path.text for path in paths])
        picked = parse_choice(reply, len(paths))
        key = None if picked is None else paths[picked].key
        return {"path": key, "reply": reply}

    async def _ask(self, kind: str, template: str, **variables: Any) -> str:
        """Return the reply, empty when it was lost."""
        messages = self._templates.render(
            template,
            question=self._problem.question,
            question_language=self._problem.language,
            language=_LANGUAGE,
            **variables,
        )
        request = step_request(
            kind,
            self._drawer.lane.engine.fingerprint,
            (*self._problem.context, *messages),
            Sampling(temperature=0.0, max_tokens=REPLY_TOKENS),
        )
        step = await self._drawer.step(kind, request, _LANGUAGE)
        if isinstance(step, str):
            return ""
        self.usage += step.usage
        return step.text
