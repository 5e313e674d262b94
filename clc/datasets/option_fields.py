"""Fields of a row that hold the texts of options: one field for each, or all in one."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.answers.option_lines import LETTERS
from clc.datasets.field_names import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["OptionFields", "find_option_fields", "has_layout_of_options", "may_hold_options"]

_FEWEST = 2
_LISTS = frozenset({"choices", "options", "alternatives", "answerchoices", "answeroptions"})
# "option_0", "Option A", "mc_answer1", "opa"; numbered answers may be several right ones.
_ONE = re.compile(
    r"(?P<stem>option|choice|mcanswer|alternative|candidate|opt|answeroption|answerchoice)s?"
    r"(?P<label>10|\d|[a-j])|(?P<lettered>op|answer|ans)(?P<letter>[a-j])"
)
_RIGHT = re.compile(r"correctanswer|bestanswer")  # GPQA: beside incorrect answers 1 to 3
_WRONG = re.compile(r"incorrectanswer\d")
_LABELS = ("label", "key", "letter", "id", "option")
_TEXTS = ("text", "value", "content", "answer", "choice", "option_text")
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ARRAY = re.compile(
    rf"(?:array\()?\s*\[\s*((?:{_QUOTED})(?:[\s,]+(?:{_QUOTED}))*)[\s,]*\].*", re.DOTALL
)
_INLINE = re.compile(r"(?:^|(?<=[\s,;|]))[(（\[]?([A-Ja-j])\s?[)）\].:：、]\s?(?=\S)")
_MOST_TEXT = 1 << 20  # characters of options in one text


class OptionFields(NamedTuple):
    """The options of a row as they stand in it.

    Attributes:
        names: of the fields.
        values: of the options, in order.
        labels: of the options in the file, where it has some.
        start: number of the first option: 1 where fields are numbered from 1, otherwise 0.
    """

    names: list[str]
    values: list[Any]
    labels: Sequence[Any] = ()
    start: int = 0


def may_hold_options(name: str) -> bool:
    """Whether a field of this name holds all options, if it holds any.

    >>> may_hold_options("Choices"), may_hold_options("option_a")
    (True, False)
    """
    return plain_name(name) in _LISTS


def find_option_fields(fields: Mapping[str, Any]) -> OptionFields | None:
    """Return the fields that hold the options of a row, None for a row without any.

    >>> find_option_fields({"q": "?", "Option 1": "4", "Option 2": "5"}).values
    ['4', '5']
    """
    layout = _layout(tuple(fields))
    for name in layout.lists:
        if (found := _all_in_one(name, fields[name])) is not None:
            return found
    return _one_each(fields, layout) if layout.families else _right_and_wrong(fields, layout)


def has_layout_of_options(names: Iterable[str]) -> bool:
    """Whether a row with fields of these names may have options."""
    layout = _layout(tuple(names))
    return bool(layout.lists or layout.families or layout.right)


class _Layout(NamedTuple):
    """The fields of a row by their names: options in one, one each, the right one and others."""

    lists: tuple[str, ...]
    families: dict[tuple[str, bool], dict[int, str]]
    right: str | None
    wrong: tuple[str, ...]


@lru_cache(maxsize=256)
def _layout(names: tuple[str, ...]) -> _Layout:
    families: dict[tuple[str, bool], dict[int, str]] = {}
    for name in names:
        if len(name) == 1 and name.upper() in LETTERS:
            stem, label = ("A", name.lower()) if name.isupper() else ("a", name)
        elif match := _ONE.fullmatch(plain_name(name)):
            stem = match["stem"] or match["lettered"]
            label = match["label"] or match["letter"]
        else:
            continue
        number = int(label) if label.isdecimal() else LETTERS.index(label.upper())
        families.setdefault((stem, label.isdecimal()), {}).setdefault(number, name)
    plain = {name: plain_name(name) for name in names}
    return _Layout(
        tuple(name for name in names if plain[name] in _LISTS),
        families,
        next((name for name in names if _RIGHT.fullmatch(plain[name])), None),
        tuple(name for name in names if _WRONG.fullmatch(plain[name])),
    )


def _right_and_wrong(fields: Mapping[str, Any], layout: _Layout) -> OptionFields | None:
    """Return a right and wrong answers in an order that their texts decide."""
    if layout.right is None or not layout.wrong:
        return None
    values = [fields[name] for name in (layout.right, *layout.wrong) if fields[name] is not None]
    if len(values) < _FEWEST or not _are_texts(values):
        return None
    return OptionFields(
        list(layout.wrong), sorted(values, key=lambda one: sha256(str(one).encode()).digest())
    )


def _all_in_one(name: str, value: object) -> OptionFields | None:
    labels: Sequence[Any] = ()
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, Mapping):
        keys = [str(key).strip() for key in value]
        if lettered := _by_key(keys, list(value.values())):
            labels, value = lettered
        else:  # as Hugging Face stores a list of objects
            labels, value = _first(value, _LABELS) or (), _first(value, _TEXTS)
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        labels = [_first(one, _LABELS) for one in value]
        value = [_first(one, _TEXTS) for one in value]
    if not (isinstance(value, list) and len(value) >= _FEWEST and _are_texts(value)):
        return None
    if [str(one) for one in value] == list(LETTERS[: len(value)]):
        return None  # labels of options that stand elsewhere
    return OptionFields([name], value, labels)


def _by_key(keys: Sequence[str], values: Sequence[Any]) -> tuple[list[str], list[Any]] | None:
    """Return labels and values in order where the keys are letters, or numbers from 0 or 1."""
    by_key = dict(zip((key.upper() for key in keys), values, strict=True))
    if by_key and by_key.keys() <= set(LETTERS):
        labels = list(LETTERS[: LETTERS.index(max(by_key)) + 1])
    elif by_key and all(re.fullmatch(r"\d|10", key) for key in by_key):
        numbers = sorted(map(int, by_key))
        if numbers[0] > 1:
            return None
        labels = [str(number) for number in range(numbers[0], numbers[-1] + 1)]
    else:
        return None
    return labels, [by_key.get(label) for label in labels]


def _first(fields: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _are_texts(values: Sequence[Any]) -> bool:
    return any(one is not None for one in values) and all(
        one is None or (isinstance(one, str | int | float) and not isinstance(one, bool))
        for one in values
    )


def _parsed(text: str) -> Any:
    """Read options that are written in one text, None where it is something else.

    JSON and Python's lists and objects are read, a numpy array as pandas writes it, and texts
    with labels (``a ) 38 , b ) 40``).
    """
    text = text.strip()
    if len(text) > _MOST_TEXT:
        return None
    if text[:1] not in {"[", "{"}:
        return _labelled(text)
    if (array := _ARRAY.fullmatch(text)) and not text.startswith("{"):
        return [ast.literal_eval(one) for one in re.findall(_QUOTED, array[1])]
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    arrays = re.findall(rf"['\"](\w+)['\"]\s*:\s*(array\(\s*\[(?:{_QUOTED}|[\s,])*\])", text)
    return {name: _parsed(array.removeprefix("array(")) for name, array in arrays} or None


def _labelled(text: str) -> list[str] | None:
    """Split a text at its labels, which must be A, B, … in order from its start."""
    starts: list[re.Match[str]] = []
    for match in _INLINE.finditer(text):
        if len(starts) < len(LETTERS) and match[1].upper() == LETTERS[len(starts)]:
            starts.append(match)
    if len(starts) < _FEWEST or starts[0].start() != 0:
        return None
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return [
        text[match.end() : end].strip().rstrip(",;|").strip()
        for match, end in zip(starts, ends, strict=True)
    ]


def _one_each(fields: Mapping[str, Any], layout: _Layout) -> OptionFields | None:
    for (stem, numbered), names in layout.families.items():
        start = 0 if 0 in names or not numbered else 1
        absent = all(fields[name] is None for name in names.values())
        if absent or not {start, start + 1} <= names.keys():
            continue
        numbers = range(start, max(names) + 1)
        values = [fields[names[number]] if number in names else None for number in numbers]
        if stem == "a" and not _are_named(fields, values):
            continue
        return OptionFields(list(names.values()), values, (), start)
    return None


def _are_named(fields: Mapping[str, Any], values: Sequence[Any]) -> bool:
    """Whether fields ``a`` and ``b`` are options: texts, one of which the answer names."""
    answers = [value for name, value in fields.items() if plain_name(name) in {"answer", "gold"}]
    letters = {letter for letter, one in zip(LETTERS, values, strict=False) if one is not None}
    return all(isinstance(one, str | None) for one in values) and any(
        isinstance(answer, str) and (answer.strip().upper() in letters or answer in values)
        for answer in answers
    )
