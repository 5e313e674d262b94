"""Readers of foreign text: each makes a random input, reads it, and returns its length."""

# ruff: noqa: E501 - lists of pieces

from __future__ import annotations

import io
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.fuzz_inputs import LANGUAGES, PIECES, as_json, damaged, mutated, text
from clc.answers import canonical, extract_answer, numbers_in
from clc.engines.base import Measure, Request
from clc.engines.openai import error_bodies, model_list, reply_fields
from clc.engines.openai.reply import ReplyReader
from clc.engines.openai.sse import read_stream
from clc.errors import ClcError
from clc.records import Answer, Sampling
from clc.thoughts.mark_files import load_marks

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Sequence


def read_answers(rng: random.Random) -> int:
    response, question = text(rng), text(rng) if rng.random() < 0.5 else None
    language = rng.choice(LANGUAGES)
    kind: Any = rng.choice((None, None, "number", "choice"))
    finish = rng.choice((None, "stop", "length", "content_filter"))
    outcome = extract_answer(response, language, question, kind=kind, finish_reason=finish)
    if isinstance(outcome, Answer) and outcome.kind == "number":
        assert canonical(outcome.value) == outcome.value, outcome  # noqa: S101 - the check
    numbers_in(response, language)
    canonical(response[:300], language)
    return len(response) + len(question or "")


_REPLY: dict[str, Any] = {
    "id": "c", "object": "chat.completion", "model": "m", "created": 1,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "Answer: 5", "reasoning_content": "2 + 3", "refusal": None},
        "logprobs": {"content": [{"token": "5", "logprob": -0.1, "top_logprobs": [
            {"token": "5", "logprob": -0.1}, {"token": "6", "logprob": -2.5}]}]}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4,
              "completion_tokens_details": {"reasoning_tokens": 2}},
}  # fmt: skip
_PARTS: dict[str, Any] = {"content": [
    {"type": "thinking", "thinking": [{"type": "text", "text": "2 + 3"}]}, {"type": "text", "text": "5"}]}  # fmt: skip
_MARKS = load_marks()
OUR_ENDS = (reply_fields.BrokenReplyError, reply_fields.NoLogprobsError, ClcError)


def _reader(rng: random.Random) -> ReplyReader:
    measure = rng.choice((None, Measure(), Measure(floor=1.0, group=2)))
    listener: Any = rng.choice((None, lambda _: None))
    request = Request("k", ({"role": "user", "content": "2+3?"},), Sampling(), 1, measure,
                      on_text=listener, on_thought=listener)  # fmt: skip
    return ReplyReader(request, _MARKS, opened=rng.random() < 0.2)


def read_reply(rng: random.Random) -> int:
    reply = json.loads(json.dumps(_REPLY))
    if rng.random() < 0.2:
        reply["choices"][0]["message"] |= _PARTS
    body = as_json(rng, mutated(rng, reply))
    error_bodies.error_message(body)
    error_bodies.error_code(body)
    model_list.served_models(body)
    error_bodies.retry_after_s(rng.choice((None, text(rng)[:60], "nan", "9" * 400)), _NOW, 60.0)
    reply_fields.read_completion(body, _reader(rng)).usage.clamped()
    return len(body)


