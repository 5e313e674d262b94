"""The thinking mode of clc-tiny: what it is taught, and how its chat template puts it."""

import re
from itertools import chain, islice
from pathlib import Path

import pytest

from benchmarks.training.examples import LANGUAGE_SHARES, examples
from clc.answers import extract_answer
from clc.engines.models import resolve_model
from clc.languages.identification import written_language
from clc.prompts.templates import Templates

pytest.importorskip("tokenizers")

from benchmarks.training.thinking import CLOSE, EMPTY, OPEN, first_words, mixed
from benchmarks.training.tokenizer import THINK_MARK


@pytest.fixture(scope="module")
def drawn():
    return list(islice(mixed("train", 0, 0.2, 0.5), 2500))


@pytest.fixture(scope="module")
def thinking(drawn):
    return [one for one in drawn if OPEN in one.opening + one.reply]


@pytest.fixture(scope="module")
def thoughts(thinking):
    return [one for one in thinking if one.opening != EMPTY]


def parts(example):
    thought, _, reply = (example.opening + example.reply).removeprefix(OPEN).partition(CLOSE)
    return thought, reply


def test_half_of_the_examples_think_and_the_others_are_the_plain_ones(drawn, thinking):
    others = [one for one in drawn if one not in thinking]
    assert others == list(islice(examples("train", 0, 0.2), len(others)))
    assert 0.45 < len(thinking) / len(drawn) < 0.55
    assert not any(one.thinking or one.opening for one in others)


def test_a_thought_ends_once_and_what_is_said_then_is_short(thoughts):
    for one in thoughts:
        turn = one.opening + one.reply
        assert turn.startswith(OPEN)
        assert turn.count(CLOSE) == 1
        thought, reply = parts(one)
        assert thought
        assert "\n" not in reply
        assert thought == thought.strip()
        assert one.thinking or one.opening  # nothing else tells the model to think


def test_the_answer_is_in_the_language_asked_for(thoughts):
    labels = {code: Templates().cues(code).label for code in LANGUAGE_SHARES}
    for one in thoughts:
        _, reply = parts(one)
        if "Keep every number" not in one.prompt:
            code = "en" if "First translate" in one.prompt else one.language
            assert reply.startswith(labels[code])
            read = extract_answer(one.opening + one.reply, language=code)
            assert int(re.sub(r"\D", "", reply)) == int(read.value)


def test_a_thought_goes_on_in_the_language_of_its_cue(thoughts):
    cues = {f"{OPEN}{Templates().cues(code).think}": code for code in LANGUAGE_SHARES}
    elsewhere = 0
    for one in thoughts:
        if one.opening not in cues or any(
            t in one.prompt for t in ("Keep every", "First translate")
        ):
            continue
        code = cues[one.opening]
        thought, _ = parts(one)
        assert written_language(thought, code, list(LANGUAGE_SHARES)) in (code, None)
        elsewhere += code != one.language
    assert elsewhere > 50


def test_every_way_to_begin_a_thought_is_there(thinking):
    opening = [one.opening for one in thinking]
    cues = {f"{OPEN}{Templates().cues(code).think}" for code in LANGUAGE_SHARES}
    assert all(text in opening for text in ("", OPEN, EMPTY))
    assert sum(text in cues for text in opening) > 120
    words = [text for text in opening if text and text not in (OPEN, EMPTY) and text not in cues]
    assert len(set(words)) > 80
    assert not any(text[-1].isspace() for text in words)
    assert {one.thinking for one in thinking if one.opening == OPEN} == {True, False}


def test_first_words_end_before_a_number():
    assert first_words("So Tom has: 12 - 5 = 7 apples.", 2) == "So Tom"
    assert first_words("Left: 12 - 5 = 7 apples.", 2) == "Left:"
    assert first_words("水箱里有12升水", 3) == "水箱里有"
    assert first_words("12 - 5 = 7", 2) == ""


def user(content):
    return {"role": "user", "content": content}


def turn(content, **fields):
    return {"role": "assistant", "content": content, **fields}


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve_model("clc-tiny"))


@pytest.fixture(scope="module")
def render(tokenizer):
    def rendered(messages, **options):
        return tokenizer.apply_chat_template(messages, tokenize=False, **options)

    return rendered


THOUGHT = "<think>\nHm.\n</think>\n\n"


