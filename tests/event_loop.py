"""The event loop of a test."""

import asyncio
from contextlib import asynccontextmanager
from itertools import count


@asynccontextmanager
async def counted_turns():
    """Give a function that returns how often the event loop went round since it was entered."""
    turns = 0

    async def turn():
        nonlocal turns
        for turns in count(1):  # noqa: B007
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    try:
        yield lambda: turns
    finally:
        turning.cancel()
