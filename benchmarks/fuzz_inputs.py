"""Generated texts, bytes and JSON: good ones that were cut, repeated, spliced or damaged."""

# ruff: noqa: E501 - lists of pieces

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

PIECES = (
    "Answer: ", "The answer is ", "答案是", "Antwort: ", "উত্তর: ", "คำตอบ: ", "Ответ: ", "#### ", "\\boxed{", "}", "{", "\n", " ",
    "2^64", "10^{100}", "2**10", "10²⁰", "5!", "2^", "^", "!", "²", "1e30", "e5", "1.234", "1,234.56", "1 000", "½", "3/4", "2:3",
    "9" * 70, "0.1", "-", "−", "=", "×", "(", ")", "[", "]", "$", "€", "%", "\\frac{1}{2}", "\\frac{2^{9}}{3}", "\\sqrt{2}", "\\text{",
    "三分之二", "七万", "১৮", "٣٤", "twenty-five", "dreiundzwanzig", "million", "万", "to the power of 10", "squared", "x", "n", "or ",
    "<think>", "</think>", "<|im_end|>", "[THINK]", "\nQuestion: ", "cannot be determined", "I'm sorry", "wait, ", "not ", "?", "。",
    "\u202e", "\x1b[31m", "\x00", "\ud800", "\u200f", "\ufeff", "A", "B)", "8:30", "5 hours 30 minutes", "**", "~~", "#",
    "C because ", " and B", "not A", "(Б)", "<answer>", "</answer>", '{"answer": ', "| Total | 5 |\n", "Confidence: 95%", "user\n",
    "assistant\n", "\nHuman: ", "\nAssistant: ", "[INST]", "[/INST]", "#### 5\n", "Wait, that is wrong. ", "Resultaat: 4\n", "<tool_call>",
)  # fmt: skip
LANGUAGES = (None, "en", "de", "fr", "es", "ru", "sw", "th", "bn", "te", "zh", "ja", "ar", "xx", "")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, 1e-320, "", "5", "en", "stop",
    "\ud800", "\x00", "x" * 300, [], {}, [[]], [None], [1, "a"], {"a": None}, {"": {}}, ["stop"], {"type": "text"},
)  # fmt: skip


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
