"""What a request may say, what wins, and what is refused."""

import dataclasses
import json

import openai
import pytest

from clc.records import Sampling
from clc.serving.openai.requests import ChatMessage, ChatRequest, ResponsesRequest
from clc.strategies.catalogue import STRATEGIES

from .serving import FRAGE, QUESTION, ask, client, http, serving

LIMITS = {"paths": 30, "languages": 4, "tokens": 20_000}


@pytest.fixture(scope="module")
def it():
    with serving(limits=LIMITS) as running:
        yield running


def votes(it, *, model="clc", headers=None, question=QUESTION, **settings):
    reply = client(it).chat.completions.create(
        model=model, messages=ask(question), extra_headers=headers, extra_body={"clc": settings}
    )
    return reply.model_extra["clc"]


def refused(it, status=400, **body):
    """Send what no client would let through; returns the error."""
    body = {"model": "clc", "messages": ask()} | body
    reply = http(it).post("/v1/chat/completions", json=body)
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def test_models_are_the_votes_and_the_plain_model(it):
    names = [model.id for model in client(it).models.list()]
    assert names == ["clc", *(f"clc:{name}" for name in STRATEGIES), "scripted"]
    assert client(it).models.retrieve("clc:sc").object == "model"
    with pytest.raises(openai.NotFoundError, match="there is no model 'gpt-5'"):
        client(it).models.retrieve("gpt-5")


def test_an_unknown_model_is_404(it):
    with pytest.raises(openai.NotFoundError, match="clc:sc") as caught:
        client(it).chat.completions.create(model="clc:none", messages=ask())
    assert caught.value.code == "model_not_found"


def test_the_alias_chooses_the_strategy(it):
    assert votes(it, model="clc:sc-en")["strategy"] == "sc-en"
    assert votes(it, model="clc:direct")["paths"] == 1


def test_the_body_wins_over_headers_and_headers_over_defaults(it):
    assert votes(it)["languages"] == ["en", "de", "zh"]
    headers = {"X-CLC-Languages": "fr, ja", "x-clc-paths": "4", "X-CLC-Strategy": "sc"}
    assert votes(it, headers=headers)["strategy"] == "sc"
    told = votes(it, headers=headers, strategy="clc", languages=["es"])
    assert (told["strategy"], told["languages"], told["paths"]) == ("clc", ["es"], 4)


def test_the_model_name_wins_over_the_header(it):
    assert votes(it, model="clc:sc", headers={"X-CLC-Strategy": "direct"})["strategy"] == "sc"
    assert refused(it, model="clc:sc", clc={"strategy": "direct"})["param"] == "clc.strategy"


def test_defaults_of_one_strategy_are_not_anothers():
    with serving(defaults={"strategy": "sc", "paths": 5, "temperature": 1.0}) as it:
        assert votes(it)["paths"] == 5
        assert votes(it, model="clc:direct")["paths"] == 1
        assert votes(it, model="clc:clc")["paths"] == STRATEGIES["clc"].paths


def test_the_language_of_the_question(it):
    assert votes(it, question=FRAGE)["question_language"] == "de"
    assert votes(it, language="de-AT")["question_language"] == "de-AT"
    assert votes(it, headers={"X-CLC-Language": "sw"})["question_language"] == "sw"


def test_a_stopping_rule(it):
    told = votes(it, model="clc:sc", paths=19, stopping="lead")
    assert told["stop"]["rule"] == "lead"
    assert told["paths"] < 19


def test_without_a_seed_every_request_has_its_own():
    with serving(defaults={"seed": None}) as it:
        assert votes(it)["seed"] != votes(it)["seed"]


def test_null_is_as_good_as_nothing(it):
    named = ("temperature", "top_p", "n", "stop", "max_tokens", "tools", "logprobs", "clc", "user",
             "stream", "stream_options", "response_format", "seed", "metadata")  # fmt: skip
    reply = http(it).post(
        "/v1/chat/completions",
        json={"model": "clc", "messages": ask()} | dict.fromkeys(named),
    )
    assert reply.status_code == 200


def test_what_changes_nothing_is_let_through(it):
    harmless = {
        "n": 1, "tools": [], "tool_choice": "none", "logprobs": False, "logit_bias": {},
        "response_format": {"type": "text"}, "store": False, "service_tier": "auto",
        "parallel_tool_calls": True, "modalities": ["text"], "user": "somebody",
        "metadata": {"run": "1"}, "prompt_cache_key": "k", "safety_identifier": "s",
        "reasoning_effort": None, "chat_template_kwargs": {},
    }  # fmt: skip
    reply = http(it).post(
        "/v1/chat/completions", json={"model": "clc", "messages": ask(), **harmless}
    )
    assert reply.status_code == 200
    assert reply.json()["metadata"] == {"run": "1"}


