"""The description of one endpoint: its URL, the name of its key, headers, query and limits."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["APIS", "BEARER", "SERVERS", "EndpointSpec"]

APIS = ("chat", "completions")
SERVERS = ("vllm", "sglang", "llamacpp")
"""Servers that have defaults of their own for sampling fields, or those of the model's files."""

BEARER = "Authorization"
_SECRET = re.compile(r"key|token|secret|sig|password", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """One OpenAI-compatible endpoint.

    Attributes:
        url: what stands before ``/chat/completions`` or ``/completions``.
        key: name of the environment variable that holds its API key; None for no key.
        key_header: the header of the key, a bearer token in ``Authorization``; Azure's is
            ``api-key``.
        headers: more headers of its requests; their values count as secret.
        query: parameters of every URL, such as ``api-version``.
        window: requests in flight there.
        requests_per_minute: attempts a minute.
        tokens_per_minute: tokens a minute, estimated before and corrected after each reply.
        api: ``chat``, or ``completions`` for a base model: it gets the messages as plain text.
        server: ``vllm``, ``sglang`` or ``llamacpp`` where the list of models names another owner.
        needs_key: whether it is an error that the environment lacks ``key``.
    """

    url: str
    key: str | None = None
    key_header: str = BEARER
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    window: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    api: str = "chat"
    server: str | None = None
    needs_key: bool = True

    def key_headers(self) -> dict[str, str]:
        """Return the header of the key; {} without one.

        Raises:
            ConfigurationError: the environment does not have the variable.
        """
        if self.key is None:
            return {}
        value = os.environ.get(self.key, "").strip()
        if not (value or self.needs_key):
            return {}
        if not value:
            raise ConfigurationError(
                f"the key of {self.url} is read from {self.key}, which is not set: "
                f"export {self.key}=..., or leave out key for an endpoint that needs none"
            )
        return {self.key_header: f"Bearer {value}" if self.key_header == BEARER else value}

    @property
    def secret_query(self) -> dict[str, str]:
        """The parameters of the URL that look like secrets by their names."""
        return {name: value for name, value in self.query.items() if _SECRET.search(name)}