@pytest.mark.parametrize(
    "messages",
    [
        [user(" a\n")],
        [{"role": "system", "content": "s "}, user("a")],
        [user("a"), turn("b\n\n"), user("c")],
        [user("a"), turn("b")],
        [{"role": "system", "content": "s"}],
    ],
)
@pytest.mark.parametrize("options", [{}, {"enable_thinking": False}])
@pytest.mark.slow
def test_the_plain_mode_is_the_default(render, messages, options):
    """As the template was before there was another mode."""
    old = "".join(
        f"<|{m['role']}|>{m['content']}{'<|end|>' if m['role'] == 'assistant' else ''}"
        for m in messages
    )
    assert render(messages, **options) == old
    assert render(messages, add_generation_prompt=True, **options) == f"{old}<|assistant|>"


def test_thinking_marks_the_last_question(render):
    asked = [user("a"), turn("b"), user("c")]
    marked = f"<|user|>a<|assistant|>b<|end|><|user|>c{THINK_MARK}<|assistant|>"
    options = {"add_generation_prompt": True, "enable_thinking": True}
    assert render(asked, **options) == marked
    assert render(asked, **options, open_thought=True) == marked + OPEN
    assert render(asked, add_generation_prompt=True, open_thought=True).endswith("c<|assistant|>")


def test_earlier_thoughts_are_left_out(render):
    for answer in (
        turn(f"{THOUGHT}b"),
        turn("b", reasoning="Hm."),
        turn("b", reasoning_content="H"),
    ):
        assert render([user("a"), answer, user("c")]) == "<|user|>a<|assistant|>b<|end|><|user|>c"


def test_the_last_turn_keeps_its_thought(render):
    whole = f"<|user|>a<|assistant|>{THOUGHT}b<|end|>"
    assert render([user("a"), turn(f"{THOUGHT}b")]) == whole
    assert render([user("a"), turn("b", reasoning="Hm.")]) == whole
    assert render([user("a"), turn("b", reasoning_content="\nHm.\n")]) == whole


@pytest.mark.parametrize(
    "opening", ["<think>", OPEN, f"{OPEN}Let's think step by step.", f"{OPEN}Hm.\n", EMPTY, "So"]
)
def test_a_turn_with_an_opening_stays_open(render, opening):
    asked = [user("a"), turn(opening)]
    options = {"continue_final_message": True}
    assert render(asked, **options) == f"<|user|>a<|assistant|>{opening}"
    marked = render(asked, **options, enable_thinking=True)
    assert marked == f"<|user|>a{THINK_MARK}<|assistant|>{opening}"


def test_a_thought_in_its_own_field_can_be_gone_on_with(render):
    asked = [user("a"), turn("", reasoning_content="Hm")]
    opened = render(asked, continue_final_message="reasoning_content", enable_thinking=True)
    assert opened == f"<|user|>a{THINK_MARK}<|assistant|>{OPEN}Hm"


def test_the_ends_of_a_thought_are_tokens_that_decoding_keeps(tokenizer):
    ids = tokenizer(f"{THOUGHT}b<|end|>")["input_ids"]
    assert tokenizer.convert_tokens_to_ids(["<think>", "</think>"]) == [4096, 4097]
    assert {4096, 4097} <= set(ids)
    assert tokenizer.decode(ids, skip_special_tokens=True) == f"{THOUGHT}b"


def test_the_template_is_the_one_that_training_writes():
    from benchmarks.training.tokenizer import CHAT_TEMPLATE

    folder = Path(resolve_model("clc-tiny"))
    assert (folder / "chat_template.jinja").read_text("utf-8") == CHAT_TEMPLATE


def test_an_example_is_put_as_the_template_puts_it(render, tokenizer, drawn):
    """And its reply's tokens are those that a model goes on with."""
    from benchmarks.training.batches import prompt_text

    for one in drawn[:400]:
        options = {"enable_thinking": one.thinking}
        if one.opening:
            asked = [user(one.prompt), turn(one.opening)]
            prompt = render(asked, continue_final_message=True, **options)
        else:
            prompt = render([user(one.prompt)], add_generation_prompt=True, **options)
        assert prompt == prompt_text(one)
        apart = (tokenizer(text)["input_ids"] for text in (prompt, one.reply))
        assert list(chain(*apart)) == tokenizer(prompt + one.reply)["input_ids"]
