"""Options of multiple-choice rows: their fields, and the letter of the right one.

===============  ============================  =======================================
data set         options                       answer
===============  ============================  =======================================
MMLU-ProX        ``option_0`` … ``option_9``   ``answer`` (letter), ``answer_index`` (from 0)
Global-MMLU      ``option_a`` … ``option_d``   ``answer`` (letter)
Belebele         ``mc_answer1`` … 4            ``correct_answer_num`` (from 1)
INCLUDE          ``option_a`` … or ``choices`` ``answer`` (from 0)
MMLU, MMLU-Pro   ``choices`` or ``options``    ``answer`` (from 0, or a letter)
MedQA            ``options`` by letter         ``answer_idx`` (letter), ``answer`` (text)
ARC              ``choices``: text and label   ``answerKey`` (a label)
MMMLU            ``A`` … ``D``                 ``Answer`` (letter)
===============  ============================  =======================================

The options become lines ``A. …`` below the question, so that they are translated with it and
shown wherever it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.answers.letters import only_choice
from clc.answers.option_lines import LETTERS
from clc.datasets.field_names import PASSAGE_NAMES, first_text, plain_name
from clc.datasets.option_fields import OptionFields, find_option_fields
from clc.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.datasets.source import Place

__all__ = ["Options", "find_options", "has_options", "recorded_options"]

_FEWEST = 2
# Answers among options, as ``plain_name`` writes them: letters, texts or indices from 0;
# indices from 0; numbers from 1.
_LETTER_NAMES = (
    "gold", "answer", "answerkey", "correctanswer", "correctoption", "correctchoice",
    "correctletter", "correctlabel", "answerletter", "answerlabel", "goldanswer", "goldlabel",
    "rightanswer", "groundtruth", "expectedanswer", "finalanswer",
)  # fmt: skip
_INDEX_NAMES = (
    "answerindex", "answeridx", "cop", "correctindex", "correctidx", "goldindex", "goldidx",
    "correctanswerindex", "correctoptionindex", "correctchoiceindex",
)  # fmt: skip
_NUMBER_NAMES = ("correctanswernum", "correctanswernumber", "correctoptionnumber")
# Of many meanings: only where no other field has the answer
_ELSE = ("correct", "target", "label")
_PASSAGES = (*PASSAGE_NAMES, "context", "premise")
_ABSENT = frozenset({"", "n/a"})
_UNKNOWN = ("", "-1")  # the answer of a row whose right option is not published
# A label that an option brings along: "A. …", "(A) …", "A) …".
_OWN_LABEL = re.compile(r"\s*[(（]?([A-Ja-j])[)）.:：、]\s*(?=\S)")


class Options(NamedTuple):
    """The options of a row.

    Attributes:
        texts: text by letter, in order. A letter is missing where its option is absent.
        fields: names of the fields that the options, the answer and the passage came from.
        gold: letter of the right option, None where the row gives none.
        passage: text that the question is about, None without one.
    """

    texts: dict[str, str]
    fields: frozenset[str]
    gold: str | None
    passage: str | None = None


def find_options(
    fields: Mapping[str, Any], place: Place, *, answer_is_named: bool = False
) -> Options | None:
    """Return the options of a row, None for a row without any.

    With ``answer_is_named`` no other field than ``answer`` gives the answer.

    >>> from clc.datasets.source import Place
    >>> row = {"question": "2 + 3?", "choices": ["4", "5"], "answer": 1}
    >>> find_options(row, Place("f.jsonl", 1)).gold
    'B'

    Raises:
        DatasetError: an option is no text, there are more than ten, or the answer is none of them.
    """
    found = find_option_fields(fields)
    if found is None:
        return None
    used = set(found.names)
    answers = {"answer": fields.get("answer")} if answer_is_named else fields
    texts, gold = _gold(answers, found, place, used)
    passage = first_text(fields, _PASSAGES)
    if passage is not None:
        used.add(passage)
    text = None if passage is None else str(fields[passage]).strip()
    return Options(texts, frozenset(used), gold, text)


def has_options(fields: Mapping[str, Any]) -> bool:
    """Whether a row has fields that hold options."""
    return find_option_fields(fields) is not None


def recorded_options(
    fields: Mapping[str, Any], gold: object, place: Place
) -> tuple[dict[str, str], str | None]:
    """Return the options of a recorded row by letter, and the letter of its gold.

    Where the fields hold no options, or the gold is none of them, they mean something else: there
    are none.

    >>> from clc.datasets.source import Place
    >>> recorded_options({"choices": ["4", "5"]}, "5", Place("f.jsonl", 1))
    ({'A': '4', 'B': '5'}, 'B')
    """
    try:
        found = find_option_fields(fields)
        if found is None:
            return {}, None
        texts, labels = _texts(found, place)
        if gold is None:
            return texts, None
        letter = _letter("gold", gold, texts, labels, place)
    except DatasetError:
        return {}, None
    return ({}, None) if letter is None else (texts, letter)


def _texts(found: OptionFields, place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts by letter, and the letters by own label."""
    texts = _lettered(found.names[0], found.values, place)
    own = {
        str(label).strip(): letter
        for letter, label in zip(LETTERS, found.labels, strict=False)
        if letter in texts
    }
    return texts, own


