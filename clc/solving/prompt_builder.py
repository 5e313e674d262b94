"""What stands before a path: the translation, the demonstrations, the turns before the last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.engines.base import Request
from clc.records import (
    AbstainReason,
    Prompt,
    Usage,
    content_key,
    path_seed,
    prompt_key,
)
from clc.solving.translation import Translated, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.prompts.demonstrations import Shot
    from clc.prompts.templates import Templates
    from clc.records import Message, Problem
    from clc.solving.configuration import Configuration
    from clc.solving.sampler import Sampler
    from clc.strategies.strategy import Arm

__all__ = ["Prepared", "PromptBuilder"]


class Prepared(NamedTuple):
    """A prompt, or why there is none, and what it cost to come to it.

    ``question`` is the translation that it asks, None where it asks the question as it is.
    """

    prompt: Prompt | None
    fault: str | None = None
    usage: Usage = Usage()
    question: str | None = None


class PromptBuilder:
    """Makes the prompts of one problem, each once.

    Args:
        problem: whose question is put.
        configuration: of the run.
        templates: render the prompts.
        drawer: draws translations and turns.
        languages: the languages chosen for this problem.
    """

    def __init__(
        self,
        problem: Problem,
        configuration: Configuration,
        templates: Templates,
        drawer: Sampler,
        languages: Sequence[str],
    ) -> None:
        self._problem = problem
        self._settings = configuration
        self._templates = templates
        self._drawer = drawer
        self._languages = languages
        self._translations: dict[tuple[str, str, int], asyncio.Task[Translated]] = {}
        self._spent: dict[object, Usage] = {}
        self._first: dict[Arm, asyncio.Task[Prepared]] = {}

    def own_prompts(self, arm: Arm) -> bool:
        """Whether every path of an arm has a prompt of its own."""
        return arm.switch > 0 or self._templates.get(arm.template).turns > 1

    async def first(self, arm: Arm) -> Prepared:
        """Return the prompt that an arm's paths share, or begin with."""
        task = self._first.get(arm)
        if task is None:
            task = self._first[arm] = asyncio.ensure_future(self._prepare(arm, None))
        return task.result() if task.done() else await asyncio.shield(task)

    async def own(self, arm: Arm, index: int) -> Prepared:
        """Return the prompt of one path of an arm; its usage leaves out that of ``first``.

        ``index`` is the path's among all of its first prompt.
        """
        before = await self.first(arm)
        if before.prompt is None:
            return Prepared(None, before.fault)
        if arm.switch > 0:
            before = await self._prepare(arm, index)
        messages: tuple[Message, ...] = ()
        usage = Usage()
        replies: list[str] = []
        for _ in range(self._templates.get(arm.template).turns - 1):
            assert before.prompt is not None  # noqa: S101 - the first prompt was made
            request = self._turn_request(
                before.prompt.key, messages or before.prompt.messages, index
            )
            reply = await self._drawer.step("turn", request, arm.language)
            if isinstance(reply, str):
                return Prepared(None, f"{AbstainReason.ENGINE_FAILURE}: {reply}", usage)
            usage += reply.usage
            replies.append(reply.text)
            messages = self._render(arm, await self._text(arm), index, replies)
        if not messages:
            return Prepared(before.prompt, None, Usage())
        return Prepared(self._prompt(arm, messages), None, usage)

    def source(self, arm: Arm) -> object:
        """What an arm's prompt is made from, for whoever counts its cost: a shared translation."""
        return arm if arm.question == "original" else (arm.stands_for, arm.translator, arm.shots)

    def spent(self, arm: Arm) -> Usage:
        """What was spent so far on the prompt that an arm's paths share."""
        return self._spent.get(self.source(arm), Usage())

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """What is being prepared, for whoever ends it."""
        return [*self._first.values(), *self._translations.values()]

    async def _prepare(self, arm: Arm, index: int | None) -> Prepared:
        text = await self._text(arm)
        if text.text is None:
            return Prepared(None, text.fault, text.usage)
        prompt = self._prompt(arm, self._render(arm, text, index, ()))
        asked = None if arm.question == "original" else text.text
        return Prepared(prompt, None, text.usage, asked)

    async def _text(self, arm: Arm) -> Translated:
        """Put the question into the language in which the arm wants it."""
        if arm.question == "original":
            return Translated(self._problem.question, None, Usage())
        key = (arm.stands_for, arm.translator, arm.shots)
        if key not in self._translations:
            self._translations[key] = asyncio.ensure_future(
                translate(
                    self._problem,
                    self._settings,
                    self._templates,
                    self._drawer,
                    key,
                    spent=self._spent,
                )
            )
        return await asyncio.shield(self._translations[key])

    def _render(
        self, arm: Arm, text: Translated, index: int | None, replies: Sequence[str]
    ) -> tuple[Message, ...]:
        assert text.text is not None  # noqa: S101 - callers look first
        language = self._problem.language if arm.question == "original" else arm.stands_for
        shots: tuple[Shot, ...] = ()
        if arm.shots:
            shots = self._templates.shots(
                language,
                arm.language,
                arm.shots,
                switch=0.0 if index is None else arm.switch,
                languages=self._languages,
                seed=path_seed(self._settings.seed, self._problem.question, index or 0),
            )
        messages = self._templates.render(
            arm.template,
            question=text.text,
            question_language=language,
            language=arm.language,
            replies=replies,
            languages=self._languages,
            shots=shots,
        )
        return (*self._problem.context, *messages)

    def _prompt(self, arm: Arm, messages: tuple[Message, ...]) -> Prompt:
        prompt = Prompt(
            prompt_key(self._drawer.lane.engine.fingerprint, messages, self._settings.sampling),
            messages,
            arm.answers_in or arm.language,
            arm.template,
            self._templates.get(arm.template).hash,
        )
        self._drawer.store.add_prompt(prompt)
        return prompt

    def _turn_request(self, first: str, messages: tuple[Message, ...], index: int) -> Request:
        seed = path_seed(self._settings.seed, first, index)
        prompt = prompt_key(self._drawer.lane.engine.fingerprint, messages, self._settings.sampling)
        key = content_key("turn", [prompt, index, seed])
        return Request(key, messages, self._settings.sampling, seed)
