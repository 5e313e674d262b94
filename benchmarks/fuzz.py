"""Generated inputs to every reader of foreign text: errors that are not ours, and slowness.

    python -m benchmarks.fuzz [--inputs N] [--seed S] [--targets answers,endpoint,...]

Each input is a good one that was cut, repeated, spliced or damaged, or one of a grammar of
numerals, scripts, LaTeX and JSON. A reader may refuse an input with an error of its own, and must
end in less than a second for 100 kB. What does not is printed with the seed and number that make
it again, and the exit status is 1.
"""

# ruff: noqa: E501 - lists of pieces

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.answers import canonical, extract_answer, numbers_in
from clc.engines.base import Measure, Request
from clc.engines.openai import error_bodies, wire
from clc.engines.openai.reply import ReplyReader
from clc.engines.openai.sse import read_stream
from clc.errors import ClcError
from clc.records import Answer, Sampling
from clc.thoughts.marks import load_marks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

INPUTS = 1_000_000
SECONDS_PER_CHARACTER = 1 / 100_000
_SLACK_S = 0.05  # of an input of no length: the machine's
_WARM = 200  # inputs before the first
_SHOWN = 20

PIECES = (
    "Answer: ", "The answer is ", "答案是", "Antwort: ", "উত্তর: ", "คำตอบ: ", "Ответ: ", "#### ", "\\boxed{", "}", "{", "\n", " ",
    "2^64", "10^{100}", "2**10", "10²⁰", "5!", "2^", "^", "!", "²", "1e30", "e5", "1.234", "1,234.56", "1 000", "½", "3/4", "2:3",
    "9" * 70, "0.1", "-", "−", "=", "×", "(", ")", "[", "]", "$", "€", "%", "\\frac{1}{2}", "\\frac{2^{9}}{3}", "\\sqrt{2}", "\\text{",
    "三分之二", "七万", "১৮", "٣٤", "twenty-five", "dreiundzwanzig", "million", "万", "to the power of 10", "squared", "x", "n", "or ",
    "<think>", "</think>", "<|im_end|>", "[THINK]", "\nQuestion: ", "cannot be determined", "I'm sorry", "wait, ", "not ", "?", "。",
    "\u202e", "\x1b[31m", "\x00", "\ud800", "\u200f", "\ufeff", "A", "B)", "8:30", "5 hours 30 minutes", "**", "~~", "#",
)  # fmt: skip
LANGUAGES = (None, "en", "de", "fr", "es", "ru", "sw", "th", "bn", "te", "zh", "ja", "ar", "xx", "")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, 1e-320, "", "5", "en", "stop",
    "\ud800", "\x00", "x" * 300, [], {}, [[]], [None], [1, "a"], {"a": None}, {"": {}}, ["stop"], {"type": "text"},
)  # fmt: skip


@dataclass
class Tally:
    """What the inputs of one target came to."""

    inputs: int = 0
    characters: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def text(rng: random.Random) -> str:
    """Write a text of the grammar, or mostly of any characters."""
    length = int(rng.paretovariate(0.9) * 4) % 400
    if rng.random() < 0.1:
        return "".join(chr(rng.randrange(0x20, 0x3000)) for _ in range(length))
    parts = [rng.choice(PIECES) for _ in range(length % 60 + 1)]
    if rng.random() < 0.02:
        parts = [rng.choice(PIECES) * rng.randrange(1, 3000), *parts[:3]]
    return "".join(parts)


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Cut, repeat, swap or flip bytes of a good input."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
        if not data:
            break
        at, to = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        kind = rng.randrange(6)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + data[to:]
        elif kind == 2:
            data = data[:to] + data[at:to] * rng.choice((1, 2, 20)) + data[to:]
        elif kind == 3:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        elif kind == 4:
            data = data[:at] + rng.choice(PIECES).encode("utf-8", "surrogatepass") + data[at:]
        else:
            data = (
                data[:at]
                + rng.choice((b"[", b"{", b'"', b"\\u0000", b"\\ud800", b"9" * 30))
                + data[at:]
            )
    return data[:200_000]


def mutated(rng: random.Random, value: Any, depth: int = 0) -> Any:  # noqa: PLR0911
    """Change a JSON value somewhere: another type, a missing or further field, a text."""
    if not depth and rng.random() < 0.2:
        return value
    chance = rng.random()
    if depth and chance < 0.02:
        return rng.choice(VALUES)
    if chance < 0.002:
        deep: Any = rng.choice(VALUES)
        for _ in range(rng.choice((5, 300, 1500))):
            deep = [deep] if rng.random() < 0.5 else {"a": deep}
        return deep
    if isinstance(value, dict):
        changed = {key: mutated(rng, one, depth + 1) for key, one in value.items()}
        if changed and rng.random() < 0.03:
            del changed[rng.choice(list(changed))]
        if rng.random() < 0.02:
            changed[rng.choice(("id", "n", "extra", "", "error", "usage", "kind"))] = rng.choice(
                VALUES
            )
        return changed
    if isinstance(value, list):
        changed_list = [mutated(rng, one, depth + 1) for one in value]
        return changed_list * rng.choice((0, 2, 3)) if rng.random() < 0.03 else changed_list
    if isinstance(value, str) and rng.random() < 0.15:
        return text(rng)
    return value


