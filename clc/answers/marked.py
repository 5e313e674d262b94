"""Answers between marks: ``<answer>`` tags, and the answer field of a JSON object."""

from __future__ import annotations

import re

from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import fold
from clc.answers.words import listed
from clc.deferred_patterns import deferred_pattern

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


_TAG = re.compile(r"<\s?([^<>\n]{1,60}?)\s?>")
_FINAL = re.compile(r"final[ _-]?")
_QUOTES = "\"'”"  # after the name of a field
_FIELD_END = re.compile(r"[\"'”]\s{0,3}[:：]\s{0,3}")
_FIELD = deferred_pattern(r"[\"'“]([^\"'\n{}:,]{1,80})\Z")
_LONGEST_FIELD = 81
_LONGEST_PREFIX = 25  # characters of a field's name before the word: "final_answer"
_BEFORE_WORD = re.compile(r"[\W_a-z]")


@per_vocabulary
def _names() -> frozenset[str]:
    return frozenset(map(fold, (*listed("answer"), "final", "result")))


def marked_answers(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the spans of the marked answers with content in ``text[start:end]``, in order.

    >>> text = '{"steps": "5 + 5", "answer": 10, "confidence": 95} <answer>12</answer>'
    >>> [text[a:b] for a, b in marked_answers(text, 0, len(text))]
    ['10', '12']
    """
    spans = _tagged(text, start, end) if "<" in text else []
    if "{" in text and ("}" in text or "\n" in text) and _has_quotes(text, start, end):
        spans += _in_fields(text, start, end)
        spans.sort()
    return [span for span in spans if text[slice(*span)].strip()]


def _has_quotes(text: str, start: int, end: int) -> bool:
    return any(text.find(quote, start, end) >= 0 for quote in _QUOTES)


def _tagged(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    tags = [tag for tag in _TAG.finditer(text, start, end) if _names_answer(tag[1])]
    for tag in tags[-_MOST:]:
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
    for begin, stop in _fields(text, start, end)[-_MOST:]:
        if text.rfind("{", start, begin) < 0:
            continue
        string = _STRING.match(text, stop, end)
        if string:
            spans.append(string.span(1 if string[1] else 2))
            continue
        nested = _NESTED.match(text, stop, end)
        scalar = nested or _SCALAR.match(text, stop, end)
        if scalar:
            spans.append(scalar.span(1 if nested else 0))
    return spans


def _names_answer(tag: str) -> bool:
    """Whether a tag's name is that of an answer: final_answer."""
    name = fold(tag)
    final = _FINAL.match(name)
    return name in _names() or (final is not None and name[final.end() :] in _names())


def _fields(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the spans of the names of answer fields, with their colons."""
    found: list[tuple[int, int]] = []
    names = _names()
    for mark in _FIELD_END.finditer(text, start, end):
        low = max(start, mark.start() - _LONGEST_FIELD, found[-1][1] if found else start)
        field = _FIELD.search(text, low, mark.start())
        if field is None:
            continue
        name = fold(field[1])
        for at in range(min(len(name), _LONGEST_PREFIX + 1)):
            if name[at:] in names and (at == 0 or _BEFORE_WORD.match(field[1], at - 1)):
                found.append((field.start(), mark.end()))
                break
    return found
