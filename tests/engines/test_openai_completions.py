"""Base models behind endpoints: prompts as plain text, and the stop strings of their template."""

import asyncio
from dataclasses import replace

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.confidence import Measure
from clc.engines.engine_file import load_engine_file
from clc.engines.openai.endpoint_spec import EndpointSpec
from clc.engines.openai.engine import OpenAIEngine
from clc.engines.plain_prompt import BASE_TEMPLATE, turn_stops
from clc.errors import ConfigurationError
from clc.prompts.templates import Templates
from clc.records import Message
from tests.engines.openai_engine import request

from .faulty_replies import events, value
from .faulty_server import FaultyServer

FILE = """
engine = "openai"
model = "base"
[[endpoint]]
url = "http://127.0.0.1:1/v1"
api = "completions"
"""


def plain(text, **more):
    choice = {"index": 0, "text": text, "finish_reason": "stop", **more}
    return value({"object": "text_completion", "choices": [choice],
                  "usage": {"prompt_tokens": 9, "completion_tokens": 4}})  # fmt: skip


def ask_base(*replies, wanted=None, **options):
    async def run():
        async with FaultyServer(*replies) as server:
            spec = EndpointSpec(server.url, api="completions")
            engine = OpenAIEngine("base", [spec], **options)
            await engine.start()
            try:
                return await engine.complete(wanted or request()), server
            finally:
                await engine.close()

    return asyncio.run(run())


def test_messages_are_sent_as_one_text_with_the_stop_strings():
    wanted = replace(
        request(stop=("\n###\n",)),
        messages=({"role": "system", "content": "Rechne."}, {"role": "user", "content": "9 × 2?"}),
    )
    got, server = ask_base(plain(" 18\n"), wanted=wanted)
    sent = server.requests[0]
    assert sent.path.endswith("/v1/completions")
    assert not sent.path.endswith("/chat/completions")
    assert sent.body["prompt"] == "Rechne.\n\n9 × 2?\n"
    assert "messages" not in sent.body
    assert (sent.body["stop"], sent.body["seed"]) == (["\n###\n"], wanted.seed)
    assert (got.text, got.finish_reason, got.usage.completion_tokens) == (" 18\n", "stop", 4)


def test_a_reply_in_pieces_is_joined_and_streamed():
    pieces = [{"choices": [{"index": 0, "text": part, "finish_reason": None}]}
              for part in ("Neun ", "mal zwei: ", "18")]  # fmt: skip
    end = {"choices": [{"index": 0, "text": "", "finish_reason": "length"}],
           "usage": {"prompt_tokens": 9, "completion_tokens": 3}}  # fmt: skip
    texts = []
    got, _ = ask_base(events(*pieces, end), wanted=replace(request(), on_text=texts.append))
    assert (got.text, got.finish_reason) == ("Neun mal zwei: 18", "length")
    assert got.text.startswith("".join(texts))
    assert texts


def test_a_started_turn_is_the_end_of_the_prompt():
    started = (
        Message(role="user", content="9 × 2?"),
        Message(role="assistant", content="Also:"),
    )
    got, server = ask_base(plain(" 18"), wanted=replace(request(), messages=started))
    assert server.requests[0].body["prompt"] == "9 × 2?\nAlso:"
    assert "continue_final_message" not in server.requests[0].body
    assert got.text == " 18"


def test_confidence_is_read_from_the_log_probabilities_of_completions():
    logprobs = {"tokens": ["1", "8"], "token_logprobs": [-0.5, -1.5],
                "top_logprobs": [{"1": -0.5, "2": -2.0}, {"9": -0.25, "8": -1.5}]}  # fmt: skip
    got, server = ask_base(
        plain("18", logprobs=logprobs), wanted=replace(request(), measure=Measure(top_k=2))
    )
    assert server.requests[0].body["logprobs"] == 2
    assert "top_logprobs" not in server.requests[0].body
    assert got.confidence.logprob == pytest.approx(-1.0)
    assert got.confidence.mean == pytest.approx((1.25 + 0.875) / 2)


