"""A signal cancels the work, lets it close what it holds, and is passed on as an interrupt."""

import asyncio
import os
import signal

import pytest

from clc.cli.interrupts import run_interruptible

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def test_the_result_is_returned_and_the_display_ticks():
    async def work():
        await ticked.wait()
        return 7

    ticked = asyncio.Event()
    assert run_interruptible(work(), ticked.set) == 7


@BOTH
def test_the_first_signal_waits_for_the_work_to_close(number):
    events = []

    async def work():
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            events.append("closed")

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work(), stopping=lambda: events.append("stopping"))
    assert events == ["stopping", "closed"]


def test_a_second_interrupt_does_not_wait():
    async def work():
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work())


@BOTH
def test_handlers_are_put_back(number):
    async def work():
        pass

    before = signal.getsignal(number)
    run_interruptible(work())
    assert signal.getsignal(number) == before


def test_a_cancellation_without_a_signal_is_no_interrupt():
    async def work():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_interruptible(work())


def test_an_error_is_raised_as_it_is():
    async def work():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_interruptible(work())
