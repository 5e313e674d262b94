"""The paths of one problem, in waves, until the vote may stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from clc.confidence import floors
from clc.configuration import counting_of
from clc.consulting import Consultant
from clc.counting import vote_of
from clc.fidelity import written_language
from clc.plans import Plan, PlannedPaths
from clc.prompting import Prompting
from clc.records import AbstainReason, Usage, content_key
from clc.stopping import Ballot, Stop, first_stop, wave
from clc.strategies import Slot, plan_slots, resolve_arms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.confidence import Measure
    from clc.configuration import Configuration, Online
    from clc.drawing import Drawer
    from clc.records import Problem, Prompt, ReasoningPath, Vote
    from clc.strategies import Arm, Planner
    from clc.templates import Templates

    Watch = Callable[[Sequence[Vote], int], None]

__all__ = ["Waves"]

REDRAWS = 2
# Far above any index that a budget reaches, so that a path drawn again is a path of its own.
_REDRAW_STRIDE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What became of one slot.

    ``base`` was spent on the prompt that the arm's paths share, ``extra`` on this path alone: on
    turns before it, or on paths that it replaces. ``alone`` says that it is no part of a row of
    paths of one prompt.
    """

    arm: Arm
    prompt: Prompt | None
    fault: str | None = None
    index: int = 0
    path: ReasoningPath | None = None
    base: Usage = Usage()  # noqa: RUF009 - frozen
    extra: Usage = Usage()  # noqa: RUF009 - frozen
    alone: bool = True
    floor: float | None = None


