"""Answers between marks: ``<answer>`` tags, and the answer field of a JSON object."""

from __future__ import annotations

import re

from clc.answers.vocabulary import per_vocabulary
from clc.answers.words import listed

__all__ = ["NULL", "marked_answers"]

NULL = frozenset({"null", "None"})
"""Contents of a field without an answer."""

_MOST = 20  # marks that are considered, from the end
_LONGEST = 20_000  # characters of a marked answer
_STRING = re.compile(r"\"((?:[^\"\\\n]|\\.){1,4000})\"|'((?:[^'\\\n]|\\.){1,4000})'(?=\s*[,}\]])")
_SCALAR = re.compile(
    r"null\b|None\b|-?\d[\d.,/]{0,60}(?:[eE][+-]?\d{1,3})?(?=\s*[,}\]\n])|-?\d[\d./]{0,60}"
)
_NESTED = re.compile(r"[\[{]([^\[\]{}]{1,400})[\]}]")


@per_vocabulary
def _names() -> str:
    return "|".join((*listed("answer"), "final", "result"))


@per_vocabulary
def _tags() -> re.Pattern[str]:
    return re.compile(rf"<\s?((?i:(?:final[ _-]?)?(?:{_names()})))\s?>")


@per_vocabulary
def _fields() -> re.Pattern[str]:
    return re.compile(
        rf"(?:\"|'|“)(?:[^\"'\n{{}}:,]{{0,24}}[\W_a-z])?(?i:{_names()})(?:\"|'|”)\s{{0,3}}[:：]\s{{0,3}}"
    )


def marked_answers(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the spans of the marked answers with content in ``text[start:end]``, in order.

    >>> text = '{"steps": "5 + 5", "answer": 10, "confidence": 95} <answer>12</answer>'
    >>> [text[a:b] for a, b in marked_answers(text, 0, len(text))]
    ['10', '12']
    """
    spans = _tagged(text, start, end) if "<" in text else []
    if "{" in text and ("}" in text or "\n" in text):
        spans += _in_fields(text, start, end)
        spans.sort()
    return [span for span in spans if text[slice(*span)].strip()]


def _tagged(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    for tag in list(_tags().finditer(text, start, end))[-_MOST:]:
        close = re.compile(rf"<\s?/\s?{re.escape(tag[1])}\s?>", re.IGNORECASE).search(
            text, tag.end(), min(end, tag.end() + _LONGEST)
        )
        if close:
            spans.append((tag.end(), close.start()))
        elif "<" not in text[tag.end() : end] and end - tag.end() < _LONGEST:
            spans.append((tag.end(), end))  # the end of the text closes it
    return spans


def _in_fields(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    for field in list(_fields().finditer(text, start, end))[-_MOST:]:
        if text.rfind("{", start, field.start()) < 0:
            continue
        string = _STRING.match(text, field.end(), end)
        if string:
            spans.append(string.span(1 if string[1] else 2))
            continue
        nested = _NESTED.match(text, field.end(), end)
        scalar = nested or _SCALAR.match(text, field.end(), end)
        if scalar:
            spans.append(scalar.span(1 if nested else 0))
    return spans
