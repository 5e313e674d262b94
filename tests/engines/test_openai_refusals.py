"""Endpoints that refuse a field by its name, or every request: in the shapes of real servers."""

import asyncio
import json
import logging

import pytest

from clc.engines.base import Request
from clc.engines.openai.endpoint_spec import EndpointSpec
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import EngineError
from clc.records import Message, Sampling
from tests.engines.faulty_replies import completion, value
from tests.engines.faulty_server import FaultyServer

SEED = (1 << 40) + 5


def request(number=0, *, seed=SEED, system=None, **sampling):
    turns: list[Message] = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": f"What is {number} + 1?"})
    return Request(f"key {number} {seed}", tuple(turns), Sampling(**sampling), seed)


def openai_error(message, param=None, code=None):
    return {"error": {"message": message, "type": "invalid_request_error", "param": param,
                      "code": code}}  # fmt: skip


def fixed_temperature(body):
    """Refuse as models do that think before every answer."""
    if "max_tokens" in body:
        return 400, openai_error("Unsupported parameter: 'max_tokens' is not supported with this "
                                 "model. Use 'max_completion_tokens' instead.", "max_tokens",
                                 "unsupported_parameter")  # fmt: skip
    if body.get("temperature", 1) != 1:
        return 400, openai_error("Unsupported value: 'temperature' does not support 0.7 with this "
                                 "model. Only the default (1) value is supported.", "temperature",
                                 "unsupported_value")  # fmt: skip
    return None


def no_seed(body):
    if "seed" in body:
        place = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not "
                 "permitted"}  # fmt: skip
        return 422, {"detail": [place]}
    return None


def short_seed(body):
    if body.get("seed", 0) >= 1 << 31:
        return 422, {"message": "seed: Input should be less than or equal to 2147483647"}
    return None


def no_system(body):
    if body["messages"][0]["role"] == "system":
        return 400, {"error": {"message": "System role not supported"}}
    return None


def no_top_k(body):
    return (400, openai_error("Unknown parameter: 'top_k'.")) if "top_k" in body else None


def one_of_two(body):
    if "temperature" in body and "top_p" in body:
        return 400, openai_error(
            "`temperature` and `top_p` cannot both be specified for this model."
        )
    return None


def no_stop(body):
    message = "'stop' is not supported with this model."
    return (400, openai_error(message, "stop", "unsupported_parameter")) if "stop" in body else None


def answering(refuse, text="Answer: 1"):
    async def reply(exchange):
        refused = refuse(exchange.body)
        if refused is None:
            await exchange.send_json(200, completion(text))
        else:
            await exchange.send_json(*refused)

    return reply


def ask(server, *requests, spec=None, **options):
    async def run():
        async with server:
            place = server.url if spec is None else EndpointSpec(server.url, **spec)
            engine = OpenAIEngine("m", [place], wait_initial_s=0.01, **options)
            await engine.start()
            try:
                done = [await engine.complete(one) for one in requests]
            finally:
                await engine.close()
            return done, engine.notes()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("refuse", "given", "sent", "notes"),
    [
        (fixed_temperature, {}, {"max_completion_tokens": 1024, "seed": SEED},
         {"renamed": {"max_tokens": "max_completion_tokens"}, "left_out": ["temperature"]}),
        (no_seed, {}, {"max_tokens": 1024, "temperature": 0.7}, {"left_out": ["seed"]}),
        (short_seed, {}, {"seed": 5}, {"seed_bits": 31}),
        (no_system, {"system": "Be brief."},
         {"messages": [{"role": "user", "content": "Be brief.\n\nWhat is 0 + 1?"}]},
         {"system_in_user_turn": True}),
        (no_top_k, {"top_k": 5}, {"temperature": 0.7}, {"left_out": ["top_k"]}),
        (one_of_two, {}, {"temperature": 0.7}, {"left_out": ["top_p"]}),
        (no_stop, {"stop": ("###",)}, {"temperature": 0.7}, {"left_out": ["stop"]}),
    ],
)  # fmt: skip
def test_a_refused_field_is_changed_once_and_noted(refuse, given, sent, notes, caplog):
    server = FaultyServer(answering(refuse))
    with caplog.at_level(logging.WARNING):
        done, noted = ask(server, request(0, **given), request(1, **given))
    assert [one.text for one in done] == ["Answer: 1", "Answer: 1"]
    bodies = [one.body for one in server.requests]
    changes = len(notes.get("left_out", ())) + len(notes.keys() - {"left_out"})
    assert len(bodies) == 2 + changes
    first = bodies[changes]
    assert {name: first.get(name) for name in sent} == sent
    assert not set(notes.get("left_out", ())) & bodies[-1].keys()
    (of_endpoint,) = noted["endpoints"].values()
    assert {name: of_endpoint.get(name) for name in notes} == notes
    said = [one for one in caplog.messages if "does not take" in one]
    assert len(said) == changes


