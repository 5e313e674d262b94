"""The plain model in this process: its messages as they are, ``n`` times, without a vote."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from clc.engines.base import Request
from clc.records import Sampling, Usage, hashed_seed, path_key, prompt_key
from clc.serving.errors import ApiError
from clc.serving.http.admission import too_late
from clc.serving.question import check_tokens
from clc.serving.reply import Reply, Spoken, finish_reason_of, lost
from clc.solving.concurrency import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clc.engines.shared import SharedEngine
    from clc.serving.openai.requests import Sampled
    from clc.serving.settings import Limits

__all__ = ["complete", "requests_of"]

_TEMPERATURE = 1.0  # OpenAI's default
_MAX_TOKENS = 1024
_SEED_BITS = 53


def requests_of(request: Sampled, fingerprint: str, limits: Limits) -> list[Request]:
    """Make one engine request for each of ``n`` choices, each with a seed of its own.

    Raises:
        ApiError: 400, settings of a vote are given, or more than the limits is asked for.
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
    if n > limits.paths:
        raise ApiError(
            400,
            f"n is {n}, and this server draws at most {limits.paths} for one request",
            code="invalid_value",
            param="n",
        )
    said = {"temperature": _TEMPERATURE, "max_tokens": _MAX_TOKENS} | request.sampling()
    seed = said.pop("seed", None)
    if (most := request.new_tokens()) is not None:
        said["max_tokens"] = most
    check_tokens(n, said["max_tokens"], limits)
    sampling = Sampling(**said)
    prompt = prompt_key(fingerprint, messages, sampling)
    run_seed = secrets.randbits(_SEED_BITS) if seed is None else seed
    seeds = [hashed_seed(run_seed, prompt, index) for index in range(n)]
    return [Request(path_key(prompt, seed), messages, sampling, seed) for seed in seeds]


async def complete(
    lane: SharedEngine,
    requests: Sequence[Request],
    until: float,
    heard: Callable[[int, str], None] | None = None,
) -> Reply:
    """Draw all choices; cancelling the call ends them in the engine.

    Args:
        lane: draws them.
        requests: one for each choice.
        until: time of the loop's clock at which all must be done.
        heard: is called with a choice's index and each new piece of its text, where the engine
            tells it while it draws; the pieces are a beginning of what the reply says.

    Raises:
        ApiError: one was lost (400 or 502), or the time was up (408).
        EngineError: the engine is lost.
    """
    owner = object()
    if heard is not None:
        requests = [replace(one, on_text=partial(heard, at)) for at, one in enumerate(requests)]
    try:
        async with asyncio.timeout_at(until):
            drawn = await all_of([lane.complete(request, owner) for request in requests])
    except TimeoutError:
        raise too_late() from None
    failures = [one.error for one in drawn if one.error is not None]
    if failures:
        raise lost(failures)
    # The prompt is one, however often it is answered.
    usage = Usage(drawn[0].usage.prompt_tokens, sum(one.usage.completion_tokens for one in drawn))
    return Reply(
        tuple(Spoken(one.text, finish_reason_of(one.finish_reason)) for one in drawn), usage
    )
