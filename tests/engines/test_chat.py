"""Chat templates, prefills and switches; tokens to text, with the marks of thoughts kept."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from tests.event_loop import counted_turns

pytest.importorskip("transformers")

from clc.engines.chat_options import RESERVED, ChatOptions
from clc.engines.chat_template import Chat, RenderedPrompt
from clc.engines.detokenizer import Detokenizer
from clc.engines.prompt_cache import PromptCache
from clc.engines.token_completion import SampledTokens, complete_tokens
from clc.errors import ConfigurationError, EngineError
from clc.records import Message

QUESTION = Message(role="user", content="Mia hat 6 Murmeln und findet 7.")


@pytest.fixture(scope="module")
def chat(thinking):
    chat = Chat.load(str(thinking))
    names = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"]  # of gpt-oss
    chat.tokenizer.add_special_tokens({"additional_special_tokens": names})
    return chat


def text_of(chat: Chat, *messages, **options) -> str:
    if options:
        chat = Chat(chat.tokenizer, ChatOptions(**options))
    return chat.codec.decode_all(chat.render(messages).ids)


def complete(chat: Chat, text: str, *, opened: bool = False, finish_reason: str = "stop"):
    ids = chat.codec.encode(text)
    sampled = SampledTokens(ids, chat.codec.decode(ids), finish_reason, len(ids))
    return complete_tokens(chat, RenderedPrompt([1, 2, 3], opened), sampled, None)


# Prompts


def test_a_prompt_that_ends_in_a_thought_is_known_by_its_last_tokens(chat, tiny):
    assert text_of(chat, QUESTION).endswith("<|im_start|>assistant\n<think>\n")
    assert chat.render([QUESTION]).opened
    off = Chat(chat.tokenizer, ChatOptions(thinking="off"))
    assert not off.render([QUESTION]).opened
    assert not Chat.load(str(tiny)).render([QUESTION]).opened
    mention = Message(role="user", content="What does <think> mean?")
    assert not Chat.load(str(tiny)).render([mention]).opened


def test_a_template_of_ones_own_and_a_system_prompt_stand_in_every_prompt(chat):
    from clc.engines.plain_prompt import BASE_TEMPLATE

    bare = text_of(chat, QUESTION, template=BASE_TEMPLATE)
    assert bare.removeprefix(chat.tokenizer.bos_token or "") == QUESTION["content"] + "\n"
    roles = "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}"
    assert text_of(chat, QUESTION, template=roles, system="Be brief.").strip() == (
        f"[system] Be brief. [user] {QUESTION['content']}"
    )
    first = Message(role="system", content="Solve it.")
    assert text_of(chat, first, QUESTION, template=roles, system="Be brief.").startswith(
        "[system] Be brief.\n\nSolve it. [user]"
    )
    assert "Be brief." not in text_of(chat, QUESTION)


def test_a_tokenizer_that_renders_without_a_jinja_template_has_one(chat, monkeypatch):
    from transformers import AutoTokenizer

    class Renders:
        chat_template = None

        def apply_chat_template(self, turns, **_):
            return [1, 3, 4]

    class RendersNot(Renders):
        def apply_chat_template(self, turns, **_):
            raise ValueError("no template")

    seen = {}

    def load(place, **arguments):
        seen.update(arguments, place=place)
        return (RendersNot if place == "base" else Renders)()

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", load)
    rendered = Chat.load("model", "commit", tokenizer="other", trust_remote_code=True)
    assert rendered._apply((("user", "1 + 1"),)) == [1, 3, 4]
    assert seen == {"place": "other", "revision": None, "trust_remote_code": True}
    with pytest.raises(EngineError, match=r"has no chat template.*give one in an engine file"):
        Chat.load("base")


def test_switches_of_the_template(chat):
    plain = text_of(chat, QUESTION)
    assert text_of(chat, QUESTION, thinking="on") == plain
    assert text_of(chat, QUESTION, thinking="off") == plain + "\n</think>\n\n"
    assert "(high)<think>" in text_of(chat, QUESTION, reasoning_effort="high")
    given = {"enable_thinking": False}
    assert text_of(chat, QUESTION, template_kwargs=given) == plain + "\n</think>\n\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"thinking": "off"}, "has no switch for it"),
        ({"thinking": "on"}, "has no switch for it"),
        ({"reasoning_effort": "low"}, "does not take it"),
        ({"template_kwargs": {"enable_thinking": False}}, "has no variable 'enable_thinking'"),
    ],
)
def test_a_switch_that_the_template_lacks_is_refused_before_anything_is_sampled(
    tiny, options, says
):
    with pytest.raises(ConfigurationError, match=says):
        Chat.load(str(tiny), options=ChatOptions(**options))


def test_a_template_that_refuses_a_value_is_refused_as_early(chat):
    old = chat.tokenizer.chat_template
    chat.tokenizer.chat_template = (
        "{% if reasoning_effort == 'huge' %}{{ raise_exception('no such effort') }}{% endif %}"
        "{{ reasoning_effort }}{{ messages[0].content }}"
    )
    try:
        Chat(chat.tokenizer, ChatOptions(reasoning_effort="low"))
        with pytest.raises(ConfigurationError, match="no such effort"):
            Chat(chat.tokenizer, ChatOptions(reasoning_effort="huge"))
    finally:
        chat.tokenizer.chat_template = old


def test_options_that_cannot_be_right_are_refused_and_defaults_have_no_key():
    assert ChatOptions().key == ""
    keys = {
        ChatOptions(thinking="off").key,
        ChatOptions(thinking="on").key,
        ChatOptions(reasoning_effort="low").key,
        ChatOptions(thinking_budget=100).key,
        ChatOptions(template_kwargs={"a": 1}).key,
    }
    assert len(keys) == 5
    assert "" not in keys
    refused: tuple[dict[str, Any], ...] = (
        {"thinking": "maybe"},
        {"thinking_budget": 0},
        {"thinking_budget": -1},
        {"thinking_budget": 1.5},
        {"thinking_budget": True},
        {"thinking_budget": 10**30},
        {"thinking_budget": 9, "thinking": "off"},
        {"reasoning_effort": "low", "template_kwargs": {"reasoning_effort": "high"}},
        {"reasoning_effort": ""},
        {"reasoning_effort": 3},
        {"thinking": "on", "template_kwargs": {"enable_thinking": True}},
        {"template_kwargs": ["a"]},
        {"template_kwargs": {1: 2}},
        {"template_kwargs": {"a b": 2}},
        {"template_kwargs": {"a": float("inf")}},
        {"template_kwargs": {"a": [float("nan")]}},
        {"template_kwargs": {"a": {1, 2}}},
        {"template_kwargs": {"a": 2**64}},
        *({"template_kwargs": {name: None}} for name in RESERVED),
    )
    for wrong in refused:
        with pytest.raises(ConfigurationError):
            ChatOptions(**wrong)


def test_reserved_names_are_the_arguments_of_transformers():
    from inspect import signature

    transformers = pytest.importorskip("transformers")
    method = transformers.PreTrainedTokenizerBase.apply_chat_template
    assert set(signature(method).parameters) - {"self", "kwargs"} <= RESERVED


def test_a_switch_replaces_all_others_and_off_takes_effort_and_budget_along():
    options = ChatOptions(
        reasoning_effort="low", thinking_budget=9, template_kwargs={"a": 1, "thinking": True}
    )
    assert options.switched("off") == ChatOptions(thinking="off", template_kwargs={"a": 1})
    assert options.switched("on") == ChatOptions("on", "low", 9, {"a": 1})
    assert replace(options, thinking="avoid").settle(has_switch=True) == options.switched("off")


def test_a_budget_leaves_room_for_the_answer():
    ChatOptions(thinking_budget=63).check_room(64)
    ChatOptions().check_room(1)
    with pytest.raises(ConfigurationError, match="raise max_tokens"):
        ChatOptions(thinking_budget=64).check_room(64)


def test_a_prefill_leaves_the_turn_open(chat, tiny):
    prefill = Message(role="assistant", content="Zuerst: 6 +")
    plain = Chat.load(str(tiny))
    assert plain.codec.decode_all(plain.render([QUESTION, prefill]).ids).endswith(
        "findet 7.<|im_end|>\n<|im_start|>assistant\nZuerst: 6 +"
    )
    # The template's own way with a turn that does not think.
    text = text_of(chat, QUESTION, prefill)
    assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\nZuerst: 6 +")
    assert not chat.render([QUESTION, prefill]).opened


@pytest.mark.parametrize("switch", [{}, {"thinking": "on"}])
def test_a_prefilled_thought_is_open_and_opened_once(chat, tiny, switch):
    prefill = Message(role="assistant", content="<think>\nGut, ich rechne:")
    text = text_of(chat, QUESTION, prefill, **switch)
    assert text.endswith("<|im_start|>assistant\n<think>\nGut, ich rechne:")
    assert chat.render([QUESTION, prefill]).opened
    plain = Chat.load(str(tiny))
    assert plain.codec.decode_all(plain.render([QUESTION, prefill]).ids).endswith(
        "<|im_start|>assistant\n<think>\nGut, ich rechne:"
    )
    assert plain.render([QUESTION, prefill]).opened
    earlier = Message(role="assistant", content="<think>\nEine.")
    whole = chat.render([QUESTION, earlier, QUESTION])
    assert chat.codec.decode_all(whole.ids).endswith("assistant\n<think>\n")


# Completions

HARMONY = (
    "<|channel|>analysis<|message|>ছয় আর সাত, 12? না, 13।<|end|>"
    "<|start|>assistant<|channel|>final<|message|>উত্তর: 13"
)


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("<think>\n6 + 7 = 12? Nein.\n</think>\n\nAntwort: 13", "\n6 + 7 = 12? Nein.\n", "Antwort: 13"),
        ("[THINK]六加七等于十二？不对。[/THINK]答案是13", "六加七等于十二？不对。", "答案是13"),
        (HARMONY, "ছয় আর সাত, 12? না, 13।", "উত্তর: 13"),
        (HARMONY + "<|return|>", "ছয় আর সাত, 12? না, 13।", "উত্তর: 13"),
        ("[THINK]หกบวกเจ็ด[/THINK]", "หกบวกเจ็ด", ""),
    ],
)  # fmt: skip
def test_a_thought_is_split_off_whether_its_marks_are_special_tokens_or_not(
    chat, text, thought, said
):
    got = complete(chat, text)
    assert (got.thought, got.text, got.closed) == (thought, said, True)
    assert 0 < got.usage.reasoning_tokens < got.usage.completion_tokens + (said == "")
    before = text[: text.index(thought) + len(thought)]
    assert (
        len(chat.codec.encode(before))
        <= got.usage.reasoning_tokens
        <= len(chat.codec.encode(before)) + 1
    )


def test_a_thought_that_the_prompt_opened(chat):
    got = complete(chat, "Moja, mbili, tatu.</think>Jibu: 13", opened=True)
    assert (got.thought, got.text, got.closed) == ("Moja, mbili, tatu.", "Jibu: 13", True)
    for reason in ("length", "stop", "abort"):
        got = complete(chat, "Jibu ni 99. Lakini", opened=True, finish_reason=reason)
        assert (got.thought, got.text, got.closed) == ("Jibu ni 99. Lakini", "", False)
        assert got.usage.reasoning_tokens == got.usage.completion_tokens
    got = complete(chat, "Jibu: 13")
    assert (got.thought, got.text, got.closed) == ("", "Jibu: 13", None)
    assert got.usage.reasoning_tokens == 0


def test_decoding_keeps_the_marks_and_no_other_special_token(chat):
    ids = chat.codec.encode("<|endoftext|>[THINK]a[/THINK]b<|im_end|>")
    assert chat.codec.decode(ids) == "[THINK]a[/THINK]b"
    assert {chat.codec.mark_tokens[mark] for mark in chat.codec.hidden_marks} >= {
        "[THINK]",
        "<|channel|>",
    }
    assert "<think>" in chat.codec.mark_tokens.values()
    assert "<think>" not in {chat.codec.mark_tokens[mark] for mark in chat.codec.hidden_marks}


@pytest.mark.parametrize(
    "text", [HARMONY, "[THINK]🙂 ok[/THINK]🙂🙂 答案 13 ", "<think>é</think>é"]
)
@pytest.mark.parametrize("step", [1, 2, 5])
def test_a_detokenizer_never_splits_a_character(chat, text, step):
    ids = chat.codec.encode(text)
    detokenizer = Detokenizer(chat.codec)
    texts = [detokenizer.feed(ids[:count]) for count in range(1, len(ids) + step, step)]
    for earlier, later in pairwise(texts):
        assert later.startswith(earlier)
    assert not any("\ufffd" in one for one in texts)
    assert texts[-1] == text == chat.codec.decode(ids)


@pytest.mark.parametrize("length", [10, 5000])
def test_a_prompt_is_rendered_once_beside_the_event_loop_or_in_it(tiny, length):
    chat = Chat.load(str(tiny))
    messages = [Message(role="user", content="7 " * length)]

    async def run():
        async with counted_turns() as turns:
            prompts = await asyncio.gather(*(chat.render_beside(messages) for _ in range(5)))
            before = turns()
            prompts.append(await chat.render_beside(messages))
            assert turns() == before  # it is kept: nothing to wait for
        return prompts

    prompts = asyncio.run(run())
    assert all(prompt is prompts[0] for prompt in prompts)
    assert prompts[0] == Chat.load(str(tiny)).render(messages)


def test_chats_with_other_options_give_way(tiny):
    chat = Chat.load(str(tiny))
    for budget in range(1, 30):
        assert chat.with_options(ChatOptions(thinking_budget=budget)).thinking_budget == budget
    assert len(chat._others) == 8


def test_prompts_that_are_kept_give_way_by_number_and_by_length():
    cache = PromptCache[str](most=3, characters=100)

    def turns(text):
        return (("user", text),)

    for text in "abcde":
        cache.keep(turns(text), text)
        assert cache.find(turns("a")) == "a"  # used last
    assert [cache.find(turns(text)) for text in "abcde"] == ["a", None, None, "d", "e"]
    cache.keep(turns("x" * 200), "long")
    assert cache.find(turns("e")) is None
    assert cache.find(turns("x" * 200)) == "long"
    cache.keep(turns("f"), "f")
    assert cache.find(turns("x" * 200)) is None
    assert cache.find(turns("f")) == "f"
