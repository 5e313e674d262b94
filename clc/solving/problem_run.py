"""The paths of one problem, in waves, until the vote may stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clc.language_id import written_language
from clc.plan import ArmRecord, Plan
from clc.records import AbstainReason, Usage, content_key
from clc.solving.accounting import Drawn, account, planned_paths
from clc.solving.configuration import counting_of
from clc.solving.model_choice import ModelChoice
from clc.solving.prompt_builder import PromptBuilder
from clc.strategies.schedule import Slot, plan_slots, resolve_arms
from clc.voting.stopping import Ballot, Stop, first_stop, wave
from clc.voting.verdict import vote_of
from clc.voting.weighting import floors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.confidence import Measure
    from clc.prompts.templates import Templates
    from clc.records import Problem, Prompt, ReasoningPath, Vote
    from clc.solving.configuration import Configuration, Online
    from clc.solving.sampler import Sampler
    from clc.strategies.strategy import Arm, Planner

    Watch = Callable[[Sequence[Vote], int], None]

__all__ = ["ProblemRun"]

REDRAWS = 2
# Far above any index that a budget reaches: paths drawn again, and paths of another arm with the
# same prompt, are paths of their own.
_REDRAW_STRIDE = 1 << 24
_ARM_STRIDE = 1 << 18


class ProblemRun:
    """The paths of one problem, on their way."""

    def __init__(
        self,
        problem: Problem,
        configuration: Configuration,
        templates: Templates,
        drawer: Sampler,
        watch: Watch | None,
    ) -> None:
        self._settings = configuration
        self._templates = templates
        self._drawer = drawer
        self._problem = problem
        self._watch = watch
        self._consultant = ModelChoice(problem, templates, drawer)
        self._counting = counting_of(configuration)
        self._seen: list[Vote] = []
        self._languages: tuple[str, ...] = (
            self._settings.sequence or self._settings.languages or self._settings.strategy.languages
        )
        self._slots: list[Slot] = []
        self._tasks: list[asyncio.Task[Drawn]] = []
        self._kept: list[Drawn] = []
        self._weights: dict[str, float] = {}
        self._details: dict[str, Any] = {}
        self._offsets: dict[Arm, int] = {}
        self._so_far: dict[Slot, Drawn] = {}
        self._floors: dict[str, float] = {}

    @property
    def paths(self) -> dict[str, ReasoningPath]:
        """The paths that count, by key."""
        return {one.path.key: one.path for one in self._kept if one.path is not None}

    async def draw(self) -> None:
        """Draw waves of paths until the rule stops or the budget is spent."""
        settings = self._settings
        if settings.strategy.planner is not None:
            await self._choose_languages(settings.strategy.planner)
        slots = plan_slots(
            settings.strategy,
            self._problem.language,
            settings.paths,
            languages=self._languages,
            sequence=settings.sequence,
            salt=content_key("slots", [settings.seed, self._problem.question]),
        )
        # Greedily, a prompt has one path, however often its arm has its turn.
        greedy = settings.sampling.temperature == 0
        self._slots = [s for s in slots if not (greedy and s.index and not s.arm.switch)]
        self._arms = list(dict.fromkeys(slot.arm for slot in self._slots))
        self._prompting = PromptBuilder(
            self._problem, settings, self._templates, self._drawer, self._languages
        )
        try:
            await self._waves()
        finally:
            # All at once: one that is cancelled later would draw what an earlier one has let go.
            tasks = [*self._tasks, *self._prompting.tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if settings.strategy.voting == "usc":
            await self._choose_path()

    async def _waves(self) -> None:
        settings, slots = self._settings, self._slots
        languages = {slot.arm.stands_for for slot in slots}
        ballots: list[Ballot] = []
        while len(ballots) < len(slots):
            for slot in slots[len(self._tasks) : self._wanted(ballots)]:
                self._tasks.append(asyncio.create_task(self._one(slot)))
            await self._tasks[len(ballots)]
            for task in self._tasks[len(ballots) :]:
                if not task.done():
                    break
                self._kept.append(task.result())
                ballots.append(self._ballot(self._kept[-1]))
            if settings.online is None:
                rule = settings.stopping.rule
                stop = first_stop(settings.stopping, ballots, len(slots), languages)
            else:
                rule = "online"
                stop = self._consensus(settings.online, ballots)
            if stop is not None:
                self._details["stop"] = {"rule": rule, **stop._asdict()}
                self._leave(stop.paths)
                return

    def _leave(self, paths: int) -> None:
        """Keep so many paths. What was begun beyond them is unwanted, and so is its failure."""
        del self._kept[paths:]
        unwanted = self._tasks[paths:]
        self._drawer.counters.unwanted += len(unwanted)
        for task in unwanted:
            drawn = task.result() if task.done() and not task.exception() else None
            if drawn is not None and drawn.path is not None and drawn.path.error is not None:
                self._drawer.store.forget_failure(drawn.path.key)

    def _wanted(self, ballots: Sequence[Ballot]) -> int:
        """How many paths to have begun, when so many ballots are in."""
        settings, drawn = self._settings, len(ballots)
        upcoming = [slot.arm.stands_for for slot in self._slots[drawn:]]
        wanted = drawn + wave(settings.stopping, ballots, upcoming) + settings.ahead
        if settings.online is None:
            return wanted
        if drawn < settings.online.warm_up:
            return settings.online.warm_up
        return drawn + 1 + settings.ahead

    def _consensus(self, online: Online, ballots: Sequence[Ballot]) -> Stop | None:
        """Set the floors when the warm-up is done, and stop when the votes agree enough."""
        if len(ballots) < online.warm_up:
            return None
        if not self._floors:
            warm = self._kept[: online.warm_up]
            self._floors = floors(
                [one.arm.stands_for for one in warm],
                [one.path.confidence if one.path else None for one in warm],
                online.keep,
            )
        for paths in range(online.warm_up, len(ballots) + 1):
            said = Counter(one.answer for one in ballots[:paths] if one.answer is not None)
            share = max(said.values()) / said.total() if said else 0.0
            if share >= online.consensus:
                return Stop(paths, share)
        return None

    def _ballot(self, drawn: Drawn) -> Ballot:
        if self._settings.stopping.rule == "fixed" and self._settings.online is None:
            return Ballot(drawn.arm.stands_for, None)  # nobody asks: the answer is read at the end
        vote = self._vote(drawn)
        return Ballot(vote.language, vote.answer)

    def _vote(self, drawn: Drawn) -> Vote:
        return vote_of(self._problem, self._row(drawn, 1), drawn.path, self._counting)

    async def _one(self, slot: Slot) -> Drawn:
        """Draw the path of one slot."""
        drawn = await self._path(slot)
        if self._watch is not None:
            self._seen.append(self._vote(drawn))
            self._watch(self._seen, len(self._slots))
        return drawn

    async def _path(self, slot: Slot) -> Drawn:
        arm = slot.arm
        first = await self._prompting.first(arm)
        base = first.usage
        if first.prompt is None:
            return Drawn(arm, None, first.fault, base=base, alone=False)
        index = slot.index + await self._offset(arm, first.prompt)
        prompt, extra = first.prompt, Usage()
        alone = self._prompting.own_prompts(arm)
        if alone:
            own = await self._prompting.own(arm, index)
            extra = own.usage
            if own.prompt is None:
                return Drawn(arm, None, own.fault, base=base, extra=extra)
            prompt = own.prompt
        measure = self._measure(arm)
        path = await self._draw(prompt, index, measure)
        if self._settings.fidelity == "redraw":
            for again in range(1, REDRAWS + 1):
                if path.error is not None or _faithful(path):
                    break
                self._so_far[slot] = Drawn(
                    arm, prompt, None, index, path, base, extra, question=first.question
                )
                extra += path.usage
                alone = True
                index = index % _REDRAW_STRIDE + again * _REDRAW_STRIDE
                path = await self._draw(prompt, index, measure)
        floor = None if measure is None else measure.floor
        alone = alone or self._settings.online is not None
        return Drawn(arm, prompt, None, index, path, base, extra, alone, floor, first.question)

    async def _draw(self, prompt: Prompt, index: int, measure: Measure | None) -> ReasoningPath:
        settings = self._settings
        return await self._drawer.path(prompt, index, settings.seed, settings.sampling, measure)

    def _measure(self, arm: Arm) -> Measure | None:
        measure = self._settings.measure
        floor = self._floors.get(arm.stands_for)
        return measure if measure is None or floor is None else replace(measure, floor=floor)

    async def _offset(self, arm: Arm, prompt: Prompt) -> int:
        """Index from which an arm draws: arms that come to one prompt draw different paths.

        It does not depend on the budget, or a larger one would draw other paths. Only arms that
        can come to the same prompt are waited for.
        """
        if arm not in self._offsets:
            alike = 0
            for other in self._arms[: self._arms.index(arm)]:
                if _may_meet(arm, other):
                    before = (await self._prompting.first(other)).prompt
                    alike += before is not None and before.key == prompt.key
            self._offsets[arm] = alike * _ARM_STRIDE
        return self._offsets[arm]

    async def _choose_languages(self, planner: Planner) -> None:
        chosen = await self._consultant.languages(planner, self._settings.paths)
        self._languages, self._weights = tuple(chosen.weights), chosen.weights
        self._details["plan"] = chosen.details

    async def _choose_path(self) -> None:
        paths = [one.path for one in self._kept if one.path is not None and not one.path.error]
        if paths:
            self._details["choice"] = await self._consultant.path(paths)

    def expire(self) -> None:
        """Take what is there when the time is over; what is missing abstains."""
        why = f"{AbstainReason.DEADLINE}: not there in time"
        for slot, task in list(zip(self._slots, self._tasks, strict=False))[len(self._kept) :]:
            done = task.done() and not task.cancelled() and task.exception() is None
            so_far = self._so_far.get(slot)
            if done:
                self._kept.append(task.result())
            elif so_far is not None:
                self._kept.append(so_far)  # a path that was about to be drawn again
            else:
                base = self._prompting.spent(slot.arm)
                self._kept.append(Drawn(slot.arm, None, why, base=base))
        self._details["deadline"] = True

    def plan(self) -> Plan:
        """Say what was drawn, as the store keeps it."""
        arms = resolve_arms(self._slots, self._languages)
        rows, order = account(self._kept, arms, self._prompting.source, self._row)
        return Plan(rows, order, self._consultant.usage, self._details)

    def _row(self, drawn: Drawn, paths: int) -> ArmRecord:
        return planned_paths(drawn, paths, self._settings.seed, self._weights)


def _may_meet(arm: Arm, other: Arm) -> bool:
    """Whether two arms might come to one prompt: both questions as they are, or one language."""
    if arm.question == other.question == "original":
        return True
    bases = {code.split("-", maxsplit=1)[0] for code in (arm.language, other.language)}
    return arm.template == other.template and len(bases) == 1


def _faithful(path: ReasoningPath) -> bool:
    """Whether a path was written in the language that was asked for, as far as can be told."""
    return written_language(path.text, path.language) in (None, path.language)