def read_events(rng: random.Random) -> int:
    choice = _REPLY["choices"][0]
    events = []
    for _ in range(rng.randrange(1, 8)):
        delta = {"index": 0, "delta": choice["message"], "logprobs": choice["logprobs"]}
        last = {"finish_reason": rng.choice((None, "stop", "length"))}
        events.append({"choices": [delta | last], "usage": rng.choice((None, _REPLY["usage"]))})
    lines = [b"data: " + as_json(rng, mutated(rng, event)) for event in events]
    if rng.random() < 0.8:
        lines.append(b"data: [DONE]")
    body = rng.choice((b"\n\n", b"\r\n\r\n", b"\n: ping\n")).join(lines)
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.randrange(6)))
    pieces = [body[at:to] for at, to in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    _run(read_stream(chunks(), _reader(rng), lambda: None))
    return len(body)


def _run(coroutine: Any) -> None:
    """Run a coroutine that never waits, without the cost of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


_CHAT: dict[str, Any] = {
    "model": "clc", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+3?"}],
    "temperature": 0.7, "top_p": 0.9, "max_tokens": 64, "n": 1, "seed": 7, "stop": ["x"], "stream": False,
    "stream_options": {"include_usage": True}, "metadata": {"a": "b"},
    "clc": {"strategy": "clc", "languages": ["en", "de"], "paths": 4, "deadline": 5.0, "stopping": "lead"},
}  # fmt: skip
_RESPONSES: dict[str, Any] = {
    "model": "clc:sc", "input": [{"role": "user", "content": [{"type": "input_text", "text": "2+3?"}]}],
    "instructions": "Be brief.", "max_output_tokens": 64, "text": {"format": {"type": "text"}},
    "clc": {"paths": 4, "language": "en"},
}  # fmt: skip


def read_bodies(rng: random.Random) -> int:
    import orjson

    from clc.serving.openai.requests import ChatRequest, ResponsesRequest
    from clc.serving.openai.validation import parse
    from clc.serving.question import read_question, read_vote_options
    from clc.serving.settings import Settings

    kind, good = rng.choice(((ChatRequest, _CHAT), (ResponsesRequest, _RESPONSES)))
    body = as_json(rng, mutated(rng, good))
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return len(body)
    request = parse(kind, value)
    headers = {"x-clc-paths": text(rng)[:20]} if rng.random() < 0.2 else {}
    read_question(request, read_vote_options(request, headers), Settings("m"), "k")
    return len(body)


_ROWS: tuple[dict[str, Any], ...] = (
    {"question": "Tom has 2 apples. How many?", "answer": 2, "id": "a", "language": "en", "kind": "number",
     "translations": {"de": "Tom hat 2 Äpfel. Wie viele?"}, "metadata": {"x": 1}},
    {"question": "2+3?", "answer": "2 + 3 = 5\n#### 5"}, {"question": "2+3?", "answer_number": 5, "equation_solution": None},
    {"question": "小明有2个苹果", "golden": "2", "id": 7, "grade": 3},
)  # fmt: skip
_GENERATIONS: tuple[dict[str, Any], ...] = (
    {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5", "question": "2+3?", "confidence": 1.5, "finish_reason": "stop",
     "question_language": "en", "item": "a", "kind": "number"},
    {"id": "a", "language": "de", "response": None, "error": "lost", "confidence":
     {"mean": 1.0, "tail": 1.0, "lowest_group": 1.0, "logprob": -0.1}},
    {"doc_id": 1, "doc": {"question": "2+3?", "answer_number": 5}, "target": "5", "resps": [["Answer: 5"]], "filter": "x"},
    {"custom_id": "a|en|0", "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "5"}, "finish_reason": "stop"}]}}},
)  # fmt: skip


def _lines(rng: random.Random, rows: Sequence[dict[str, Any]]) -> bytes:
    row = rng.choice(rows)
    lines = [as_json(rng, mutated(rng, row)) for _ in range(rng.randrange(1, 4))]
    data = rng.choice((b"\n", b"\r\n")).join(lines)
    return rng.choice((b"", b"", b"\xef\xbb\xbf", b"\n")) + data


def read_datasets(rng: random.Random) -> int:
    from clc.datasets import load_problems

    form = rng.choice(("jsonl", "jsonl", "json", "tsv", None))
    data = _lines(rng, _ROWS)
    if form == "json":
        data = b"[" + data.replace(b"\n", b",") + b"]"
    elif form == "tsv":
        good = "\n".join(f"{text(rng)}\t{rng.choice(PIECES)}" for _ in range(3))
        data = damaged(rng, good.encode("utf-8", "surrogatepass"))
    stream = io.BytesIO(data)
    stream.name = rng.choice(("mgsm_de.tsv", "x.jsonl", "x"))
    for _ in load_problems(stream, language="en", format=form):
        pass
    return len(data)


def read_recorded(rng: random.Random) -> int:
    from clc.datasets.generations import read_generation, read_generations

    data = _lines(rng, _GENERATIONS)
    _FILES.write("g.jsonl", data)
    for _, _, paths in read_generations([_FILES.path("g.jsonl")]):
        for path in paths:
            read_generation(path)
    return len(data)


_STRATEGY = """name = "x"
paths = 8
temperature = 0.7
languages = ["en", "de"]
voting = "majority"
[[arms]]
language = "question"
question = "original"
[[arms]]
language = "*"
shots = 2
switch = 0.5
share = 3
[stopping]
rule = "beta"
threshold = 0.9
[planner]
candidates = ["en", "de", "zh"]
choose = 2
"""
_CUES = '[en]\nlabel = "Answer:"\nthink = "Think."\n[de]\nlabel = "Antwort:"\n'
_LANGUAGE = """script = "Latn"
[prompt]
label = "Kutichiy:"
[answers]
so = [ "chayrayku" , "mana(m)? ati*" ]
[units.time]
hour = [ "ura*" ]
[powers]
power = [ "hatun N" ]
[options]
letters = [ "q" , "w" ]
[numbers]
order = "large first"
and = [ "y" ]
[numbers.cardinals]
1 = [ "huk" ]
[demonstrations.bus]
question = [ "a" , "b" , "c" ]
steps = [ "1" ]
"""
_TOKENS = ("nan", "inf", "-1", "0", "9" * 30, "9" * 5000, "true", '""', "[]", "{}", "[" * 200, "1979-05-27", "'''", "\\", "=", "]", "#")  # fmt: skip


def read_toml(rng: random.Random) -> int:
    from clc.prompts.templates import Templates
    from clc.solving.configure import configure
    from clc.strategies.files import load_strategy

    strategy = rng.random() < 0.7
    words = (_STRATEGY if strategy else _CUES).split(" ")
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        words[rng.randrange(len(words))] = rng.choice(_TOKENS)
    data = (
        damaged(rng, " ".join(words).encode()) if rng.random() < 0.2 else " ".join(words).encode()
    )
    if strategy:
        _FILES.write("s.toml", data)
        configure(load_strategy(_FILES.path("s.toml")))
    else:
        _FILES.write("prompts/languages.toml", data)
        Templates(_FILES.path("prompts")).missing_cues()
    return len(data)


def read_language(rng: random.Random) -> int:
    from clc.answers import extract_answer
    from clc.prompts.templates import Templates

    words = _LANGUAGE.split(" ")
    values = [index for index, word in enumerate(words) if word.startswith('"')]
    for index in rng.sample(values, rng.choice((0, 1, 1, 2))):
        words[index] = rng.choice((*_TOKENS[:12], '"("', '"a*|"', '"[q"', '"\\\\"', '"\\u0000"'))
        words[index] += "\n" if rng.random() < 0.1 else ""
    data = " ".join(words).encode()
    data = damaged(rng, data) if rng.random() < 0.2 else data
    _FILES.write("spoken/languages/qu.toml", data)
    templates = Templates(_FILES.path("spoken"))
    vocabulary = templates.vocabulary
    extract_answer("Chayrayku kutichiy: huk ura.", "qu", vocabulary=vocabulary)
    templates.shots("qu", "qu", 2)
    return len(data)


def read_templates(rng: random.Random) -> int:
    from clc.prompts.template import PromptTemplate

    def part(depth: int) -> str:
        kind = rng.randrange(9)
        inner = "".join(part(depth + 1) for _ in range(rng.randrange(3))) if depth < 4 else "x"
        if kind == 0:
            return f"{{% for a in {rng.choice(_LOOPS)} %}}{inner}{{{{ loop.index }}}}{{% endfor %}}"
        if kind == 1:
            return f"{{% if {rng.choice(_VALUES)} %}}{inner}{{% else %}}{inner}{{% endif %}}"
        if kind == 2:
            return f"{{% set a = {rng.choice(_VALUES)} %}}{inner}"
        if kind == 3:
            return f"{{% macro m(a) %}}{inner}{{% endmacro %}}{{{{ m({rng.choice(_VALUES)}) }}}}"
        if kind == 4:
            return text(rng)[:40]
        left, right = rng.choice(_VALUES), rng.choice(_VALUES)
        return f"{{{{ {left} {rng.choice(_OPERATORS)} {right}{rng.choice(_ENDINGS)} }}}}"

    heads = [
        "user",
        *rng.choices(("assistant", "reply", "user", "begin", "system"), k=rng.choice((0, 0, 2))),
    ]
    source = "".join(f"--- {head}\n{part(0)}{part(0)}\n" for head in heads)
    template = PromptTemplate("x", source, "x.jinja")
    replies = ["r"] * rng.randrange(template.turns)
    template.render({"question": "q", "cue": {"label": "A"}}, replies)
    return len(source)


_LOOPS = (
    "range(9)", "question", "range(10**5)", "[]", "cue", "range(10**9)", "'ab' * 10**6", "[1, [2]] recursive",
)  # fmt: skip
_VALUES = (
    "question", "1", "'%d'", "'a'", "10**9", "cue.label", "missing", "[]", "{}", "none", "a", "-1", "0.5", "'{:{}}'",
    "()",
)  # fmt: skip
_OPERATORS = (
    "+", "*", "**", "%", "~", "/", "//", "==", "in", "is", "|", "and", "if true else", "-", ",", ".",
)  # fmt: skip
_ENDINGS = ("", "", "|upper", "|join", "|center(9)", "|indent(10**9)", "|format(1)", ".format(1, 10**9)", "|replace('', 'b')",
            "|list", "|tojson", "|batch(3)|list", ".ljust(10**9)", "|sum", "|sort", "[0]", "()", "|map('upper')|list", "|length")  # fmt: skip


class _Files:
    """Files in memory, as far as the system has them there."""

    def __init__(self) -> None:
        shared = Path("/dev/shm")  # noqa: S108 - a folder of our own within
        self._folder = tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None)
        Path(self._folder.name, "prompts").mkdir()

    def path(self, name: str) -> str:
        return str(Path(self._folder.name, name))

    def write(self, name: str, data: bytes) -> None:
        path = Path(self._folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


_FILES = _Files()
_NOW = datetime.now(UTC)
TARGETS: dict[str, tuple[Callable[[random.Random], int], float]] = {  # with shares of the inputs
    "answers": (read_answers, 0.35), "replies": (read_reply, 0.15), "events": (read_events, 0.1),
    "bodies": (read_bodies, 0.15), "datasets": (read_datasets, 0.1), "generations": (read_recorded, 0.08),
    "toml": (read_toml, 0.03), "languages": (read_language, 0.01),
    "templates": (read_templates, 0.03),
}  # fmt: skip
