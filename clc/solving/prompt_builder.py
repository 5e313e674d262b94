"""Prompts from questions: the translation, the demonstrations, the turns before the last."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from clc.engines.base import Request
from clc.records import (
    AbstainReason,
    Prompt,
    Usage,
    content_key,
    hashed_seed,
    path_seed,
    prompt_key,
)
from clc.solving.translation import (
    Translated,
    TranslationKey,
    read_translation,
    translation_request,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clc.prompts.shots import Shot
    from clc.prompts.templates import Templates
    from clc.records import Message, Problem, Sampling, Step
    from clc.solving.configuration import Configuration
    from clc.solving.sampler import Sampler
    from clc.strategies.schedule import Slot
    from clc.strategies.strategy import Arm

__all__ = ["BuiltPrompt", "OpenProblem", "PromptBuilder"]


@dataclass(slots=True)
class OpenProblem:
    """One problem while it is solved: what its paths share, and what that cost.

    Attributes:
        problem: the problem.
        languages: those chosen for it, in the order that breaks ties.
        usage: tokens spent on the question as a whole, on plans and choices.
        prompts: by arm, where all paths of the arm have the same.
        translations: finished or on their way.
        spent: tokens spent on translations so far.
    """

    problem: Problem
    languages: tuple[str, ...]
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    prompts: dict[Arm, Prompt] = field(default_factory=dict)
    translations: dict[TranslationKey, asyncio.Task[Translated]] = field(default_factory=dict)
    spent: dict[TranslationKey, Usage] = field(default_factory=dict)


class BuiltPrompt(NamedTuple):
    """A rendered prompt, or the reason why there is none, with the tokens spent on it.

    ``usage`` leaves out the translation, which other paths share. ``question`` is the translation
    that the prompt asks, None where it asks the question as it is.
    """

    prompt: Prompt | None
    fault: str | None = None
    usage: Usage = Usage()
    question: str | None = None


class PromptBuilder:
    """Builds the prompts of a run.

    Args:
        configuration: of the run.
        templates: render the prompts.
        sampler: samples translations and turns.
    """

    def __init__(
        self, configuration: Configuration, templates: Templates, sampler: Sampler
    ) -> None:
        self._settings = configuration
        self._templates = templates
        self._sampler = sampler

    def has_own_prompts(self, arm: Arm) -> bool:
        """Whether every path of an arm has a prompt of its own."""
        return arm.switch > 0 or self._templates.get(arm.template).turns > 1

    async def build(self, opened: OpenProblem, slot: Slot) -> BuiltPrompt:
        """Build the prompt of one path; a translation that other paths share is made once."""
        arm = slot.arm
        question: str | None = opened.problem.question
        if (key := TranslationKey.of(arm)) is not None:
            question, fault = await self._translation(opened, key)
            if question is None:
                return BuiltPrompt(None, fault)
        assert question is not None  # noqa: S101 - a problem has one
        asked = None if key is None else question
        if self.has_own_prompts(arm):
            built = await self._own_prompt(opened, slot, question)
            return built._replace(question=asked)
        prompt = opened.prompts.get(arm)
        if prompt is None:
            prompt = self._prompt(arm, self._render(opened, slot, question))
            opened.prompts[arm] = prompt
        return BuiltPrompt(prompt, question=asked)

    async def _translation(self, opened: OpenProblem, key: TranslationKey) -> Translated:
        if self._settings.human_translations:
            human = opened.problem.translations.get(key.language)
            if human is not None:
                return Translated(human, None)
        task = opened.translations.get(key)
        if task is None:
            task = opened.translations[key] = asyncio.create_task(self._translate(opened, key))
        return task.result() if task.done() else await asyncio.shield(task)

    async def _translate(self, opened: OpenProblem, key: TranslationKey) -> Translated:
        """Translate the question, in as many tries as the configuration allows."""
        problem, settings, language = opened.problem, self._settings, key.language
        fault: str | None = None
        for attempt in range(settings.translation_tries):
            requests = [
                translation_request(
                    self._templates,
                    self._sampler.translator.fingerprint,
                    problem,
                    language,
                    attempt=attempt,
                    max_tokens=most,
                    template=key.template,
                    count=key.shots,
                )
                for most in self._limits("translation_max_tokens", settings.translation_max_tokens)
            ]
            draft = await self._step("translation", requests, language)
            if isinstance(draft, str):
                return Translated(None, f"{AbstainReason.ENGINE_FAILURE}: {draft}")
            opened.spent[key] = opened.spent.get(key, Usage()) + draft.usage
            translated = await read_translation(problem, draft, language)
            if translated.fault is None:
                return translated
            fault = translated.fault
        return Translated(None, f"{AbstainReason.TRANSLATION}: {fault}")

    async def _own_prompt(self, opened: OpenProblem, slot: Slot, question: str) -> BuiltPrompt:
        """Build the prompt of one path alone, with replies of its own to the turns before it."""
        arm, usage = slot.arm, Usage()
        replies: list[str] = []
        messages = self._render(opened, slot, question)
        for _ in range(self._templates.get(arm.template).turns - 1):
            requests = self._turns(slot, messages)
            reply = await self._step("turn", requests, arm.language, arm.engine)
            if isinstance(reply, str):
                return BuiltPrompt(None, f"{AbstainReason.ENGINE_FAILURE}: {reply}", usage)
            usage += reply.usage
            replies.append(reply.text)
            messages = self._render(opened, slot, question, replies)
        return BuiltPrompt(self._prompt(arm, messages), None, usage)

    def _render(
        self, opened: OpenProblem, slot: Slot, question: str, replies: Sequence[str] = ()
    ) -> tuple[Message, ...]:
        arm, problem = slot.arm, opened.problem
        language = problem.language if arm.question == "original" else arm.stands_for
        shots: tuple[Shot, ...] = ()
        if arm.shots:
            about = content_key("shots", problem.question)
            shots = self._templates.shots(
                language,
                arm.language,
                arm.shots,
                switch=arm.switch,
                languages=opened.languages,
                seed=hashed_seed(self._settings.seed, about, arm.key, slot.index),
            )
        messages = self._templates.render(
            arm.template,
            question=question,
            question_language=language,
            language=arm.language,
            replies=replies,
            languages=opened.languages,
            shots=shots,
        )
        return (*problem.context, *messages)

    def _prompt(self, arm: Arm, messages: tuple[Message, ...]) -> Prompt:
        prompt = Prompt(
            prompt_key(self._fingerprint(arm), messages, self._settings.sampling_of(arm)),
            messages,
            arm.answers_in or arm.language,
            arm.template,
            self._templates.get(arm.template).hash,
        )
        self._sampler.store.add_prompt(prompt)
        return prompt

    def _fingerprint(self, arm: Arm) -> str:
        return self._sampler.engine_of(arm.engine).fingerprint

    def earlier(self, prompt: Prompt, arm: Arm) -> Iterator[Prompt]:
        """Yield an arm's prompt under the earlier limits of tokens, the oldest first."""
        for sampling in self._earlier_samplings(arm):
            key = prompt_key(self._fingerprint(arm), prompt.messages, sampling)
            yield replace(prompt, key=key)

    def _turns(self, slot: Slot, messages: tuple[Message, ...]) -> list[Request]:
        """Return the requests of a turn under the earlier limits and under the run's."""
        requests = []
        own = self._settings.sampling_of(slot.arm)
        for sampling in (*self._earlier_samplings(slot.arm), own):
            prompt = prompt_key(self._fingerprint(slot.arm), messages, sampling)
            seed = path_seed(self._settings.seed, prompt, slot.arm.key, slot.index)
            key = content_key("turn", [prompt, seed])
            requests.append(Request(key, messages, sampling, seed))
        return requests

    def _earlier_samplings(self, arm: Arm) -> Iterator[Sampling]:
        if self._sampler.earlier_limits:
            sampling = self._settings.sampling_of(arm)
            for most in self._limits("max_tokens", sampling.max_tokens)[:-1]:
                yield replace(sampling, max_tokens=most)

    def _limits(self, name: str, own: int) -> list[int]:
        """Return the earlier values of a limit, then the run's own, each once."""
        earlier = [getattr(limits, name) for limits in self._sampler.earlier_limits]
        return list(dict.fromkeys([*earlier, own]))

    async def _step(
        self, kind: str, requests: Sequence[Request], language: str, voter: str | None = None
    ) -> Step | str:
        """Return the first step that ended under an earlier limit, else that of the last request.

        A text is the reason why it was lost.
        """
        for request in requests[:-1]:
            if (step := self._sampler.ended_step(request.key)) is not None:
                return step
        return await self._sampler.step(kind, requests[-1], language, voter)