def _lettered(name: str, values: Sequence[Any], place: Place) -> dict[str, str]:
    if len(values) > len(LETTERS):
        raise place.error(f"{name!r}: {len(values)} options; at most {len(LETTERS)} can be read")
    texts = {}
    for letter, value in zip(LETTERS, values, strict=False):
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            raise place.error(f"option {letter} is {value!r:.60}; it must be text or a number")
        absent = value is None or value != value  # noqa: PLR0124  (NaN)
        text = "" if absent else " ".join(str(value).split())
        if text.lower() not in _ABSENT:
            texts[letter] = text
    if len(texts) < _FEWEST:
        raise place.error(f"{name!r}: fewer than two options; write them or drop the fields")
    return _without_own_labels(texts)


def _without_own_labels(texts: dict[str, str]) -> dict[str, str]:
    """Drop labels that the texts bring along, where each has its own letter."""
    matches = {letter: _OWN_LABEL.match(text) for letter, text in texts.items()}
    if all(match and match[1].upper() == letter for letter, match in matches.items()):
        return {
            letter: text[match.end() :]
            for (letter, text), match in zip(texts.items(), matches.values(), strict=True)
            if match
        }
    return texts


def _gold(
    fields: Mapping[str, Any], found: OptionFields, place: Place, used: set[str]
) -> tuple[dict[str, str], str | None]:
    """Return the texts and the letter of the right one; two fields that disagree are an error.

    A number is an index from 0; in a field ``answer`` beside ``option_1``, ``option_2`` from 1.
    """
    texts, labels = _texts(found, place)
    gold: str | None = None
    first = ""
    named = {plain_name(one): one for one in reversed(list(fields)) if one not in used}
    for plain in (*_LETTER_NAMES, *_INDEX_NAMES, *_NUMBER_NAMES, *_ELSE):
        name = named.get(plain, "")
        value = _only(fields.get(name))
        if value is None or value != value or str(value).strip() in _UNKNOWN:  # noqa: PLR0124
            continue
        index = not isinstance(value, str) or value.strip().isdecimal()
        if plain in _ELSE:
            if gold is not None or not isinstance(value, str | int):
                continue
            letter: str | None = _letter(name, value, texts, labels, place)
        elif plain in _LETTER_NAMES or not index:
            letter = _letter(name, value, texts, labels, place, start=found.start)
        else:
            letter = _letter_of_index(value, 1 if plain in _NUMBER_NAMES else 0, texts)
        if letter is None:
            listed = ", ".join(f"{one}. {text:.20}" for one, text in texts.items())
            raise place.error(
                f"{name!r} is {value!r:.60}, which is none of the options {listed:.200}"
            )
        used.add(name)
        if gold is not None and letter != gold:
            raise place.error(
                f"{name!r} is {value!r:.60}, which is option {letter}, but {first!r} is "
                f"{fields[first]!r:.60}, which is option {gold}; correct one of them"
            )
        gold, first = letter, first or name
    return texts, gold


def _only(value: object) -> object:
    """Return the element of a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _letter_of_index(value: object, start: int, texts: Mapping[str, str]) -> str | None:
    """Return the letter of an index that counts from ``start``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    index = value - start
    letter = LETTERS[index] if 0 <= index < len(LETTERS) else ""
    return letter if letter in texts else None


def _letter(
    name: str,
    value: object,
    texts: Mapping[str, str],
    labels: Mapping[str, str],
    place: Place,
    *,
    start: int = 0,
) -> str | None:
    """Read an answer: a label of its own, a letter, an option's text, or an index from start."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise place.error(f"{name!r} is {value!r:.60}; it must be a letter, an index or a text")
    shown = " ".join(str(value).split())
    if (own := labels.get(shown)) is not None:
        return own
    if (choice := only_choice(shown)) in texts:
        return str(choice)
    by_index = _letter_of_index(value, start, texts)
    if by_index is not None and not isinstance(value, str):
        return by_index
    by_text = [letter for letter, text in texts.items() if text == shown] or [
        letter for letter, text in texts.items() if text.casefold() == shown.casefold()
    ]
    if len(by_text) > 1:
        raise place.error(
            f"{name!r} is {value!r:.60}, the text of options {', '.join(by_text)}; write the letter"
        )
    if by_index is not None and by_text and by_text != [by_index]:
        raise place.error(
            f"{name!r} is {value!r:.60}: by number it is option {by_index}, by its text "
            f"{by_text[0]}; write the letter"
        )
    return by_text[0] if by_text else by_index
