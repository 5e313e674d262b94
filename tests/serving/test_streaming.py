"""Streams of the plain model: its text piece by piece, whatever the engine tells of it."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace

import httpx
import pytest

from clc.serving.http.streaming import StreamState, stream_events
from tests.engines.scripted import ScriptedEngine

from .serving import QUESTION, ask, client, idle, serving


class DeltaStream(ScriptedEngine):
    """Tells its text word by word, all but the last ``kept`` characters."""

    def __init__(self, *, kept=0, pause=0.02, **more):
        super().__init__(**more)
        self.kept = kept
        self.pause = pause

    async def complete(self, request):
        done = await super().complete(request)
        if request.on_text is None or done.error is not None:
            return done
        self.in_flight += 1
        try:
            for word in done.text[: len(done.text) - self.kept].splitlines(keepends=True):
                request.on_text(word)
                await asyncio.sleep(self.pause)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        return done


def joined(chunks, index=0):
    return "".join(
        choice.delta.content or ""
        for chunk in chunks
        for choice in chunk.choices
        if choice.index == index
    )


@pytest.mark.parametrize("kept", [0, 5, 10_000])
@pytest.mark.slow
def test_the_chunks_of_every_choice_are_its_text(kept):
    kinds = {"model": "scripted", "messages": ask(), "n": 3, "seed": 1}
    with serving(DeltaStream(kept=kept)) as it:
        whole = client(it).chat.completions.create(**kinds)
        chunks = list(
            client(it).chat.completions.create(
                **kinds, stream=True, stream_options={"include_usage": True}
            )
        )
    for choice in whole.choices:
        own = [one for chunk in chunks for one in chunk.choices if one.index == choice.index]
        assert joined(chunks, choice.index) == choice.message.content
        assert own[0].delta.role == "assistant"
        assert [one.finish_reason for one in own if one.finish_reason] == [choice.finish_reason]
        assert own[-1].finish_reason
        said = [one for one in own if one.delta.content]
        assert len(said) == 1 if kept == 10_000 else len(said) > 1
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].choices == []


def test_a_piece_comes_before_the_next_is_drawn():
    """The engine says its second piece only when the client has the first."""
    heard = asyncio.Event()

    class Waiting(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            request.on_text(done.text[:4])
            self.loop = asyncio.get_running_loop()
            await heard.wait()
            return done

    engine = Waiting()
    with serving(engine) as it:
        stream = client(it).chat.completions.create(model="scripted", messages=ask(), stream=True)
        chunks = iter(stream)
        first = next(chunk for chunk in chunks if chunk.choices[0].delta.content)
        assert first.choices[0].delta.content == "Step"
        engine.loop.call_soon_threadsafe(heard.set)
        assert joined([first, *chunks]).startswith("Step 0: so it is.")


def test_a_whole_reply_asks_for_no_pieces():
    engine = DeltaStream()
    with serving(engine) as it:
        client(it).chat.completions.create(model="scripted", messages=ask())
        list(client(it).chat.completions.create(model="clc:sc", messages=ask(), stream=True))
    assert {request.on_text for request in engine.requests} == {None}


def test_the_responses_api_says_the_same():
    with serving(DeltaStream(kept=3)) as it:
        events = list(client(it).responses.create(model="scripted", input=QUESTION, stream=True))
    kinds = [event.type for event in events]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == events[-1].response.output_text
    assert [kind for kind in kinds if not kind.endswith("text.delta")] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_a_client_that_leaves_in_the_middle_stops_the_engine():
    engine = DeltaStream(pause=60)
    with serving(engine) as it:
        body = {"model": "scripted", "messages": ask(), "stream": True, "n": 2}
        with httpx.stream("POST", f"{it.url}/chat/completions", json=body) as reply:
            lines = reply.iter_lines()  # held: one that is let go closes the connection
            assert any("Step" in line for line in lines)
            assert engine.in_flight == 2
        assert idle(it)
        assert engine.cancelled == 2
        assert engine.in_flight == 0


def test_an_error_after_some_text_is_an_event_of_the_stream():
    class Cut(DeltaStream):
        async def complete(self, request):
            done = await super().complete(request)
            return replace(done, finish_reason="error", error="the worker is gone")

    with serving(Cut()) as it:
        body = {"model": "scripted", "messages": ask(), "stream": True}
        text = httpx.post(f"{it.url}/chat/completions", json=body).text
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert json.loads(events[1])["choices"][0]["delta"]["content"].startswith("Step")
    assert json.loads(events[-1])["error"]["code"] == "upstream_failed"


def test_a_slow_client_gets_what_has_come_in_one_piece():
    """The writer shows what is written at a time."""
    writer = SimpleNamespace(
        begin=lambda: iter([b"begin"]),
        piece=lambda index, text: iter([f"{index}{text}".encode()]),
        end=lambda reply: iter([reply]),
    )

    sampled = asyncio.Event()
    has = {event: asyncio.Event() for event in (b"1BC", b"1D")}  # what the client has

    async def job(state: StreamState):
        for piece in "abc":
            state.add_text(0, piece)
            state.add_text(1, piece.upper())
            await asyncio.sleep(0)
        sampled.set()
        await has[b"1BC"].wait()
        state.add_text(1, "D")
        await has[b"1D"].wait()
        return b"end"

    async def main():
        said = []
        async for event in stream_events(writer, job, pytest.fail):  # type: ignore[arg-type]
            said.append(event)
            if event == b"0a":
                await sampled.wait()  # the client reads slowly
            if event in has:
                has[event].set()
        return said

    said = asyncio.run(main())
    assert said == [b"begin", b"0a", b"1A", b"0bc", b"1BC", b"1D", b"end"]