class Waves:
    """The paths of one problem, on their way."""

    def __init__(
        self,
        problem: Problem,
        configuration: Configuration,
        templates: Templates,
        drawer: Drawer,
        watch: Watch | None,
    ) -> None:
        self._settings = configuration
        self._templates = templates
        self._drawer = drawer
        self._problem = problem
        self._watch = watch
        self._consultant = Consultant(problem, templates, drawer)
        self._counting = counting_of(configuration)
        self._seen: list[Vote] = []
        self._languages: tuple[str, ...] = (
            self._settings.sequence or self._settings.languages or self._settings.strategy.languages
        )
        self._slots: list[Slot] = []
        self._tasks: list[asyncio.Task[_Drawn]] = []
        self._kept: list[_Drawn] = []
        self._weights: dict[str, float] = {}
        self._usage = Usage()
        self._details: dict[str, Any] = {}
        self._offsets: dict[Arm, int] = {}
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
        self._slots = plan_slots(
            settings.strategy,
            self._problem.language,
            settings.paths,
            languages=self._languages,
            sequence=settings.sequence,
            salt=content_key("slots", [settings.seed, self._problem.question]),
        )
        self._arms = list(dict.fromkeys(slot.arm for slot in self._slots))
        self._prompting = Prompting(
            self._problem, settings, self._templates, self._drawer, self._languages
        )
        try:
            await self._waves()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._prompting.close()
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
            stop = first_stop(settings.stopping, ballots, len(slots), languages)
            if settings.online is not None:
                stop = self._consensus(settings.online, ballots) or stop
            if stop is not None:
                del self._kept[stop.paths :]
                self._details["stop"] = {"rule": settings.stopping.rule, **stop._asdict()}
                self._drawer.counters.unwanted += len(self._tasks) - stop.paths
                return

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

    def _ballot(self, drawn: _Drawn) -> Ballot:
        if self._settings.stopping.rule == "fixed" and self._settings.online is None:
            return Ballot(drawn.arm.stands_for, None)  # nobody asks: the answer is read at the end
        vote = self._vote(drawn)
        return Ballot(vote.language, vote.answer)

    def _vote(self, drawn: _Drawn) -> Vote:
        return vote_of(self._problem, self._row(drawn, 1), drawn.path, self._counting)

    async def _one(self, slot: Slot) -> _Drawn:
        """Draw the path of one slot."""
        drawn = await self._path(slot)
        if self._watch is not None:
            self._seen.append(self._vote(drawn))
            self._watch(self._seen, len(self._slots))
        return drawn

    async def _path(self, slot: Slot) -> _Drawn:
        arm = slot.arm
        first = await self._prompting.first(arm)
        base = first.usage
        if first.prompt is None:
            return _Drawn(arm, None, first.fault, base=base, alone=False)
        index = slot.index + await self._offset(arm, first.prompt)
        prompt, extra = first.prompt, Usage()
        alone = self._prompting.own_prompts(arm)
        if alone:
            own = await self._prompting.own(arm, index)
            extra = own.usage
            if own.prompt is None:
                return _Drawn(arm, None, own.fault, base=base, extra=extra)
            prompt = own.prompt
        measure = self._measure(arm)
        path = await self._draw(prompt, index, measure)
        if self._settings.fidelity == "redraw":
            for again in range(1, REDRAWS + 1):
                if path.error is not None or _faithful(path):
                    break
                extra += path.usage
                alone = True
                index = index % _REDRAW_STRIDE + again * _REDRAW_STRIDE
                path = await self._draw(prompt, index, measure)
        floor = None if measure is None else measure.floor
        alone = alone or self._settings.online is not None
        return _Drawn(arm, prompt, None, index, path, base, extra, alone, floor)

    async def _draw(self, prompt: Prompt, index: int, measure: Measure | None) -> ReasoningPath:
        settings = self._settings
        return await self._drawer.path(prompt, index, settings.seed, settings.sampling, measure)

    def _measure(self, arm: Arm) -> Measure | None:
        measure = self._settings.measure
        floor = self._floors.get(arm.stands_for)
        return measure if measure is None or floor is None else replace(measure, floor=floor)

    async def _offset(self, arm: Arm, prompt: Prompt) -> int:
        """Index from which an arm draws: arms that come to one prompt draw different paths."""
        if arm not in self._offsets:
            taken = 0
            for other in self._arms[: self._arms.index(arm)]:
                before = (await self._prompting.first(other)).prompt
                if before is not None and before.key == prompt.key:
                    taken += sum(slot.arm == other for slot in self._slots)
            self._offsets[arm] = taken
        return self._offsets[arm]

    async def _choose_languages(self, planner: Planner) -> None:
        chosen = await self._consultant.languages(planner)
        self._languages, self._weights = tuple(chosen.weights), chosen.weights
        self._usage += chosen.usage
        self._details["plan"] = chosen.details

    async def _choose_path(self) -> None:
        paths = [one.path for one in self._kept if one.path is not None and not one.path.error]
        if paths:
            choice = await self._consultant.path(paths)
            self._usage += choice.usage
            self._details["choice"] = choice.details

    def expire(self) -> None:
        """Take what is there when the time is over; what is missing abstains."""
        for slot, task in list(zip(self._slots, self._tasks, strict=False))[len(self._kept) :]:
            done = task.done() and not task.cancelled() and task.exception() is None
            missing = _Drawn(slot.arm, None, f"{AbstainReason.DEADLINE}: not there in time")
            self._kept.append(task.result() if done else missing)
        self._details["deadline"] = True

    def plan(self) -> Plan:
        """Say what was drawn, as the store keeps it."""
        rows: list[PlannedPaths] = []
        row_of: dict[int, int] = {}
        for arm in resolve_arms(self._slots, self._languages):
            mine = [at for at, one in enumerate(self._kept) if one.arm == arm]
            if not mine:
                continue
            apart = any(self._kept[at].alone for at in mine)
            base = max((self._kept[at].base for at in mine), key=lambda usage: usage.total)
            for group in [[at] for at in mine] if apart else [mine]:
                row = self._row(self._kept[group[0]], len(group))
                rows.append(row._replace(translation_usage=row.translation_usage + base))
                row_of |= dict.fromkeys(group, len(rows) - 1)
                base = Usage()  # once an arm
        order = tuple(row_of[at] for at in range(len(self._kept)))
        return Plan(tuple(rows), order, self._usage, self._details)

    def _row(self, drawn: _Drawn, paths: int) -> PlannedPaths:
        return PlannedPaths(
            drawn.arm.stands_for,
            None if drawn.prompt is None else drawn.prompt.key,
            drawn.index,
            paths,
            self._settings.seed,
            drawn.fault,
            drawn.extra,
            drawn.arm.answers_in,
            self._weights.get(drawn.arm.stands_for, 1.0),
            drawn.floor,
        )


def _faithful(path: ReasoningPath) -> bool:
    """Whether a path was written in the language that was asked for, as far as can be told."""
    return written_language(path.text, path.language) in (None, path.language)
