"""Engines: the one seam between clc and a model.

An engine completes requests. Each reasoning path is one request with its own seed; whoever runs
many has many ``complete`` calls in flight, up to ``window`` of them. A call that is no longer
wanted is cancelled as any asyncio task is, and the engine aborts it.
"""

from __future__ import annotations

from clc.engines.base import Completion, Engine, Request

__all__ = ["Completion", "Engine", "Request"]
