"""The real OpenAI client against the server: replies, streams, conversations, the plain model."""

import asyncio
import dataclasses
import tracemalloc

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from clc.engines.base import Completion
from clc.records import Usage
from clc.voting.abstaining import Abstaining
from tests.engines.scripted import TRANSLATE, ScriptedEngine

from .serving import FRAGE, QUESTION, ask, client, http, serving


@pytest.fixture(scope="module")
def it():
    with serving() as running:
        yield running


def test_a_reply_is_a_whole_completion(it):
    reply = client(it).chat.completions.create(model="clc", messages=ask())
    ChatCompletion.model_validate(reply.model_dump(), strict=True)
    assert reply.id.startswith("chatcmpl-")
    assert reply.model == "clc"
    assert reply.choices[0].finish_reason == "stop"
    votes = reply.model_extra["clc"]
    assert votes["answer"] == "7"
    assert "Answer: 7" in reply.choices[0].message.content
    assert votes["paths"] == 11
    assert sum(sum(by.values()) for by in votes["tally"].values()) == votes["total"]
    assert votes["languages"] == ["en", "de", "zh"]
    spent = votes["tokens"]
    assert spent["translation"] > 0
    assert reply.usage.total_tokens == sum(spent.values())
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_ids_are_never_the_same(it):
    ids = {client(it).chat.completions.create(model="clc:direct", messages=ask()).id for _ in "ab"}
    assert len(ids) == 2


def test_raw_responses_carry_the_request_id(it):
    raw = client(it).chat.completions.with_raw_response.create(
        model="clc", messages=ask(), extra_headers={"X-Request-Id": "mine-1"}
    )
    assert raw.status_code == 200
    assert raw.headers["x-request-id"] == "mine-1"
    assert raw.parse().choices[0].message.content
    odd = http(it).get("/health", headers={"X-Request-Id": "two words"})
    assert odd.headers["x-request-id"].startswith("req_")


def test_a_stream_says_what_a_reply_says(it):
    kinds = {"model": "clc", "messages": ask(), "seed": 3}
    whole = client(it).chat.completions.create(**kinds)
    chunks = list(
        client(it).chat.completions.create(
            **kinds, stream=True, stream_options={"include_usage": True}
        )
    )
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True)
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])
    votes = chunks[-2].model_extra["clc"]
    assert votes | {"seconds": 0} == whole.model_extra["clc"] | {"seconds": 0}


def test_progress_comes_before_the_answer():
    engine = ScriptedEngine(delay=lambda request: 0.05, window=3)
    with serving(engine) as it:
        chunks = list(client(it).chat.completions.create(model="clc", messages=ask(), stream=True))
    told = [c.model_extra["clc"] for c in chunks if (c.model_extra or {}).get("clc")]
    progress = [one for one in told if one.get("object") == "clc.progress"]
    assert len(progress) >= 2
    done = [one["done"] for one in progress]
    assert done == sorted(done)
    assert 0 < done[0] < 11
    assert all(one["planned"] == 11 for one in progress)
    assert all(sum(one["languages"].values()) == one["done"] for one in progress)
    assert told[-1]["answer"] == "7"


def test_a_stream_without_options_has_no_usage(it):
    body = {"model": "clc", "messages": ask(), "stream": True}
    with http(it).stream("POST", "/v1/chat/completions", json=body) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        text = reply.read().decode()
    assert '"usage"' not in text
    assert text.endswith("data: [DONE]\n\n")


def test_the_async_client(it):
    async def main():
        async with openai.AsyncOpenAI(base_url=it.url, api_key="unused") as asynchronous:
            replies = await asyncio.gather(
                *(
                    asynchronous.chat.completions.create(model="clc", messages=ask())
                    for _ in range(5)
                )
            )
            stream = await asynchronous.chat.completions.create(
                model="clc", messages=ask(), stream=True
            )
            parts = [c.choices[0].delta.content or "" async for c in stream]
        return replies, "".join(parts)

    replies, streamed = asyncio.run(main())
    assert {reply.choices[0].message.content for reply in replies} == {streamed}


