"""The Responses API with the real client."""

import pytest
from openai.types.responses import Response

from .serving import FRAGE, QUESTION, client, serving


@pytest.fixture(scope="module")
def it():
    with serving() as running:
        yield running


def test_a_reply_is_a_whole_response(it):
    reply = client(it).responses.create(model="clc", input=QUESTION, metadata={"a": "b"})
    Response.model_validate(reply.model_dump(), strict=True)
    assert reply.status == "completed"
    assert "Answer: 7" in reply.output_text
    assert reply.metadata == {"a": "b"}
    assert reply.model_extra["clc"]["answer"] == "7"
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens


def test_it_says_what_the_chat_api_says(it):
    chat = client(it).chat.completions.create(
        model="clc",
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": FRAGE}],
    )
    reply = client(it).responses.create(
        model="clc", instructions="Be brief.", input=[{"role": "user", "content": FRAGE}]
    )
    assert reply.output_text == chat.choices[0].message.content
    assert reply.usage.input_tokens == chat.usage.prompt_tokens


def test_its_output_can_be_sent_back(it):
    first = client(it).responses.create(model="clc", input=QUESTION)
    turns = [
        {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
        *[item.model_dump(exclude_none=True) for item in first.output],
        {"role": "user", "content": "And with 5 more apples, how many are there?"},
    ]
    assert client(it).responses.create(model="clc", input=turns).output_text


def test_events_come_in_order(it):
    events = list(client(it).responses.create(model="clc", input=QUESTION, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    rest = [kind for kind in kinds[2:] if kind != "response.in_progress"]
    assert rest == [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    whole = client(it).responses.create(model="clc", input=QUESTION)
    assert events[-1].response.output_text == whole.output_text
    assert events[-1].response.usage == whole.usage
    Response.model_validate(events[-1].response.model_dump(), strict=True)


def test_the_stream_helper_understands_it(it):
    with client(it).responses.stream(model="clc", input=QUESTION) as stream:
        text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == text


def test_the_plain_model(it):
    reply = client(it).responses.create(model="scripted", input=QUESTION)
    assert reply.output_text
    assert "clc" not in (reply.model_extra or {})