def test_a_template_of_the_user_writes_the_prompt():
    template = "{% for m in messages %}{{ m.role }}> {{ m.content }}\n{% endfor %}assistant>"
    _, server = ask_base(plain("18"), chat_options=ChatOptions(template=template))
    assert server.requests[0].body["prompt"].startswith("user> Wie viel")
    assert server.requests[0].body["prompt"].endswith("\nassistant>")
    refusing = ChatOptions(template="{{ raise_exception('no users') }}{{ messages }}")
    got, server = ask_base(plain("18"), chat_options=refusing)
    assert got.error == "the chat template refuses the messages: no users"
    assert not server.requests


def test_completions_have_a_fingerprint_of_their_own_and_no_thinking():
    url = "http://127.0.0.1:1/v1"
    spec = EndpointSpec(url, api="completions")
    chat, base = OpenAIEngine("m", [url]), OpenAIEngine("m", [spec])
    assert base.fingerprint == f"{chat.fingerprint}+completions"
    for options in (ChatOptions(thinking="off"), ChatOptions(reasoning_effort="low")):
        with pytest.raises(ConfigurationError, match="options for thinking go with chats"):
            OpenAIEngine("m", [spec], chat_options=options)
    OpenAIEngine("m", [spec], chat_options=ChatOptions(thinking="avoid"))
    with pytest.raises(ConfigurationError, match="'chat' and 'completions': give all of them one"):
        OpenAIEngine("m", [url, EndpointSpec("http://127.0.0.1:2/v1", api="completions")])


def test_the_engine_file_says_the_api_and_brings_the_stop_strings(tmp_path):
    file = tmp_path / "base.toml"
    file.write_text(FILE)
    spec = load_engine_file(file)
    assert spec.with_settings({})["stop"] == ("\n###\n",)
    assert spec.with_settings({"stop": ("END",)})["stop"] == ("END",)
    file.write_text(FILE + '[chat]\ntemplate = "qa.jinja"\n')
    (tmp_path / "qa.jinja").write_text(
        "{% for m in messages %}{{ 'Frage' if m.role == 'user' else 'Antwort' }}: {{ m.content }}\n\n"
        "{% endfor %}Antwort:"
    )
    assert load_engine_file(file).with_settings({})["stop"] == ("\n###\n", "\n\nFrage:")
    file.write_text(FILE + "[sampling]\nstop = []\n")
    assert load_engine_file(file).with_settings({})["stop"] == ()
    for more, says in (
        ("[chat]\nthinking = true\n", ":7: chat: options for thinking go with chats"),
        (
            '[[endpoint]]\nurl = "http://127.0.0.1:2/v1"\n',
            ":4: endpoint: the endpoints of an engine",
        ),
    ):
        file.write_text(FILE + more)
        with pytest.raises(ConfigurationError, match=says):
            load_engine_file(file)
    file.write_text(FILE.replace("completions", "complete"))
    with pytest.raises(
        ConfigurationError, match=r"base.toml:6: endpoint 1: api: 'complete' is none"
    ):
        load_engine_file(file)


def test_a_base_model_in_this_process_has_the_stop_strings_of_its_template(tmp_path):
    file = tmp_path / "base.toml"
    file.write_text('engine = "transformers"\nmodel = "clc-tiny"\n[chat]\ntemplate = "base"\n')
    assert load_engine_file(file).sampling_settings() == {"stop": ("\n###\n",)}
    chat_ml = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    assert turn_stops(chat_ml) == ()
    assert turn_stops("{{ messages[0].content }}") == ()


def test_our_few_shot_prompts_end_a_demonstration_with_that_stop_string():
    templates = Templates()
    (message,) = templates.render(
        "few-shot", question="Q?", question_language="de", language="de",
        shots=templates.shots("de", "de", 3),
    )  # fmt: skip
    (stop,) = turn_stops(BASE_TEMPLATE)
    assert message["content"].count(stop) == 3