IMAGE = [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/x.png"}}]


@pytest.mark.parametrize(
    ("wrong", "param", "words"),
    [
        ({"n": 2}, "n", "one answer"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "no tools"),
        ({"functions": [{"name": "f"}]}, "functions", "no functions"),
        ({"tool_choice": "required"}, "tool_choice", "no tools"),
        ({"response_format": {"type": "json_object"}}, "response_format.type", "free text"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "response_format.type",
            "free text",
        ),
        ({"logprobs": True}, "logprobs", "nothing about a vote"),
        ({"top_logprobs": 3}, "top_logprobs", "nothing about a vote"),
        ({"logit_bias": {"5": 3}}, "logit_bias", "not passed on"),
        ({"store": True}, "store", "not stored"),
        ({"reasoning_effort": "high"}, "reasoning_effort", "takes no options for thinking"),
        ({"chat_template_kwargs": {"enable_thinking": False}}, "chat_template_kwargs",
         "cannot be honoured here: this engine takes no options for thinking; leave it out"),
        ({"messages": [{**ask()[0], "reasoning_content": "7?"}]}, "messages.0",
         "only an assistant's turn has a thought"),
        ({"best_of": 3}, "best_of", "unknown parameter"),
        ({"temperature": "hot"}, "temperature", "valid number"),
        ({"temperature": 3}, "temperature", "less than or equal to 2"),
        ({"temperature": True}, "temperature", "valid number"),
        ({"top_p": 0}, "top_p", "greater than 0"),
        ({"stop": ["a"] * 17}, "stop", "at most 16"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"seed": 1.5}, "seed", "valid integer"),
        ({"messages": []}, "messages", "at least 1"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "missing"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", "'system'"),
        ({"messages": ask(IMAGE)}, "messages.0.content.0.type", "only text"),
        ({"messages": [*ask(), {"role": "assistant", "content": "x"}]}, "messages", "last turn"),
        ({"messages": ask("  ")}, "messages", "empty"),
        ({"messages": [{**ask()[0], "name": "Tom"}]}, "messages.0.name", "unknown parameter"),
        ({"model": None}, "model", "valid string"),
        ({"clc": {"paths": 31}}, "clc.paths", "at most 30"),
        ({"clc": {"paths": 10**15}}, "clc.paths", "at most 30"),
        ({"clc": {"paths": 0}}, "clc.paths", "greater than or equal to 1"),
        ({"clc": {"languages": ["en", "de", "fr", "es", "ja"]}}, "clc.languages", "at most 4"),
        ({"clc": {"languages": []}}, "clc.languages", "at least 1"),
        ({"clc": {"languages": ["xx-none"]}}, None, "unknown language"),
        ({"clc": {"strategy": "none"}}, None, "unknown strategy"),
        ({"clc": {"stopping": "none"}}, None, "unknown stopping rule"),
        ({"clc": {"template": "../x"}}, "clc.template", "unknown parameter"),
        ({"clc": {"deadline": 0}}, "clc.deadline", "greater than 0"),
        ({"max_tokens": 2000}, "max_tokens", "at most 20000"),
        ({"model": "clc:sc", "temperature": 0}, None, "temperature 0"),
        ({"model": "scripted", "n": 31}, "n", "at most 30"),
        ({"model": "scripted", "n": 30, "max_tokens": 1000}, "max_tokens", "at most 20000"),
        ({"model": "scripted", "clc": {"paths": 3}}, "clc", "plain model"),
        ({"model": "scripted", "logprobs": True}, "logprobs", "honoured"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_what_cannot_be_honoured_is_refused_by_name(it, wrong, param, words):
    error = refused(it, **wrong)
    assert error["param"] == param
    assert words in error["message"]


@pytest.mark.parametrize("field", ["logit_bias", "temperature", "unknown", "messages"])
def test_a_deeply_nested_value_is_refused(it, field):
    nested = "[" * 1000 + "]" * 1000
    valid = json.dumps({"model": "clc", "messages": ask()})
    content = f'{valid[:-1]}, "{field}": {nested}}}'
    reply = http(it).post(
        "/v1/chat/completions", content=content, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["param"].split(".")[0] == field
    assert len(error["message"]) < 300


BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


@pytest.mark.parametrize("declared", dataclasses.fields(Sampling), ids=lambda one: one.name)
@pytest.mark.parametrize("kind", [ChatRequest, ResponsesRequest])
def test_every_sampling_parameter_is_a_field_with_its_bounds(kind, declared):
    names = [declared.name]
    if declared.name == "max_tokens":
        names = [name for name in kind.model_fields if name.startswith("max_")]
        assert names
    for name in names:
        *_, null = kinds = kind.model_json_schema()["properties"][name]["anyOf"]
        assert null == {"type": "null"}
        for bound, limit in declared.metadata["bounds"].items():
            assert kinds[0][BOUNDS[bound]] == limit


def test_every_sampling_parameter_reaches_the_paths():
    given: dict = {
        "temperature": 0.9, "top_p": 0.8, "top_k": 40, "stop": ["END"], "min_p": 0.1,
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "repetition_penalty": 1.1, "seed": 3,
    }  # fmt: skip
    request = ChatRequest(
        model="clc", messages=[ChatMessage(role="user", content="2 + 3?")], **given
    )
    assert request.sampling() == given | {"stop": ("END",)}
    declared = {one.name for one in dataclasses.fields(Sampling)}
    assert set(given) - {"seed"} == declared - {"max_tokens"}


@pytest.mark.parametrize(
    ("header", "value", "words"),
    [
        ("X-CLC-Pahts", "3", "there are: X-CLC-Strategy"),
        ("X-CLC-Paths", "many", "must be a number"),
        ("X-CLC-Paths", "-1", "above 0"),
        ("X-CLC-Deadline", "nan", "above 0"),
        ("X-CLC-Languages", "en,,de", "with commas"),
    ],
)
def test_a_wrong_header_is_refused_by_name(it, header, value, words):
    body = {"model": "clc", "messages": ask()}
    reply = http(it).post("/v1/chat/completions", json=body, headers={header: value})
    assert reply.status_code == 400
    assert words in reply.json()["error"]["message"]
    assert reply.json()["error"]["param"].lower() == header.lower()


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": []},
        {"input": ""},
        {"previous_response_id": "resp_1"},
        {"conversation": "c"},
        {"background": True},
        {"truncation": "auto"},
        {"text": {"format": {"type": "json_object"}}},
        {"include": ["message.output_text.logprobs"]},
        {"input": [{"type": "function_call_output", "call_id": "1", "output": "x"}]},
        {"n": 2},
    ],
)
def test_responses_refuse_what_they_cannot_honour(it, wrong):
    reply = http(it).post("/v1/responses", json={"model": "clc", "input": QUESTION} | wrong)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["param"].split(".")[0] == next(iter(wrong))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"a": NaN}',
        b"\xff",
        b'{"model": "\\ud800"}',
        b"[" * 9999,
    ],
)
def test_malformed_json_is_400(it, body):
    reply = http(it).post(
        "/v1/chat/completions", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_json"


def test_odd_routes_have_openais_errors(it):
    assert http(it).get("/v1/none").json()["error"]["code"] == "not_found"
    reply = http(it).get("/v1/chat/completions")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.json()["error"]["code"] == "method_not_allowed"


def test_nothing_that_a_request_names_is_opened(it, tmp_path):
    bait = tmp_path / "cot.jinja"
    bait.write_text("--- user\nHACKED")
    for settings in ({"strategy": str(bait)}, {"strategy": "../prompts/cot"}):
        assert "unknown strategy" in refused(it, clc=settings)["message"]
    assert json.dumps(IMAGE) not in json.dumps(refused(it, messages=ask(IMAGE)))


SORTS = {
    "digits": "1",
    "apples": "Tom has 2 apples. ",
    "numerals": "三百",
    "fractions": "三分之二",
    "words": "twenty-three hundred and ",
    "LaTeX": "\\frac{1}{2} ",
    "nested": "\\frac{",
    "backslashes": "\\",
    "braces": "{",
    "powers": "2^",
    "marks": "<think>",
    "accents": "a\u0301",
    "spaces": " ",
    "lines": "7\n",
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("route", ["chat", "responses", "context", "plain", "n"])
def test_a_question_of_a_megabyte_is_refused_before_it_is_read(it, sort, route):
    piece = SORTS[sort]
    long = (piece * (900_000 // len(piece.encode())))[:400_000] + "7"
    body: dict = {"model": "scripted" if route in {"plain", "n"} else "clc"}
    if route == "responses":
        body |= {"input": long}
    elif route == "context":
        body |= {"messages": [*ask(long), {"role": "assistant", "content": "7"}, *ask()]}
    else:
        body |= {"messages": ask(long)}
    if route == "n":
        body["n"] = 3
    path = "/v1/responses" if route == "responses" else "/v1/chat/completions"
    reply = http(it).post(path, json=body)
    assert reply.status_code == 400
    assert "characters" in reply.json()["error"]["message"]
    assert reply.json()["error"]["param"] == "messages"


def test_the_longest_question_is_answered(it):
    long = QUESTION + " " * ((1 << 15) - len(QUESTION))
    assert votes(it, question=long, paths=2, languages=["en", "de"])["paths"] == 2
    assert "32768 are taken" in refused(it, messages=ask(long + " "))["message"]
