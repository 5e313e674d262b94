"""Settings of the server: address, keys, defaults, limits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Limits", "Settings"]

_SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one request and on all requests together.

    ``head_s`` (seconds to arrive) limits a request's head, ``body_bytes`` and ``body_s`` its body,
    ``characters`` the question to vote on, and eight times as many all turns together. ``paths``
    and ``languages`` limit its vote, ``tokens`` its new tokens in all (paths times max_tokens; by
    default 11 paths of 32k and more).
    ``deadline_s`` is the longest and the default time for one answer. ``running`` requests are
    answered at a time (by default as many as keep the engine's window full), ``waiting`` more
    wait, and any further one gets 429.
    """

    head_s: float = 20.0
    body_bytes: int = 1 << 20
    body_s: float = 30.0
    characters: int = 1 << 15
    paths: int = 256
    languages: int = 64
    tokens: int = 1 << 19
    deadline_s: float = 600.0
    running: int | None = None
    waiting: int = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """Address, keys, defaults and limits of a server.

    Args:
        model: name of the plain model in ``/v1/models``.
        host: address to listen on.
        port: port to listen on; 0 is any free one.
        keys: accepted bearer tokens; without any, no key is needed.
        defaults: arguments of ``clc.solving.configure.configure``: strategy, paths, languages, …
        limits: limits on requests.
        scripts: languages of a prompt folder with their scripts, which are detected in questions.
        drain_s: seconds for running requests to end when the server is stopped.

    Raises:
        ConfigurationError: a public address without a key, a bad key, or the name of a vote.
    """

    model: str
    host: str = "127.0.0.1"
    port: int = 8400
    keys: tuple[str, ...] = field(default=(), repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = Limits()
    scripts: Mapping[str, str] = field(default_factory=dict)
    drain_s: float = 30.0

    def __post_init__(self) -> None:
        """Check keys, address and name."""
        for key in self.keys:
            if len(key) < _SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
                raise ConfigurationError(
                    f"an API key has {len(key)} characters: give at least {_SHORTEST_KEY}, "
                    "ASCII without spaces"
                )
        if not self.keys and not is_loopback(self.host):
            raise ConfigurationError(
                f"{self.host} can be reached from other machines, and no API key is set: set "
                "CLC_API_KEY or give --api-key-file, or listen on 127.0.0.1"
            )
        if self.model == "clc" or self.model.startswith("clc:"):
            raise ConfigurationError(
                f"the model is called {self.model!r}, which is the name of its votes here; "
                "serve it under another name"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("LocalHost")
    (True, True, True)
    >>> is_loopback("0.0.0.0"), is_loopback("gpu.example")
    (False, False)
    """
    name = host.lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
