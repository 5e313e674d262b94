"""Replies to a client that may disconnect: whole ones, and streams of events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from starlette.responses import Response

from clc.serving.errors import api_error, stopping_error
from clc.voting.tally import vote

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Sequence

    from starlette.types import Receive, Scope, Send

    from clc.records import Vote
    from clc.serving.errors import ApiError
    from clc.serving.reply import Reply

__all__ = [
    "ClientGoneError",
    "EventStream",
    "Job",
    "StreamState",
    "Writer",
    "stream_events",
    "while_connected",
]

_T = TypeVar("_T")

Job: TypeAlias = "Callable[[StreamState | None], Coroutine[Any, Any, Reply]]"
"""The work that is left after a request was checked; for a stream it updates the state."""

_PING_S = 15.0  # proxies close a connection that is silent for 30 to 60 s
_PROGRESS_S = 0.1
_GRACE_S = 10.0  # for the last events, after the deadline
_LAST_S = 1.0  # for a last event when the server stops


class ClientGoneError(Exception):
    """The client has closed the connection."""


class StreamState:
    """The part of an answer that its client has not received yet.

    Bounded for a slow client: one state of the vote, and one piece of each thought and text.

    Attributes:
        changed: set while there is something to send.
        votes: votes so far and the number of paths planned; None once sent.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.votes: tuple[Sequence[Vote], int] | None = None
        self._thoughts: dict[int, str] = {}
        self._pieces: dict[int, str] = {}

    def set_votes(self, votes: Sequence[Vote], planned: int) -> None:
        """Set the votes so far and the number of paths planned."""
        self.votes = votes, planned
        self.changed.set()

    def add_text(self, index: int, piece: str) -> None:
        """Append to the text of one choice."""
        self._pieces[index] = self._pieces.get(index, "") + piece
        self.changed.set()

    def add_thought(self, index: int, piece: str) -> None:
        """Append to the thought of one choice."""
        self._thoughts[index] = self._thoughts.get(index, "") + piece
        self.changed.set()

    def flush(self, writer: Writer) -> Iterator[bytes]:
        """Write everything that is not sent yet."""
        self.changed.clear()
        votes, self.votes = self.votes, None
        thoughts, self._thoughts = self._thoughts, {}
        pieces, self._pieces = self._pieces, {}
        if votes is not None:
            yield writer.progress(_progress(*votes))
        for index, piece in thoughts.items():
            yield from writer.thought(index, piece)
        for index, piece in pieces.items():
            yield from writer.piece(index, piece)


class Writer(Protocol):
    """Writes a reply in the form of one of the two APIs."""

    def whole(self, reply: Reply) -> dict[str, Any]:
        """Write a whole reply."""

    def begin(self) -> Iterator[bytes]:
        """Write the first events of a stream."""

    def progress(self, progress: dict[str, Any]) -> bytes:
        """Write the progress of the vote."""

    def thought(self, index: int, text: str) -> Iterator[bytes]:
        """Write more of the thought of one choice."""

    def piece(self, index: int, text: str) -> Iterator[bytes]:
        """Write more of the text of one choice."""

    def end(self, reply: Reply) -> Iterator[bytes]:
        """Write the rest of the answer, and the last events of a stream."""

    def fail(self, error: ApiError) -> Iterator[bytes]:
        """Write an error in the middle of a stream."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, _T]) -> _T:
    """Await ``work``, and cancel it when the client disconnects.

    Raises:
        ClientGoneError: the client disconnected. The work has ended before this is raised.
    """
    tasks = (asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise ClientGoneError
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def stream_events(
    writer: Writer,
    job: Job,
    failed: Callable[[Exception], None],
) -> AsyncGenerator[bytes, None]:
    """Yield the events of one answer: beginning, progress, then the rest or an error.

    Args:
        writer: writes the events.
        job: does the work, and updates the state.
        failed: called with an error, which the stream then ends with.
    """
    state = StreamState()
    for event in writer.begin():
        yield event
    task = asyncio.create_task(job(state))
    task.add_done_callback(lambda _: state.changed.set())
    try:
        while True:
            try:
                async with asyncio.timeout(_PING_S):
                    await state.changed.wait()
            except TimeoutError:
                yield b": still at work\n\n"
                continue
            if task.done():
                break
            voted = state.votes is not None
            for event in state.flush(writer):
                yield event
            if voted:
                await asyncio.wait([task], timeout=_PROGRESS_S)
        try:
            last = writer.end(task.result())
        except Exception as error:  # noqa: BLE001 - goes to the client and the log
            failed(error)
            last = writer.fail(api_error(error))
        for event in last:
            yield event
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class EventStream(Response):
    """Server-sent events; their source is closed when the client disconnects.

    Args:
        events: the events.
        until: time of the loop's clock at which they end; a client that has not read them a little
            later is cut off.
        fail: makes the last events of a stream that ends with an error.
        done: called at the end, however it comes.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        until: float,
        fail: Callable[[ApiError], Iterator[bytes]],
        done: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._until = until
        self._fail = fail
        self._done = done
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the events as they are yielded.

        Raises:
            ClientGoneError: the client disconnected, or reads too slowly.
        """
        try:
            async with asyncio.timeout_at(self._until + _GRACE_S):
                await while_connected(receive, self._send(send))
        except TimeoutError:
            raise ClientGoneError from None
        except asyncio.CancelledError:  # the server stops
            if not self._started:
                raise
            await self._break_off(send)
        finally:
            await self._events.aclose()
            if self._done is not None:
                await self._done()

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        self._started = True
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _break_off(self, send: Send) -> None:
        """End with an error event, as far as the client reads."""
        await self._events.aclose()
        try:
            async with asyncio.timeout(_LAST_S):
                for event in self._fail(stopping_error()):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            raise ClientGoneError from None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _progress(votes: Sequence[Vote], planned: int) -> dict[str, Any]:
    """Return the progress: paths done and planned, languages, leading answer."""
    so_far = vote(votes)
    languages: dict[str, int] = {}
    for one in votes:
        languages[one.language] = languages.get(one.language, 0) + 1
    return {
        "object": "clc.progress",
        "done": len(votes),
        "planned": planned,
        "languages": languages,
        "leading": so_far.answer,
        "support": so_far.support,
        "total": so_far.total,
    }