def as_json(rng: random.Random, value: Any) -> bytes:
    """Write a value as JSON, now and then of the forms that Python writes or damaged."""
    try:
        data = json.dumps(value, ensure_ascii=rng.random() < 0.3)
    except (RecursionError, ValueError):
        data = "[" * 2000 + "]" * 2000
    encoded = data.encode("utf-8", "surrogatepass")
    return damaged(rng, encoded) if rng.random() < 0.15 else encoded


# Targets: each makes an input of a random generator and reads it; it returns its length.


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
_OUR_ENDS = (wire.BrokenReplyError, wire.NoLogprobsError, ClcError)


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
    wire.served_models(body)
    error_bodies.retry_after_s(rng.choice((None, text(rng)[:60], "nan", "9" * 400)), _NOW, 60.0)
    wire.read_completion(body, _reader(rng)).usage.clamped()
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
    "range(9)",
    "question",
    "range(10**5)",
    "[]",
    "cue",
    "range(10**9)",
    "'ab' * 10**6",
    "[1, [2]] recursive",
)
_VALUES = (
    "question",
    "1",
    "'%d'",
    "'a'",
    "10**9",
    "cue.label",
    "missing",
    "[]",
    "{}",
    "none",
    "a",
    "-1",
    "0.5",
    "'{:{}}'",
    "()",
)
_OPERATORS = (
    "+",
    "*",
    "**",
    "%",
    "~",
    "/",
    "//",
    "==",
    "in",
    "is",
    "|",
    "and",
    "if true else",
    "-",
    ",",
    ".",
)
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
        Path(self._folder.name, name).write_bytes(data)


_FILES = _Files()
_NOW = datetime.now(UTC)
TARGETS: dict[str, tuple[Callable[[random.Random], int], float]] = {  # with shares of the inputs
    "answers": (read_answers, 0.35), "replies": (read_reply, 0.15), "events": (read_events, 0.1),
    "bodies": (read_bodies, 0.15), "datasets": (read_datasets, 0.1), "generations": (read_recorded, 0.09),
    "toml": (read_toml, 0.03), "templates": (read_templates, 0.03),
}  # fmt: skip


def run(name: str, inputs: int, seed: int) -> Tally:
    """Read ``inputs`` inputs of one target."""
    from clc.serving.errors import ApiError

    read, tally = TARGETS[name][0], Tally()
    # A template may take 200,000 steps, whatever its length.
    slack_s = 3.0 if name == "templates" else _SLACK_S
    for number in range(-_WARM, inputs):
        if number == 0:  # what is imported at first is no input's time
            tally.seconds = tally.slowest = 0.0
        rng = random.Random(f"{name}:{seed}:{number}")
        began = time.thread_time()
        length = 0
        try:
            length = read(rng)
        except (*_OUR_ENDS, ApiError) as error:
            tally.refused += 1
            tally.kinds[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            tally.faults.append(f"{number}: {type(error).__name__}: {error!s:.150}")
        seconds = time.thread_time() - began
        tally.inputs = max(number + 1, 0)
        tally.characters += length
        tally.seconds += seconds
        tally.slowest = max(tally.slowest, seconds)
        if number >= 0 and seconds > slack_s + max(length, 20_000) * SECONDS_PER_CHARACTER:
            tally.faults.append(f"{number}: {seconds:.2f} s for {length:,} characters")
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Generated inputs to every reader.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="over all targets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument(
        "--number", type=int, help="read this input of one target, and fail as it does"
    )
    options = parser.parse_args(arguments)
    names = options.targets.split(",")
    if options.number is not None:
        TARGETS[names[0]][0](random.Random(f"{names[0]}:{options.seed}:{options.number}"))
        return 0
    total = sum(TARGETS[name][1] for name in names)
    print(
        f"{'target':12} {'inputs':>9} {'refused':>9} {'MB':>7} {'CPU s':>7} {'slowest ms':>11} {'faults':>7}"
    )
    faults = 0
    for name in names:
        tally = run(name, max(1, round(options.inputs * TARGETS[name][1] / total)), options.seed)
        faults += len(tally.faults)
        print(f"{name:12} {tally.inputs:9,} {tally.refused:9,} {tally.characters / 1e6:7.1f} "
              f"{tally.seconds:7.1f} {tally.slowest * 1000:11.0f} {len(tally.faults):7}", flush=True)  # fmt: skip
        for fault in tally.faults[:_SHOWN]:
            print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
