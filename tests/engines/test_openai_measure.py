"""Confidence and the later sampling parameters at OpenAI-compatible endpoints."""

import asyncio
from dataclasses import replace

import pytest

from clc.engines import Completion
from clc.engines.confidence import Measure
from clc.errors import ConfigurationError
from clc.records import Confidence, Usage
from tests.engines.openai_engine import ask, engine_at, request

from .faulty_replies import completion, ok, part, status, stream, value
from .faulty_replies import measured as measured_reply
from .faulty_server import FaultyServer

TWO = (part("18", -0.5, -0.5, -1.5), part(".", -2.0, -1.0, -2.0, -9999.0))
FOUND = Confidence(mean=1.25, tail=1.5, lowest_group=1.0, logprob=-1.25)
MEASURE = Measure(top_k=5, tail=1, group=1)


def measured(measure: Measure = MEASURE, **sampling):
    return replace(request(**sampling), measure=measure)


# Sampling


def test_what_changes_nothing_is_not_sent_and_the_rest_is():
    new = {"min_p", "presence_penalty", "frequency_penalty", "repetition_penalty"}
    _, server = ask(wanted=request())
    assert not new & server.requests[0].body.keys()
    given: dict = {"min_p": 0.05, "presence_penalty": -1.0, "frequency_penalty": 0.5,
             "repetition_penalty": 1.1}  # fmt: skip
    _, server = ask(wanted=request(**given))
    assert {name: server.requests[0].body[name] for name in new} == given


def test_a_field_that_is_given_twice_is_a_contradiction():
    with pytest.raises(ConfigurationError, match=r"min_p is 0\.2 for the run and 0\.1"):
        ask(wanted=request(min_p=0.2), extra_body={"min_p": 0.1})


# Confidence


def test_a_completion_is_measured_by_its_log_probabilities():
    got, server = ask(measured_reply(*TWO), wanted=measured())
    assert got == Completion("18.", "stop", Usage(11, 7), confidence=FOUND)
    body = server.requests[0].body
    assert (body["logprobs"], body["top_logprobs"]) == (True, 5)
    _, server = ask(measured_reply(*TWO))
    assert not {"logprobs", "top_logprobs"} & server.requests[0].body.keys()


def test_an_empty_completion_has_no_confidence():
    got, _ = ask(ok(""), wanted=measured())
    assert (got.text, got.finish_reason, got.confidence) == ("", "stop", None)


@pytest.mark.parametrize(
    ("reply", "floor"),
    [
        (ok("18"), None),
        (ok("18"), 1.0),  # and does not stream
        (value(completion("18") | {"logprobs": {"content": []}}), None),
        (stream({"token": "18", "top_logprobs": None}), 1.0),
    ],
)
def test_a_server_without_log_probabilities_stops_the_run(reply, floor):
    with pytest.raises(ConfigurationError, match="answered without log-probabilities"):
        ask(reply, wanted=measured(replace(MEASURE, floor=floor)))


@pytest.mark.parametrize("number", [400, 422])
@pytest.mark.parametrize("floor", [None, 1.0])
def test_a_server_that_refuses_log_probabilities_stops_the_run(number, floor):
    refusal = status(number, "top_logprobs must be at most 5")
    with pytest.raises(ConfigurationError, match=rf"answered {number}: top_logprobs.*fewer tokens"):
        ask(refusal, wanted=measured(replace(MEASURE, floor=floor)))
    lost, _ = ask(refusal)  # not asked for: words about something else
    assert "refused the request" in lost.error


# Floors


def floored(floor: float):
    return measured(Measure(top_k=5, tail=2, group=2, floor=floor))


TEXT = ("Ei", "n\u2028", "s", " 答え", " 18")
CONFIDENCES = (9.0, 9.0, 4.0, 2.0, 9.0)
PARTS = [
    part(text, -0.1, -it, -it) for text, it in zip(TEXT, CONFIDENCES, strict=True)
]  # means of two: 9, 6.5, 3, 5.5


@pytest.mark.parametrize("cut", [1, 7, 100_000])
def test_a_path_above_its_floor_arrives_whole(cut):
    got, server = ask(stream(*PARTS, cut=cut), wanted=floored(2.9))
    assert (got.text, got.finish_reason, got.usage) == ("".join(TEXT), "stop", Usage(11, 5))
    assert got.confidence == Confidence(pytest.approx(6.6), 5.5, 3.0, pytest.approx(-0.1))  # type: ignore[arg-type]
    body = server.requests[0].body
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_path_under_its_floor_is_left_and_the_server_sees_it():
    async def run():
        endless = [*PARTS, *[part(" x", -1.0, -9.0)] * 1000]
        async with FaultyServer(stream(*endless, every_s=0.01)) as server, engine_at(server) as it:
            got = await asyncio.wait_for(it.complete(floored(3.1)), 60)
            async with asyncio.timeout(60):
                await server.requests[0].hung_up.wait()
            return got, server

    got, server = asyncio.run(run())
    assert (got.text, got.finish_reason) == ("Ein\u2028s 答え", "abort")
    assert got.usage.completion_tokens == 4
    assert got.usage.prompt_tokens > 5  # estimated
    assert got.confidence == Confidence(6.0, 3.0, 3.0, pytest.approx(-0.1))  # type: ignore[arg-type]
    assert len(server.requests) == 1


def test_the_last_token_aborts_nothing():
    low = part("!", -1.0, -0.5)
    pieces = stream(part("a", -1.0, -9.0), low, part("", -1.0, -9.0), finish_reason="length")
    got, _ = ask(pieces, wanted=measured(Measure(group=3, floor=9.0)))
    assert (got.finish_reason, got.text) == ("abort", "a!")  # its end had not arrived yet

    whole = completion("a!", finish_reason="length")
    whole["choices"][0]["logprobs"] = {"content": [low, low]}
    got, _ = ask(value(whole), wanted=measured(Measure(group=2, floor=9.0)))
    assert (got.finish_reason, got.confidence.lowest_group) == ("length", 0.5)  # not streamed


@pytest.mark.parametrize(
    "broken", [stream(*PARTS, end=False), stream(*PARTS, finish_reason="abort")]
)
def test_a_stream_that_ends_early_is_tried_again(broken):
    got, server = ask(broken, stream(*PARTS), wanted=floored(1.0))
    assert got.text == "".join(TEXT)
    assert len(server.requests) == 2


def test_faults_of_a_streamed_request_are_the_faults_of_any():
    lost, _ = ask(status(400, "no"), wanted=floored(1.0))
    assert "refused the request (400): no" in lost.error
    got, server = ask(
        status(503), status(429, retry_after=0.01), stream(*PARTS), wanted=floored(1.0)
    )
    assert got.finish_reason == "stop"
    assert len(server.requests) == 3
