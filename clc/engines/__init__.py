"""Engines: chat messages in, completions out.

Each reasoning path is one request with its own seed. A caller keeps up to ``window`` calls of
``complete`` in flight; cancelling a call, as any asyncio task, aborts it in the engine.
"""

from __future__ import annotations

from clc.engines.base import Completion, Engine, Request

__all__ = ["Completion", "Engine", "Request"]