def test_a_conversation_stands_before_every_prompt():
    engine = ScriptedEngine()
    turns = [
        {"role": "developer", "content": "You are brief."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello!"}], "refusal": None},
        *ask(),
    ]
    with serving(engine) as it:
        client(it).chat.completions.create(model="clc", messages=turns)
    paths = [r for r in engine.requests if not r.messages[-1]["content"].startswith(TRANSLATE)]
    assert len(paths) == 11
    for request in paths:
        assert [m["content"] for m in request.messages[:-1]] == [
            "You are brief.",
            "Hello.",
            "Hello!",
        ]
        assert [m["role"] for m in request.messages] == ["system", "user", "assistant", "user"]


def test_every_sampling_parameter_reaches_the_engine():
    engine = ScriptedEngine()
    said = {"temperature": 0.9, "top_p": 0.8, "presence_penalty": 0.1, "frequency_penalty": 0.2}
    more = {"top_k": 7, "min_p": 0.05, "repetition_penalty": 1.1}
    with serving(engine) as it:
        for model in ("clc:sc", "scripted"):
            client(it).chat.completions.create(
                model=model, messages=ask(), max_completion_tokens=99, stop=["END", "\n\n\n"],
                extra_body=more, **said,
            )  # fmt: skip
    for request in engine.requests:
        drawn = dataclasses.asdict(request.sampling)
        assert drawn == said | more | {"max_tokens": 99, "stop": ("END", "\n\n\n")}


def test_the_seed_decides(it):
    def texts(model, seed):
        reply = client(it).chat.completions.create(
            model=model, messages=ask(), seed=seed, n=3 if model == "scripted" else None
        )
        return [choice.message.content for choice in reply.choices]

    for model in ("clc:sc", "scripted"):
        assert texts(model, 5) == texts(model, 5)
    assert len({tuple(texts("scripted", seed)) for seed in range(5)}) > 1


def test_the_plain_model_gets_its_messages_as_they_are():
    engine = ScriptedEngine()
    with serving(engine) as it:
        reply = client(it).chat.completions.create(model="scripted", messages=ask(), n=3)
    assert [r.messages for r in engine.requests] == [tuple(ask())] * 3
    assert len({r.seed for r in engine.requests}) == 3
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert "clc" not in (reply.model_extra or {})
    one = len(QUESTION.split())
    assert reply.usage.prompt_tokens == one  # one prompt, however often it is answered


def test_the_plain_model_streams_every_choice(it):
    chunks = list(
        client(it).chat.completions.create(
            model="scripted", messages=ask(), n=2, seed=1, stream=True
        )
    )
    whole = client(it).chat.completions.create(model="scripted", messages=ask(), n=2, seed=1)
    for choice in whole.choices:
        text = "".join(
            c.choices[0].delta.content or "" for c in chunks if c.choices[0].index == choice.index
        )
        assert text == choice.message.content


def test_a_truncated_winner_ends_with_length():
    class Cut(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            return dataclasses.replace(done, finish_reason="length")

    with serving(Cut()) as it:
        reply = client(it).chat.completions.create(model="clc:direct", messages=ask())
        stream = client(it).chat.completions.create(model="clc:direct", messages=ask(), stream=True)
        assert reply.choices[0].finish_reason == "length"
        assert [c.choices[0].finish_reason for c in stream][-1] == "length"


# In which language the reply is


SAID = {
    "Answer:": "First there are 3 apples, and then 4 more are bought in the shop.\nAnswer: 7",
    "Antwort:": "Zuerst sind es 3 Äpfel, und dann kommen noch 4 Äpfel dazu.\nAntwort: 7",
}


class Polyglot(ScriptedEngine):
    """Reasons in the language that the cue asks for, and translates solutions by a table."""

    def __init__(self, translates=True, **more):
        super().__init__(**more)
        self.translates = translates

    async def complete(self, request):
        done = await super().complete(request)
        told = request.messages[-1]["content"]
        if told.startswith(TRANSLATE):
            if SAID["Answer:"] not in told:
                return done
            text = SAID["Antwort:"] if self.translates else "Keine Ahnung, es sind 99."
            return Completion(text, "stop", Usage(10, 5))
        cue = "Antwort:" if "Antwort:" in told else "Answer:"
        return Completion(SAID[cue], "stop", Usage(10, 5))


def test_the_reply_is_a_path_in_the_language_of_the_question():
    with serving(Polyglot()) as it:
        for question, cue in ((QUESTION, "Answer:"), (FRAGE, "Antwort:")):
            reply = client(it).chat.completions.create(model="clc", messages=ask(question))
            assert reply.choices[0].message.content == SAID[cue]
            assert reply.model_extra["clc"]["translated"] is False


def test_the_reply_is_translated_where_no_path_is_in_the_language_of_the_question():
    engine = Polyglot()
    with serving(engine) as it:
        reply = client(it).chat.completions.create(model="clc:en-cot", messages=ask(FRAGE))
    assert reply.choices[0].message.content == SAID["Antwort:"]
    votes = reply.model_extra["clc"]
    assert votes["translated"] is True
    assert votes["tokens"]["translation"] == 15
    assert reply.usage.total_tokens == 30


def test_a_translation_that_states_another_answer_is_not_told():
    engine = Polyglot(translates=False)
    with serving(engine) as it:
        reply = client(it).chat.completions.create(model="clc:en-cot", messages=ask(FRAGE))
    assert reply.choices[0].message.content == "Antwort: 7"
    assert len(engine.translations) == 2
    assert reply.usage.total_tokens == 15 * 3


def test_without_an_answer_a_path_is_told_and_the_vote_says_so():
    class Clueless(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            return dataclasses.replace(done, text="I cannot tell.")

    with serving(Clueless()) as it:
        reply = client(it).chat.completions.create(model="clc:sc", messages=ask())
    assert reply.choices[0].message.content == "I cannot tell."
    votes = reply.model_extra["clc"]
    assert votes["answer"] is None
    assert votes["abstentions"] == {"undetermined": {"en": 11}}


# What is lost


def test_one_lost_path_is_one_abstention():
    lost = []

    def lose(request):
        if not lost:
            lost.append(request.key)
            return "timeout"
        return None

    with serving(ScriptedEngine(lose=lose)) as it:
        reply = client(it).chat.completions.create(model="clc:sc", messages=ask())
    votes = reply.model_extra["clc"]
    assert votes["abstentions"]["engine_failure"] == {"en": 1}
    assert votes["paths"] == 10


@pytest.mark.parametrize("model", ["clc", "clc:sc", "scripted"])
def test_everything_lost_is_502(model):
    with serving(ScriptedEngine(lose=lambda _: "http://secret:1/v1 answered 500: oops")) as it:
        with pytest.raises(openai.InternalServerError) as caught:
            client(it).chat.completions.create(model=model, messages=ask())
        assert caught.value.status_code == 502
        assert caught.value.code == "upstream_failed"
        assert "secret" not in str(caught.value)
        stream = client(it).chat.completions.create(model=model, messages=ask(), stream=True)
        with pytest.raises(openai.APIError, match="every reasoning path was lost"):
            list(stream)


def test_a_prompt_that_does_not_fit_is_the_clients():
    words = "prompt of 900 tokens does not fit the model's window of 512 tokens"
    with (
        serving(ScriptedEngine(lose=lambda _: words)) as it,
        pytest.raises(openai.BadRequestError, match="900 tokens") as caught,
    ):
        client(it).chat.completions.create(model="clc", messages=ask())
    assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize("model", ["clc", "scripted"])
@pytest.mark.parametrize("n", [257, 600_000_000, 3_000_000_000, (1 << 63) - 1, (1 << 64) - 1])
@pytest.mark.parametrize("stream", [False, True])
def test_n_is_checked_before_anything_is_made_for_each_choice(it, model, n, stream):
    body = {"model": model, "messages": ask(), "n": n, "stream": stream}
    tracemalloc.start()
    try:
        reply = http(it).post("/v1/chat/completions", json=body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "n"
    assert peak < 20_000_000


def test_an_unsure_answer_is_withheld():
    with serving(defaults={"abstaining": Abstaining(languages=3)}) as running:
        reply = client(running).chat.completions.create(model="clc", messages=ask())
    votes = reply.model_extra["clc"]
    agreeing = len(next(iter(votes["tally"].values())))
    assert votes["answer"] is None
    assert votes["withheld"] == f"languages that agree: {agreeing}, fewer than 3"
    assert reply.choices[0].message.content == (
        f"No answer: the paths do not agree enough ({votes['withheld']})."
    )
    assert votes["agreement"] > 0
