"""An HTTP server of one report's files, on this machine only."""

from __future__ import annotations

import re
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from clc.analysis.report.page import content_policy
from clc.analysis.report.write import data_folder
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PageServer", "page_server"]

_HOST = "127.0.0.1"
_PART = re.compile(r"[0-9a-f]+\.js\Z")
# Against DNS rebinding: a foreign page's own host name must not give it access to a report.
_NAMES = frozenset([_HOST, "localhost"])


class PageServer(ThreadingHTTPServer):
    """Serves the files of one report."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of an error; a connection that the browser closes is none."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def page_server(page: Path, port: int) -> PageServer:
    """Bind a server of one report to a port of 127.0.0.1 (0: any free one), without starting it.

    Raises:
        ConfigurationError: the port cannot be bound.
    """

    class Handler(_Handler):
        report = page
        policy = f"{content_policy(loads=data_folder(page).is_dir())}; frame-ancestors 'none'"

    try:
        return PageServer((_HOST, port), Handler)
    except OSError as error:
        raise ConfigurationError(
            f"port {port} of {_HOST}: {error.strerror or error}; give another --port, or 0 for "
            "any that is free"
        ) from error


class _Handler(SimpleHTTPRequestHandler):
    report: Path
    policy: str

    def send_head(self) -> Any:
        """Answer a request if its Host header names this machine."""
        if _host(self.headers.get("Host", "")) not in _NAMES:
            self.send_error(403, "Ask for 127.0.0.1 or localhost")
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """Return the report's file for a URL path, "" for any other path and for links."""
        folder, _, name = unquote(urlsplit(path).path).lstrip("/").rpartition("/")
        parts = data_folder(self.report)
        if not folder and name in {"", self.report.name}:
            file = self.report
        elif folder == parts.name and _PART.match(name) and not parts.is_symlink():
            file = parts / name
        else:
            return ""
        return str(file) if file.is_file() and not file.is_symlink() else ""

    def end_headers(self) -> None:
        """Add headers: the browser revalidates the page each time."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


def _host(header: str) -> str | None:
    """Return the name in a Host header, without its port.

    >>> _host("LOCALHOST:8080"), _host("127.0.0.1"), _host("[")
    ('localhost', '127.0.0.1', None)
    """
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None
