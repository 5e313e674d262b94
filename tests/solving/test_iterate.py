"""Verdicts for ordinary code: an iterator over what an event loop in another thread yields."""

import asyncio
import threading
from contextlib import aclosing

import pytest

from clc.errors import EngineError
from clc.solving.concurrency import iterate


async def count(to, closed=None):
    try:
        for number in range(to):
            await asyncio.sleep(0)
            yield number
    finally:
        await asyncio.sleep(0.05)
        if closed is not None:
            closed.append(True)


def test_iterate_gives_all_in_order():
    assert list(iterate(lambda: count(300))) == list(range(300))


def test_iterate_inside_a_running_loop():
    async def main():
        return list(iterate(lambda: count(10)))

    assert asyncio.run(main()) == list(range(10))


def test_iterate_hands_errors_over():
    async def breaks():
        yield 1
        raise EngineError("gone")

    items = iterate(breaks)
    assert next(items) == 1
    with pytest.raises(EngineError, match="gone"):
        next(items)
    assert list(items) == []


def test_iterate_stops_ahead_and_closing_waits_for_the_end():
    closed, made = [], []

    async def counted():
        async with aclosing(count(10**9, closed)) as source:
            async for number in source:
                made.append(number)
                yield number

    before = threading.active_count()
    items = iterate(counted, ahead=5)
    assert next(items) == 0
    threading.Event().wait(0.3)
    assert len(made) <= 5 + 2
    items.close()
    assert closed == [True]
    assert threading.active_count() == before


def test_an_iterator_that_is_never_asked_starts_nothing():
    before = threading.active_count()
    items = iterate(lambda: count(3))
    assert threading.active_count() == before
    items.close()
