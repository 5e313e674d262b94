"""Reward models behind vLLM's ``/pooling`` (process rewards) and ``/classify`` endpoints."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import httpx
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from clc.bounds import abbreviate
from clc.engines.reward.base import combine_steps, solution_messages
from clc.errors import ConfigurationError, EngineError
from clc.records import content_key

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["APIS", "ServedReward"]

APIS = ("classify", "pooling")
_AT_ONCE = 16
_ATTEMPTS = 5
_TIMEOUT_S = 120.0
_TRIAL = ("What is 1 + 1?", "2")


class _BusyError(Exception):
    """The server cannot answer now."""


class ServedReward:
    """A reward model of a vLLM server.

    Args:
        url: of the server, with ``/v1`` or without.
        model: its name.
        api: ``classify``, whose last class is "right", or ``pooling``, with a number or the shares
            of two classes for each step.
        key: environment variable with the server's key.
        separator: ends each step of a solution.
        steps: how rewards of steps make one, see ``combine_steps``.

    Raises:
        ConfigurationError: the key is not in the environment.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api: str = "classify",
        key: str | None = None,
        separator: str = "",
        steps: str = "last",
    ) -> None:
        secret = None if key is None else os.environ.get(key, "").strip()
        if secret == "":
            raise ConfigurationError(f"the environment has no {key}, the key of {url}")
        self._url = url.rstrip("/").removesuffix("/v1")
        self._api, self._model, self._separator, self._steps = api, model, separator, steps
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._client: httpx.AsyncClient | None = None
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._started = False

    @property
    def fingerprint(self) -> str:
        """The hash of the model's name and of all that changes its numbers; not of its address."""
        return content_key("reward", [self._model, self._api, self._separator, self._steps])

    async def start(self) -> None:
        """Check that the server gives rewards.

        Raises:
            EngineError: it does not; the message has its words.
        """
        if not self._started:
            await self._reward(*_TRIAL)
            self._started = True

    async def rewards(self, question: str, solutions: Sequence[str]) -> list[float | None]:
        """Return a reward for each solution, None where the server gave none."""

        async def one(solution: str) -> float | None:
            try:
                return await self._reward(question, solution)
            except EngineError:
                return None

        return list(await asyncio.gather(*map(one, solutions)))

    async def _reward(self, question: str, solution: str) -> float:
        messages = solution_messages(question, solution, self._separator)
        body = {"model": self._model, "messages": messages}
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type((httpx.TransportError, _BusyError)),
                stop=stop_after_attempt(_ATTEMPTS),
                wait=wait_random_exponential(0.5, 10),
            ):
                with attempt:
                    return self._read(await self._post(body))
        except RetryError as error:
            cause = error.last_attempt.exception()
            raise EngineError(f"{self._url}/{self._api}: {cause!r:.300}") from cause
        raise AssertionError  # an attempt returns or raises

    async def _post(self, body: dict[str, Any]) -> Any:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, headers=self._headers)
        async with self._room:
            reply = await self._client.post(f"{self._url}/{self._api}", json=body)
        if reply.status_code == 429 or reply.status_code >= 500:  # noqa: PLR2004
            raise _BusyError(f"status {reply.status_code}")
        if reply.status_code != 200:  # noqa: PLR2004
            raise EngineError(
                f"{self._url}/{self._api}: status {reply.status_code}: {abbreviate(reply.text)}"
            )
        return reply.json()

    def _read(self, reply: Any) -> float:
        """Read the reward of a reply.

        Raises:
            EngineError: it holds none from 0 to 1.
        """
        try:
            (one,) = reply["data"]
            if self._api == "classify":
                values = [float(one["probs"][-1])]
            else:
                rows = one["data"] if isinstance(one["data"], list) else [one["data"]]
                values = [float(row[-1] if isinstance(row, list) else row) for row in rows]
            reward = combine_steps(values, self._steps)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise EngineError(
                f"{self._url}/{self._api}: no reward in the reply {abbreviate(reply)}"
            ) from error
        if not 0 <= reward <= 1:
            raise EngineError(
                f"{self._url}/{self._api}: a reward is from 0 to 1, not {reward:g}: start the "
                "server with an activation (a softmax or a sigmoid)"
            )
        return reward

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
