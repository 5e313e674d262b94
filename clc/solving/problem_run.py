"""The run of one problem: rounds of paths until the vote may stop."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from clc.plan import Plan, has_no_translation
from clc.records import AbstainReason, content_key, path_key, path_seed
from clc.solving.accounting import SlotResult, make_row, make_rows
from clc.solving.concurrency import in_reading_thread
from clc.solving.prompt_builder import OpenProblem
from clc.solving.reading import read_ahead
from clc.solving.rounds import Rounds
from clc.solving.semantic_clusters import cluster_paths
from clc.solving.translation import TranslationKey
from clc.solving.untranslated import (
    UntranslatedArms,
    original_slot,
    untranslated_details,
)
from clc.strategies.schedule import Slot, plan_slots, resolve_arms
from clc.thoughts.language import MIXED, reasoning_language
from clc.voting.stopping import Stop
from clc.voting.text_choice import candidates
from clc.voting.verdict import asked_problem, read_vote

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.base import Measure
    from clc.records import Problem, Prompt, ReasoningPath, Vote
    from clc.solving.solver import Solver

    Watch = Callable[[Sequence[Vote], int], None]

__all__ = ["ProblemRun"]

REDRAWS = 2
_LONG = 1 << 15  # characters of a path; its answer takes a tenth of a second at most


class ProblemRun:
    """One problem on its way to a plan whose paths are stored.

    Args:
        problem: the problem.
        solver: holds what all problems of a run share.
        watch: is called with the votes so far, in the order of their arrival, and the budget.
    """

    def __init__(self, problem: Problem, solver: Solver, watch: Watch | None = None) -> None:
        self.problem = problem
        self._settings = settings = solver.configuration
        self._solver = solver
        self._watch = watch
        self._opened = OpenProblem(
            problem,
            settings.sequence_for(problem.language)
            or settings.languages
            or settings.strategy.languages,
        )
        self._slots: list[Slot] = []
        self._results: list[SlotResult] = []  # of the slots that were started
        self._tasks: list[asyncio.Task[Vote]] = []
        self._kept = 0  # results that count
        self.votes: list[Vote] = []  # in sampling order
        self._arrived: list[Vote] = []
        self._weights: dict[str, float] = {}
        self._rounds = Rounds(settings, self._results)
        self._details: dict[str, Any] = {}
        self._planned = 0
        self._untranslated: UntranslatedArms | None = None

    @property
    def paths_left(self) -> int:
        """Number of planned paths that are not sampled yet."""
        return len(self._slots) - len(self.votes)

    @property
    def sampled(self) -> int:
        """Number of paths that count and were asked for: all but those without a prompt."""
        return sum(result.path is not None for result in self._results[: self._kept])

    @property
    def tokens(self) -> int:
        """Tokens of the paths that count and of their preparation."""
        plan = self.plan()
        prepared = sum(row.translation_usage.total for row in plan.arms) + plan.usage.total
        return prepared + sum(path.usage.total for path in self.paths.values())

    @property
    def paths(self) -> dict[str, ReasoningPath]:
        """The paths that count, by key."""
        kept = self._results[: self._kept]
        return {result.path.key: result.path for result in kept if result.path is not None}

    async def solve(self) -> None:
        """Sample rounds of paths until the rule stops or the budget is spent."""
        self._slots = await self._choose_slots()
        self._planned = len(self._slots)
        try:
            while len(self.votes) < len(self._slots):
                size = self._rounds.next_size(self.votes, self._slots, self._weights)
                stop = await self._advance(size)
                if stop is not None:
                    self._drop_after(stop.paths)
                    break
        finally:
            await self.close()
        await self._choose_path(self.votes)

    async def sample_next(self) -> None:
        """Sample the next path, after planning at the first time; the caller closes the run."""
        if not self._slots:
            self._slots = await self._choose_slots()
            self._planned = len(self._slots)
        await self._advance(len(self.votes) + 1)

    def note_stop(self, rule: str, probability: float | None) -> None:
        """Note why no more paths are sampled."""
        self._details["stop"] = {"rule": rule, **Stop(len(self.votes), probability)._asdict()}

    async def _advance(self, upto: int) -> Stop | None:
        """Have ``upto`` paths started, and wait for the first of those whose votes are not in."""
        self._start(upto)
        return self._count(await self._finished(len(self.votes)))

    async def _sample_slot(self, result: SlotResult) -> Vote:
        """Build the prompt of a slot, sample its path and read its vote."""
        solver = self._solver
        built = await solver.prompts.build(self._opened, result.slot)
        result.own_row = solver.prompts.has_own_prompts(result.slot.arm)
        if self._settings.untranslated == "original" and has_no_translation(built.fault):
            slot = original_slot(result.slot, self._slots)
            result.own_row |= slot.index != result.slot.index
            result.slot = slot
            built = await solver.prompts.build(self._opened, slot)
        result.prompt, result.fault, result.path_usage, result.question = built
        if built.prompt is not None:
            await self._sample_path(result, built.prompt)
        asked = asked_problem(self._opened.problem, result.question)
        if result.path is not None and len(result.path.text) > _LONG:
            await in_reading_thread(solver.outcomes.read, asked, result.path)
        row = make_row(result, 1, self._settings.seed, self._weights)
        if result.path is not None:
            await read_ahead(solver.outcomes, asked, result.path)
        vote = read_vote(
            self._opened.problem, row, result.path, solver.counting, solver.outcomes.read
        )
        if self._watch is not None:
            self._arrived.append(vote)
            self._watch(self._arrived, len(self._slots))
        return vote

    async def _sample_path(self, result: SlotResult, prompt: Prompt) -> None:
        """Sample the path of a slot; with fidelity ``redraw``, until it is in its language."""
        settings, slot = self._settings, result.slot
        measure = settings.measure if settings.online is None else self._rounds.set_floor(result)
        tries = 1 + REDRAWS if settings.fidelity == "redraw" else 1
        for redraw in range(tries):
            counted, path = await self._find_or_sample(prompt, slot, redraw, measure)
            if result.path is not None:
                result.path_usage += result.path.usage
                result.own_row = True
            result.prompt, result.path, result.redraw = counted, path, redraw
            result.own_row |= counted is not prompt
            if redraw + 1 == tries or path.error is not None or _in_its_language(path):
                break

    async def _find_or_sample(
        self, prompt: Prompt, slot: Slot, redraw: int, measure: Measure | None
    ) -> tuple[Prompt, ReasoningPath]:
        """Return the path that ended under an earlier limit of tokens, or sample it; its prompt."""
        settings, solver = self._settings, self._solver
        floor = None if measure is None else measure.floor
        for earlier in solver.prompts.earlier(prompt, slot.arm):
            seed = path_seed(settings.seed, earlier.key, slot.arm.key, slot.index, redraw)
            path = solver.sampler.ended_path(path_key(earlier.key, seed, floor))
            if path is not None:
                return earlier, path
        seed = path_seed(settings.seed, prompt.key, slot.arm.key, slot.index, redraw)
        sampling = settings.sampling_of(slot.arm)
        path = await solver.sampler.sample(
            prompt, slot.index, seed, sampling, measure, voter=slot.arm.engine
        )
        return prompt, path

    async def _choose_slots(self) -> list[Slot]:
        """Plan the paths, in the languages that the model chooses where the strategy lets it."""
        settings, opened = self._settings, self._opened
        if (planner := settings.strategy.planner) is not None:
            chosen = await self._solver.choice.languages(opened, planner, settings.paths)
            opened.languages, self._weights = tuple(chosen.weights), chosen.weights
            self._details["plan"] = chosen.details
        schedule = partial(
            plan_slots,
            settings.strategy,
            opened.problem.language,
            languages=opened.languages,
            sequence=settings.sequence_for(opened.problem.language),
            salt=content_key("slots", [settings.seed, opened.problem.question]),
        )
        slots = schedule(settings.paths)
        greedy = {slot.arm for slot in slots if settings.sampling_of(slot.arm).temperature == 0}
        if not greedy:
            if settings.untranslated == "give":
                self._untranslated = UntranslatedArms(schedule, len(slots))
            return slots
        # Greedily, a prompt has one path, however often its arm has its turn.
        return [one for one in slots if one.index == 0 or one.arm.switch or one.arm not in greedy]

    def _count(self, arrived: Sequence[Vote]) -> Stop | None:
        """Add votes to those that count, and return where the rule stops, if it does.

        A path that is given on to another arm makes the budget longer, for the votes from there on
        alone: the stop must not depend on how many votes arrive together.
        """
        for vote in arrived:
            arms, result = self._untranslated, self._results[len(self.votes)]
            if arms is not None and has_no_translation(result.fault):
                if (stop := self._stop()) is not None:
                    return stop
                slot = arms.give(result.slot.arm)
                self._slots += [] if slot is None else [slot]
            self.votes.append(vote)
        return self._stop()

    def _start(self, upto: int) -> None:
        for slot in self._slots[len(self._tasks) : upto]:
            key = TranslationKey.of(slot.arm)
            self._results.append(SlotResult(slot, translation=key))
            self._tasks.append(asyncio.create_task(self._sample_slot(self._results[-1])))

    async def _finished(self, start: int) -> list[Vote]:
        """Wait for path number ``start``; return its vote and those that are there after it."""
        await self._tasks[start]
        votes = []
        for task in self._tasks[start:]:
            if not task.done():
                break
            votes.append(task.result())
        self._kept = start + len(votes)
        return votes

    def _stop(self) -> Stop | None:
        """Return where the rule stops, if it does, and note it."""
        stop = self._rounds.stop(self.votes, self._slots)
        if stop is not None:
            self._details["stop"] = self._rounds.details(stop)
        return stop

    def _drop_after(self, paths: int) -> None:
        """Keep so many paths. Those that were started beyond them leave no failure."""
        self._kept = paths
        self._solver.counters.unwanted += len(self._tasks) - paths
        for result, task in zip(self._results[paths:], self._tasks[paths:], strict=True):
            if task.done() and result.path is not None and result.path.error is not None:
                self._solver.store.forget_failure(result.path.key)

    async def close(self) -> None:
        """Cancel what is on its way."""
        # Cancel every task before awaiting any: a task waiting on a shared key would otherwise
        # restart the request its owner dropped.
        tasks = [*self._tasks, *self._opened.translations.values()]
        for task in tasks:
            if not task.cancel() and not task.cancelled():
                task.exception()  # retrieved: perhaps nothing waits for it
        left = [task for task in tasks if not task.done()]
        if left:
            await asyncio.gather(*left, return_exceptions=True)

    async def _choose_path(self, votes: Sequence[Vote]) -> None:
        """Let the verifier reward the paths, or the model choose among them, where wanted."""
        choice, voting = self._solver.choice, self._settings.strategy.voting
        if (verifier := self._solver.verifier) is not None:
            whole = [path for path in self.paths.values() if not path.error]
            rewards = await verifier.rewards(self._solver.sampler, self._opened, whole)
            self._details["rewards"] = rewards
        if voting == "semantic":
            able = candidates(votes[: self._kept], self.paths)
            self._details["choice"] = await cluster_paths(choice, self._opened, able)
        elif voting == "usc":
            paths = [path for path in self.paths.values() if not path.error]
            if paths:
                self._details["choice"] = await choice.path(self._opened, paths)

    def expire(self) -> None:
        """Keep what is there when the time is over; what is missing abstains."""
        if "stop" in self._details:
            return  # the vote was decided
        for result, task in zip(self._results, self._tasks, strict=True):
            lost = task.cancelled() or task.exception() is not None
            if lost and result.path is None:  # else it was about to be sampled again
                result.prompt, result.question = None, None
                result.fault = f"{AbstainReason.DEADLINE}: not there in time"
                result.own_row = True
        self._kept = len(self._results)
        self._details["deadline"] = True

    def plan(self) -> Plan:
        """Return the paths that count, as the store keeps them."""
        results = self._results[: self._kept]
        others = (
            result.slot
            for result, slot in zip(results, self._slots, strict=False)
            if result.slot is not slot  # it asked the original
        )
        rows, order = make_rows(
            results,
            resolve_arms([*self._slots, *others], self._opened.languages),
            self._opened.spent,
            self._settings.seed,
            self._weights,
        )
        untranslated = untranslated_details(self._settings.untranslated, results, self._planned)
        return Plan(rows, order, self._opened.usage, {**self._details, **untranslated})


def _in_its_language(path: ReasoningPath) -> bool:
    """Whether a path reasoned in the language that was asked for, as far as it shows.

    A thought in several languages is none in another one.
    """
    return reasoning_language(path) in (None, path.language, MIXED)
