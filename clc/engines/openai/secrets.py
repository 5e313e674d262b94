"""Secrets of an endpoint, and the one way in which its texts are quoted: hidden, then clipped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote as percent_encode

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NO_SECRETS", "Secrets"]

QUOTED_CHARS = 300
_READ_CHARS = 10 * QUOTED_CHARS  # of a text without its secrets; the rest is not looked at
_FEWEST_CHARS = 6  # a shorter header value is no secret; hiding it would mangle messages
_PUBLIC = frozenset({"content-type", "accept-encoding", "accept", "user-agent"})
_SCHEMES = frozenset({"bearer", "basic", "digest", "token"})


class Secrets:
    """The values of request headers, which no message, log or record may show.

    A value is hidden as a whole and by its words (``Bearer sk-1``, ``sk-1``), as it is and as JSON
    and URLs write it.

    Args:
        headers: those of each endpoint's requests, by name.
    """

    def __init__(self, *headers: Mapping[str, str]) -> None:
        values = [
            value for one in headers for name, value in one.items() if name.lower() not in _PUBLIC
        ]
        words = {word for value in values for word in (value.strip(), *value.split())}
        written = {
            form
            for word in words
            if len(word) >= _FEWEST_CHARS and word.lower() not in _SCHEMES
            for form in (word, json.dumps(word)[1:-1], percent_encode(word, safe=""))
        }
        self._written = sorted(written, key=len, reverse=True)

    def __repr__(self) -> str:
        return "Secrets(***)"

    def hide(self, text: str) -> str:
        """Return the text with each secret replaced by ``***``.

        >>> Secrets({"Authorization": "Bearer sk-12345"}).hide("no such key: sk-12345")
        'no such key: ***'
        """
        for secret in self._written:
            text = text.replace(secret, "***")
        return text

    def hide_bytes(self, body: bytes) -> bytes:
        """Return the body with each secret replaced by ``***``."""
        for secret in self._written:
            body = body.replace(secret.encode(), b"***")
        return body

    def quote(self, text: str | bytes) -> str:
        r"""Return the beginning of a text on one line of at most 300 characters.

        Secrets are hidden first: a clipped one could not be found.

        >>> NO_SECRETS.quote(b"<h1>Bad\n  gateway</h1>")
        '<h1>Bad gateway</h1>'
        """
        whole = text.decode(errors="replace") if isinstance(text, bytes) else text
        line = " ".join(self.hide(whole).lstrip()[:_READ_CHARS].split())
        return line if len(line) <= QUOTED_CHARS else line[: QUOTED_CHARS - 1] + "…"


NO_SECRETS = Secrets()
