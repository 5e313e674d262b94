"""An estimate of a run: its prompts are rendered and its requests counted; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from clc.records import Step, Usage
from clc.solving.prompt_builder import OpenProblem, PromptBuilder
from clc.solving.translation import Translated, TranslationKey, translation_request
from clc.strategies.schedule import plan_slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clc.engines.base import Request
    from clc.prices import RunPrices
    from clc.prompts.templates import Templates
    from clc.records import Message, Problem
    from clc.solving.configuration import Configuration
    from clc.solving.sampler import Sampler

__all__ = ["Estimate", "RequestCount", "estimate_run"]

BYTES_PER_TOKEN = 3  # of UTF-8, as an endpoint's limits on tokens estimate it


@dataclass(slots=True)
class RequestCount:
    """Requests of one kind.

    Attributes:
        requests: how many.
        prompt_tokens: of all, about: 3 bytes of UTF-8 a token, the chat template left out.
        most_tokens: that their completions may have.
    """

    requests: int = 0
    prompt_tokens: int = 0
    most_tokens: int = 0

    def add(self, messages: Sequence[Message], most: int, times: int = 1) -> None:
        """Count requests with equal messages."""
        size = sum(len(one["content"].encode()) for one in messages)
        self.requests += times
        self.prompt_tokens += times * (size // BYTES_PER_TOKEN)
        self.most_tokens += times * most


@dataclass(slots=True)
class Estimate:
    """The most requests, tokens and money of a run.

    Attributes:
        problems: number of problems.
        counts: by arm, and by kind for what is no path: language, template, kind.
    """

    problems: int = 0
    counts: dict[tuple[str, str, str], RequestCount] = field(default_factory=dict)

    def count(self, language: str, template: str, kind: str) -> RequestCount:
        """Return the count of a kind of requests."""
        return self.counts.setdefault((language, template, kind), RequestCount())

    @property
    def total(self) -> RequestCount:
        """All requests."""
        total = RequestCount()
        for one in self.counts.values():
            total.requests += one.requests
            total.prompt_tokens += one.prompt_tokens
            total.most_tokens += one.most_tokens
        return total

    def cost(self, prices: RunPrices) -> float:
        """Return the price of all requests if every completion is as long as it may be."""
        return sum(self.cost_of(kind, one, prices) for (_, _, kind), one in self.counts.items())

    @staticmethod
    def cost_of(kind: str, count: RequestCount, prices: RunPrices) -> float:
        """Return the price of requests of one kind at the most."""
        chosen = prices.translations if kind == "translation" else prices.paths
        return chosen.cost(count.prompt_tokens, count.most_tokens)

    def to_json(self, prices: RunPrices | None = None) -> dict[str, Any]:
        """Return plain values."""
        rows = [
            {
                "language": language,
                "template": template,
                "kind": kind,
                "requests": one.requests,
                "prompt_tokens": one.prompt_tokens,
                "most_tokens": one.most_tokens,
            }
            for (language, template, kind), one in self.counts.items()
        ]
        total = self.total
        values: dict[str, Any] = {
            "problems": self.problems,
            "requests": total.requests,
            "prompt_tokens": total.prompt_tokens,
            "most_tokens": total.most_tokens,
            "arms": rows,
        }
        if prices is not None:
            values |= {"most_cost": self.cost(prices), "currency": prices.paths.currency}
        return values


async def estimate_run(
    problems: Iterable[Problem], configuration: Configuration, templates: Templates
) -> Estimate:
    """Count what a run asks for where no stopping rule ends a problem early.

    A translation that is not there yet is taken to be as long as its question, and to succeed at
    its first try; a reply before the last turn to be empty.

    Raises:
        InputError: a problem, a template or a setting is wrong.
    """
    estimate = Estimate()
    builder = _DryBuilder(configuration, templates, estimate)
    for problem in problems:
        estimate.problems += 1
        await builder.count(problem)
    return estimate


class _Nothing:
    """Stands for the engines and the store of a run that sends and stores nothing."""

    fingerprint = "none"

    def add_prompt(self, _: object) -> None:
        """Store nothing."""


class _DrySampler:
    """Counts steps in place of sampling them."""

    earlier_limits = ()

    def __init__(self, estimate: Estimate) -> None:
        self.engine = self.translator = self.store = _Nothing()
        self._estimate = estimate

    def engine_of(self, _: str | None) -> _Nothing:
        """Return what stands for every engine."""
        return self.engine

    async def step(
        self,
        kind: str,
        request: Request,
        language: str,
        voter: str | None = None,  # noqa: ARG002  of Sampler.step
    ) -> Step:
        """Count a step; its text is empty."""
        self._estimate.count(language, "", kind).add(request.messages, request.sampling.max_tokens)
        return Step(kind, language, "", "stop", Usage())


class _DryBuilder(PromptBuilder):
    """Builds prompts over translations that are not made."""

    def __init__(
        self, configuration: Configuration, templates: Templates, estimate: Estimate
    ) -> None:
        super().__init__(configuration, templates, cast("Sampler", _DrySampler(estimate)))
        self._estimate = estimate
        self._template_set = templates

    async def count(self, problem: Problem) -> None:
        """Count the requests of one problem."""
        settings = self._settings
        strategy, languages = settings.strategy, settings.languages
        most = settings.sampling.max_tokens
        if (planner := strategy.planner) is not None:
            languages = planner.candidates[: planner.choose]
            question: Message = {"role": "user", "content": problem.question}
            self._estimate.count("", "", "plan").add([question], settings.translation_max_tokens)
        slots = plan_slots(
            strategy,
            problem.language,
            settings.paths,
            languages=languages,
            sequence=settings.sequence_for(problem.language),
            salt=problem.id,
        )
        opened = OpenProblem(problem, tuple(languages or strategy.languages))
        for slot in slots:
            built = await self.build(opened, slot)
            if built.prompt is not None:
                arm = slot.arm
                self._estimate.count(arm.stands_for, arm.template, "path").add(
                    built.prompt.messages, settings.sampling_of(arm).max_tokens
                )
        # Of semantic voting at least: each path against the first, both ways, none states a value.
        choices = {"usc": (len(slots), 1), "semantic": (2, 2 * (len(slots) - 1))}
        if strategy.voting in choices:
            shown, times = choices[strategy.voting]
            texts: Message = {"role": "user", "content": "x" * (3 * most * shown)}
            count = self._estimate.count("", "", "choice")
            count.add([texts], settings.translation_max_tokens, times)

    async def _translate(self, opened: OpenProblem, key: TranslationKey) -> Translated:
        problem, settings = opened.problem, self._settings
        human = problem.translations.get(key.language) if settings.human_translations else None
        if human is not None:
            return Translated(human, None)
        request = translation_request(
            self._template_set,
            "none",
            problem,
            key.language,
            attempt=0,
            max_tokens=settings.translation_max_tokens,
            template=key.template,
            count=key.shots,
        )
        self._estimate.count(key.language, key.template, "translation").add(
            request.messages, settings.translation_max_tokens
        )
        return Translated(problem.question, None)