@pytest.mark.parametrize("refuse", [fixed_temperature, no_seed, short_seed, no_system])
def test_requests_that_are_refused_together_are_all_sent_again(refuse, caplog):
    async def run():
        async with FaultyServer(answering(refuse)) as server:
            engine = OpenAIEngine("m", [server.url], wait_initial_s=0.01)
            await engine.start()
            requests = (request(number, system="Be brief.") for number in range(20))
            done = await asyncio.gather(*map(engine.complete, requests))
            await engine.close()
            return done

    with caplog.at_level(logging.WARNING):
        assert {one.text for one in asyncio.run(run())} == {"Answer: 1"}
    said = [one for one in caplog.messages if "does not take" in one]
    assert len(said) == (2 if refuse is fixed_temperature else 1)


def test_stop_strings_that_a_server_refuses_still_end_the_text():
    server = FaultyServer(answering(no_stop, "Answer: 1 ### and more"))
    (done,), _ = ask(server, request(stop=("###",)))
    assert (done.text, done.finish_reason) == ("Answer: 1 ", "stop")


def test_a_value_out_of_range_is_no_reason_to_leave_a_field_out():
    def too_hot(body):
        return 400, openai_error("temperature must be at most 1.5", "temperature")

    server = FaultyServer(answering(too_hot))
    (done,), notes = ask(server, request(temperature=2))
    assert "temperature must be at most 1.5" in done.error
    assert len(server.requests) == 1
    assert "left_out" not in json.dumps(notes)


def test_a_prompt_that_does_not_fit_changes_nothing():
    message = "'max_tokens' is too large: the maximum context length is 10 tokens; unsupported"
    server = FaultyServer(value(openai_error(message, "max_tokens"), 400))
    (done,), notes = ask(server, request())
    assert "do not fit the model's context" in done.error
    assert "renamed" not in json.dumps(notes)


def test_a_refusal_that_every_request_meets_ends_it_after_a_few():
    server = FaultyServer(value(openai_error("Unknown parameter: 'top_k'."), 400))
    with pytest.raises(
        EngineError, match=r"refuses every request \(400\): Unknown parameter: 'top_k'"
    ):
        ask(server, *(request(number) for number in range(50)))
    assert len(server.requests) == 6


def test_one_prompt_that_is_refused_again_and_again_ends_nothing():
    server = FaultyServer(value(openai_error("no such thing"), 400))
    done, _ = ask(server, *(request(0, seed=seed) for seed in range(20)))
    assert all("refused the request (400): no such thing" in one.error for one in done)


def test_refusals_after_an_answer_end_nothing():
    refusal = value(openai_error("bad luck"), 400)
    server = FaultyServer(value(completion("Answer: 1")), refusal)
    done, _ = ask(server, *(request(number) for number in range(20)))
    assert done[0].error is None
    assert all("bad luck" in one.error for one in done[1:])


@pytest.mark.parametrize(
    ("owner", "sent"),
    [
        ("vllm", {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0,
                  "frequency_penalty": 0.0}),
        ("sglang", {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}),
        ("llamacpp", {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0, "presence_penalty": 0.0}),
        ("someone", {}),
    ],
)  # fmt: skip
def test_servers_that_fill_in_fields_are_sent_all_of_them(owner, sent):
    server = FaultyServer(
        answering(lambda _: None), models=value({"data": [{"id": "m", "owned_by": owner}]})
    )
    _, notes = ask(server, request())
    body = server.requests[0].body
    names = ("top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty")
    assert {name: body.get(name) for name in sent} == sent
    if owner == "someone":
        (of_endpoint,) = notes["endpoints"].values()
        assert of_endpoint == {"sampling_not_sent": sorted(names)}
        assert not set(names) & body.keys()
    else:
        assert notes == {}


def test_llama_cpp_has_another_name_for_the_repetition_penalty():
    models = value({"data": [{"id": "m", "owned_by": "llamacpp"}]})
    server = FaultyServer(answering(lambda _: None), models=models)
    ask(server, request(repetition_penalty=1.2))
    body = server.requests[0].body
    assert body["repeat_penalty"] == 1.2
    assert "repetition_penalty" not in body


@pytest.mark.parametrize(("server", "top_k"), [("vllm", 0), ("sglang", -1)])
@pytest.mark.parametrize("listed", ["m", "other"])
def test_a_server_behind_a_gateway_is_sent_all_fields_where_the_user_names_it(
    server, top_k, listed
):
    """LiteLLM's proxy lists a vLLM server's model as OpenAI's."""
    models = value({"data": [{"id": listed, "owned_by": "openai"}]})
    gateway = FaultyServer(answering(lambda _: None), models=models)
    _, notes = ask(gateway, request(), spec={"server": server})
    body = gateway.requests[0].body
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (top_k, 0.0, 1.0)
    assert notes == {}
