"""Make completions of sampled tokens: the thought apart, and within its budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from clc.engines.base import Completion
from clc.engines.deltas import DeltaStream, find_stop
from clc.records import Usage, hashed_seed
from clc.thoughts import ThoughtStream, split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from clc.engines.base import Request
    from clc.engines.chat_template import Chat, RenderedPrompt
    from clc.engines.confidence import Meter

__all__ = ["SampledTokens", "TokenSampler", "complete_tokens", "decode_sampled", "open_stream",
           "sample_past_stops", "sample_within_budget"]  # fmt: skip

TokenSampler: TypeAlias = (
    "Callable[[list[int], Request, str], Awaitable[SampledTokens | Completion]]"
)
"""Samples after the given token ids; the third argument is the text of those after the prompt."""


@dataclass(frozen=True, slots=True)
class SampledTokens:
    """Tokens sampled after a prompt, and why they end.

    Attributes:
        ids: the tokens, without one that ends the completion.
        text: of the ids, up to a stop string, with the marks of thoughts.
        finish_reason: ``stop``, ``length`` or ``abort``.
        count: how many were sampled, with one that ends the completion.
        at_stop: they end at a stop string, which may be in a thought.
    """

    ids: list[int]
    text: str
    finish_reason: str
    count: int
    at_stop: bool = False


def open_stream(chat: Chat, prompt: RenderedPrompt, request: Request) -> DeltaStream | None:
    """Return the stream to a request's listeners, or None if it has none."""
    if request.on_text is None and request.on_thought is None:
        return None
    return DeltaStream(
        chat.marks,
        opened=prompt.opened,
        on_text=request.on_text,
        on_thought=request.on_thought,
        stops=request.sampling.stop,
    )


def decode_sampled(
    chat: Chat, ids: list[int], stops: Sequence[str], *, opened: bool = False
) -> str:
    """Return the text of sampled ids up to a stop string in the answer.

    Args:
        chat: the tokenizer.
        ids: all that follow the prompt.
        stops: the stop strings.
        opened: the prompt ends inside a thought.
    """
    text = chat.codec.decode(ids).rstrip("\ufffd")  # half a character, which the end cut off
    return text[: find_stop(text, stops, chat.marks, opened=opened)]


def sample_past_stops(chat: Chat, prompt: RenderedPrompt, sample: TokenSampler) -> TokenSampler:
    """Return a sampler that goes on after a stop string that stands within a thought.

    Args:
        chat: the tokenizer.
        prompt: of the request.
        sample: ends at every stop string, and sets ``at_stop`` there.
    """

    async def sample_on(
        before_ids: list[int], request: Request, before: str
    ) -> SampledTokens | Completion:
        done = await sample(before_ids, request, before)
        if isinstance(done, Completion) or not done.at_stop:
            return done
        most, stops = request.sampling.max_tokens, request.sampling.stop
        sampled, low = done.ids, 0
        while done.at_stop:
            whole = before + chat.codec.decode(sampled)
            if find_stop(whole, stops, chat.marks, opened=prompt.opened, low=low) is not None:
                break
            low = max(len(whole) - max(map(len, stops)), 0)
            if len(sampled) >= most:
                done = replace(done, finish_reason="length", at_stop=False)
                break
            rest = replace(
                request,
                sampling=replace(request.sampling, max_tokens=most - len(sampled)),
                seed=hashed_seed("after a stop", request.seed, len(sampled)),
            )
            part = await sample([*before_ids, *sampled], rest, whole)
            if isinstance(part, Completion):  # the model's window is full
                done = replace(done, finish_reason="length", at_stop=False)
                break
            sampled = [*sampled, *part.ids]
            done = replace(part, ids=sampled, count=len(sampled) - len(part.ids) + part.count)
        return replace(done, text=decode_sampled(chat, sampled, stops, opened=prompt.opened))

    return sample_on


async def sample_within_budget(
    chat: Chat,
    prompt: RenderedPrompt,
    request: Request,
    sample: TokenSampler,
) -> SampledTokens | Completion:
    """Sample a completion whose thought takes at most the chat's budget.

    A thought that is open then is closed, and the rest of ``max_tokens`` is for the answer (budget
    forcing: s1, arXiv 2501.19393, section 3.1). What was sampled by then is not sampled again.

    Args:
        chat: the tokenizer, with the budget in tokens.
        prompt: of the request.
        request: what to sample.
        sample: samples; it returns a Completion for a lost path.
    """
    most, budget = request.sampling.max_tokens, chat.thinking_budget
    if budget is None or budget >= most:
        return await sample(prompt.ids, request, "")
    limit = replace(request, sampling=replace(request.sampling, max_tokens=budget))
    first = await sample(prompt.ids, limit, "")
    if isinstance(first, Completion) or first.finish_reason != "length" or first.count < budget:
        return first
    ids = [*first.ids, *chat.codec.encode(chat.closing_text(prompt, first.text))]
    rest = replace(
        request,
        sampling=replace(request.sampling, max_tokens=most - budget),
        seed=hashed_seed("answer", request.seed),  # the same would repeat the first tokens' noise
    )
    last = await sample([*prompt.ids, *ids], rest, chat.codec.decode(ids))
    if isinstance(last, Completion):  # the model's window is full: the completion ends here
        return first
    ids += last.ids
    text = decode_sampled(chat, ids, request.sampling.stop, opened=prompt.opened)
    return SampledTokens(ids, text, last.finish_reason, first.count + last.count)


def complete_tokens(
    chat: Chat, prompt: RenderedPrompt, sampled: SampledTokens, meter: Meter | None
) -> Completion:
    """Return the completion of sampled tokens, its thought apart."""
    text = sampled.text
    thought, visible, closed = split(
        text, chat.marks, opened=prompt.opened, finish_reason=sampled.finish_reason
    )
    if closed and thought and not prompt.opened and text.lstrip().startswith(thought.lstrip()):
        # No mark opened it, in the prompt or the text: the closing one is stray.
        stream = ThoughtStream(chat.marks)
        parts = (stream.feed(text), stream.finish(sampled.finish_reason))
        thought, visible, closed = "", "".join(part.visible for part in parts), None
    reasoning_tokens = 0
    if closed:
        visible = visible.lstrip()
        end = text.find(thought) + len(thought)
        reasoning_tokens = chat.codec.count_thought(sampled.ids, text, end)
    elif closed is False:
        reasoning_tokens = sampled.count
    return Completion(
        visible,
        sampled.finish_reason,
        Usage(len(prompt.ids), sampled.count, reasoning_tokens),
        confidence=None if meter is None else meter.confidence,
        thought=thought,
        closed=closed,
    )
