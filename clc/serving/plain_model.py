"""The plain model in this process: the messages unchanged, ``n`` choices, no vote."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from clc.engines.base import ChatEngine, Request
from clc.records import Sampling, Usage, hashed_seed, path_key, prompt_key
from clc.serving.errors import ApiError
from clc.serving.http.admission import deadline_error
from clc.serving.question import (
    check_characters,
    check_choices,
    check_tokens,
    random_seed,
)
from clc.serving.reply import Choice, Reply, lost_error, map_finish_reason
from clc.solving.concurrency import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.base import Engine
    from clc.engines.chat_options import ChatOptions
    from clc.engines.shared import SharedEngine
    from clc.serving.openai.requests import BaseRequest
    from clc.serving.settings import Limits

__all__ = ["complete", "plain_requests"]

_TEMPERATURE = 1.0  # OpenAI's default
_MAX_TOKENS = 1024


def plain_requests(
    request: BaseRequest, engine: Engine, limits: Limits, options: ChatOptions | None = None
) -> list[Request]:
    """Make one engine request for each of ``n`` choices, each with its own seed.

    Args:
        request: the request.
        engine: that the requests are for.
        limits: on one request.
        options: chat options of the request's own.

    Raises:
        ApiError: 400, settings of a vote are given, or a limit is exceeded.
    """
    if request.clc is not None:
        raise ApiError(
            400,
            f"clc holds settings of a vote, and {request.model!r} is the plain model; ask for "
            "model 'clc', or leave them out",
            code="invalid_value",
            param="clc",
        )
    n, messages = request.choices(), request.turns()
    check_choices(n, limits)
    check_characters(messages, limits)
    values = {"temperature": _TEMPERATURE, "max_tokens": _MAX_TOKENS} | request.sampling()
    seed = values.pop("seed", None)
    if (most := request.new_tokens()) is not None:
        values["max_tokens"] = most
    check_tokens(n, values["max_tokens"], limits)
    sampling = Sampling(**values)
    fingerprint = engine.fingerprint
    if options is not None and isinstance(engine, ChatEngine):
        fingerprint = engine.fingerprint_with(options)
    prompt = prompt_key(fingerprint, messages, sampling)
    run_seed = random_seed() if seed is None else seed
    seeds = [hashed_seed(run_seed, prompt, index) for index in range(n)]
    return [
        Request(path_key(prompt, seed), messages, sampling, seed, chat_options=options)
        for seed in seeds
    ]


async def complete(
    lane: SharedEngine,
    requests: Sequence[Request],
    until: float,
    on_text: Callable[[int, str], None] | None = None,
    on_thought: Callable[[int, str], None] | None = None,
) -> Reply:
    """Sample all choices; cancelling the call ends them in the engine.

    Args:
        lane: samples them.
        requests: one for each choice.
        until: deadline by the loop's clock.
        on_text: called with a choice's index and each new piece of its text, by engines that
            stream. The pieces joined are a prefix of the choice's text.
        on_thought: the same for a choice's thought.

    Raises:
        ApiError: a choice was lost (400 or 502), or the deadline passed (408).
        EngineError: the engine is lost.
    """
    owner = object()
    requests = [
        replace(
            one,
            on_text=None if on_text is None else partial(on_text, index),
            on_thought=None if on_thought is None else partial(on_thought, index),
        )
        for index, one in enumerate(requests)
    ]
    try:
        async with asyncio.timeout_at(until):
            completions = await all_of([lane.complete(request, owner) for request in requests])
    except TimeoutError:
        raise deadline_error() from None
    failures = [one.error for one in completions if one.error is not None]
    if failures:
        raise lost_error(failures)
    # The choices share one prompt.
    usage = Usage(
        completions[0].usage.prompt_tokens,
        sum(one.usage.completion_tokens for one in completions),
        sum(one.usage.reasoning_tokens for one in completions),
    )
    choices = tuple(
        Choice(one.text, map_finish_reason(one.finish_reason), one.thought) for one in completions
    )
    return Reply(choices, usage)
