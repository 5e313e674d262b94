"""Parsers of replies to the planning prompts: languages, their weights, or one response.

The prompts ask for a last line in a fixed form. The parsers look for that line first, then for
other common forms: JSON, lists, prose. They return the usable part, and a description of the faults
in the rest.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from clc.languages.codes import english_name, native_name
from clc.thoughts import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["parse_choice", "parse_entailment", "parse_score", "parse_selection", "parse_weights"]

_MARKS = " \t*_`~#\"'“”„‘’«»「」{}[]()（）.。!"
_LABEL = r"^[^\w\n]*(?:\w+[ ])?(?:{})[*_`\"' ]*[:=：][*_`\" \t]*"
_LANGUAGES = re.compile(_LABEL.format("languages?"), re.IGNORECASE | re.MULTILINE)
_WEIGHTS = re.compile(_LABEL.format("weights?"), re.IGNORECASE | re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*•+][ \t]|\(?\d{1,2}[.):、])[ \t]*", re.MULTILINE)
_ARRAY = re.compile(r"\[[^\[\]]*\]")
_SENTENCE_END = re.compile(r"(?<=[^\W\d])[.。](?=\s|\Z)")
# Separates the items of a list, outside parentheses.
_BETWEEN = re.compile(r"(?:[,;、，；|/\n]|[ ](?:and|&)[ ])(?![^()（）\n]{0,80}[)）])")
_AFTER_NAME = re.compile(r"[(（:：=,，]|[ ][-–—][ ]|[.。][ ]")
# Names in models' replies that differ from CLDR's.
_OTHER_NAMES = {"bn": ("Bengali",), "fa": ("Farsi",), "zh": ("Mandarin",)}
_ENTAILED = re.compile(r"\bentailed\W{0,8}(yes|no)\b", re.IGNORECASE)
_YES_OR_NO = re.compile(r"\W*(yes|no)\W*", re.IGNORECASE)
_LONG = 4  # characters: shorter names and codes are also words ("it", "no") in prose

_NUMBER = r"(?<![\w.,])[-−]?(?:\d+(?:[.,]\d+)?|[.,]\d+)(?:[ ]?[%％]|[ ]?/[ ]?10\b)?(?!\w)"
# A code may be an ordinary word unless a value is assigned: it=0.9, "it": 0.9, it 0.9.
_IS_SET = r"(?=[^\w\n]{0,8}(?:[01]?[.,]\d|[=:：|→\"'`*)\]][^\w\n]{0,8}\d)|[\"'`])"
# Shares of text, which are in our prompt and which a reply may repeat before the weight.
_SHARES = re.compile(r"\([^()\n]*[%％][^()\n]*\)(?=[^\n(),;]*\d)|[\d.,]+[ ]?[%％](?=[ ]of\b)")
_NEAR = 80  # characters between a language and its weight

_STATED = re.compile(
    r"\bmost\s+consistent\b(?:[^\d.]|(?<=\bno)\.){0,60}?(?P<after>\d+)"
    r"|(?P<before>\d+)\W{0,6}(?:is|seems|appears)\W+(?:to\W+be\W+)?(?:the\W+)?most\W+consistent\b",
    re.IGNORECASE,
)
_SCORE = re.compile(r"\bscore\b[\s*_]{0,4}[:：=][\s*_]{0,4}(\d{1,3})", re.IGNORECASE)
_BEST_SCORE = 10
_MENTIONED = re.compile(r"\bresponses?\b\W{0,6}(\d+)", re.IGNORECASE)
_ONLY_NUMBER = re.compile(r"\W*(?:option|choice|candidate|number|no)?\W*(\d+)\W*", re.IGNORECASE)


def parse_selection(
    text: str, candidates: Sequence[str], choose: int
) -> tuple[tuple[str, ...], str | None]:
    r"""Parse the languages that a reply chooses, by code, English name or native name.

    >>> parse_selection("Near is German.\nLanguages: en, de", ["en", "de", "fr"], 2)
    (('en', 'de'), None)
    >>> parse_selection("1. **English**\n2. Klingon", ["en", "de", "fr"], 2)
    (('en',), "'Klingon' is none of the candidates; 1 named, 2 asked for")

    Args:
        text: the reply.
        candidates: BCP-47 codes that it may choose from.
        choose: number of languages that the prompt asked for.

    Returns:
        At most ``choose`` codes in the reply's order, and the faults of the reply, or None.
    """
    names = _names(candidates)
    chosen: list[str] = []
    faults: list[str] = []
    for item in _items(split(text).visible, names):
        code = _code(item, names)
        if code is None:
            faults.append(f"{item[:40]!r} is none of the candidates")
        elif code in chosen:
            faults.append(f"{code!r} is named twice")
        else:
            chosen.append(code)
    if len(chosen) != choose:
        faults.append(f"{len(chosen)} named, {choose} asked for")
    return tuple(chosen[:choose]), "; ".join(faults) or None


def parse_weights(text: str, languages: Sequence[str]) -> tuple[dict[str, float], str | None]:
    """Parse the weight from 0 to 1 that a reply gives each of ``languages`` (BCP-47 codes).

    A percentage is divided by 100, a mark out of ten by 10. The last weight of a language counts,
    but weights after the label ``Weights:`` have priority.

    >>> parse_weights("Weights: en=0.9, German: 80 %, fr=7", ["en", "de", "fr", "ja"])
    ({'en': 0.9, 'de': 0.8}, "weight of 'fr' is 7, not from 0 to 1; no weight of 'ja'")

    Returns:
        Weights by code in the order of ``languages``, and the faults of the reply, or None.
    """
    reply = split(text).visible
    written = _weights_in(reply, languages)
    labels = list(_WEIGHTS.finditer(reply))
    if labels:
        written |= _weights_in(reply[labels[-1].end() :], languages)
    weights: dict[str, float] = {}
    faults: list[str] = []
    for code in languages:
        value = _value(written[code]) if code in written else None
        if value is None:
            faults.append(f"no weight of {code!r}")
        elif not 0 <= value <= 1:
            faults.append(f"weight of {code!r} is {written[code]}, not from 0 to 1")
        else:
            weights[code] = value
    return weights, "; ".join(faults) or None


def parse_score(text: str) -> float | None:
    """Parse the score of a reply, from 0 to 10, as a share; None without one.

    >>> parse_score("It holds. Score: **9**"), parse_score("Score: 9/10"), parse_score("good")
    (0.9, 0.9, None)
    >>> parse_score("Score: 12") is None
    True
    """
    scores = _SCORE.findall(split(text).visible)
    return int(scores[-1]) / 10 if scores and int(scores[-1]) <= _BEST_SCORE else None


def parse_choice(text: str, count: int) -> int | None:
    """Parse the choice of a reply among ``count`` responses, numbered from 1 in the prompt.

    >>> parse_choice("Two agree. The most consistent response is **Response 3**.", 5)
    2
    >>> parse_choice("The most consistent response is Response 7", 5) is None
    True
    >>> parse_choice("Response 1 and Response 2 differ.", 5) is None
    True

    Returns:
        Its index from 0, or None if the reply names none that exists.
    """
    reply = split(text).visible.strip()
    stated = [match["after"] or match["before"] for match in _STATED.finditer(reply)][-1:]
    if not stated:
        alone = _ONLY_NUMBER.fullmatch(reply.splitlines()[-1]) if reply else None
        stated = [alone[1]] if alone else _MENTIONED.findall(reply)
    numbers = {int(number) for number in stated}
    number = numbers.pop() if len(numbers) == 1 else 0
    return number - 1 if 1 <= number <= count else None


def parse_entailment(text: str) -> bool | None:
    r"""Parse whether a reply states that one answer entails the other.

    >>> parse_entailment("Both say that it rains.\n**Entailed:** Yes.")
    True
    >>> parse_entailment("no"), parse_entailment("Perhaps."), parse_entailment("Entailed: X")
    (False, None, None)

    Returns:
        None if the reply states neither.
    """
    reply = split(text).visible.strip()
    stated = _ENTAILED.findall(reply)
    if not stated:
        alone = _YES_OR_NO.fullmatch(reply.splitlines()[-1].strip()) if reply else None
        stated = [alone[1]] if alone else []
    return stated[-1].lower() == "yes" if stated else None


def _names(codes: Sequence[str]) -> dict[str, str]:
    """Map all casefolded spellings of the languages to their codes."""
    return {
        name.casefold(): code
        for code in reversed(codes)
        for name in (*_OTHER_NAMES.get(code, ()), native_name(code), english_name(code), code)
    }


def _code(item: str, names: Mapping[str, str]) -> str | None:
    """Return the code of the language named in a list item, possibly among other words."""
    head = _AFTER_NAME.split(item)[0]
    for name in (item, head.strip(_MARKS)):
        if name.casefold() in names:
            return names[name.casefold()]
    words = {word for word in re.split(r"[\W\d]+", head.casefold()) if len(word) >= _LONG}
    inside = {names[word] for word in words if word in names}
    return inside.pop() if len(inside) == 1 else None


def _items(reply: str, names: Mapping[str, str]) -> list[str]:
    """Return the items of the first list that names a candidate, else the names in the prose."""
    for items in map(_cleaned, _lists(reply)):
        if any(_code(item, names) for item in items):
            return items
    items = _cleaned(_BETWEEN.split(reply.strip().rpartition("\n")[2]))
    if items and all(item.casefold() in names for item in items):
        return items
    long = sorted((name for name in names if len(name) >= _LONG), key=len, reverse=True)
    pattern = "|".join(map(re.escape, long)) or r"(?!)"
    mentioned = re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", reply, re.IGNORECASE)
    return list({names[name.casefold()]: name for name in mentioned}.values())


def _cleaned(items: Sequence[str]) -> list[str]:
    bare = (_BULLET.sub("", item.strip()).strip(_MARKS) for item in items)
    return [item for item in bare if item]


def _lists(reply: str) -> Iterator[list[str]]:
    """Yield all parts of a reply that may be its list of languages, most likely first."""
    for label in reversed(list(_LANGUAGES.finditer(reply))):
        yield from _labelled(reply[label.end() :])
    for array in reversed(_ARRAY.findall(reply)):
        yield _array_items(array)
    block = reply.strip().split("\n\n")[-1]
    yield _bulleted(block)
    yield _bulleted(reply)


def _labelled(rest: str) -> Iterator[list[str]]:
    array = _ARRAY.match(rest)
    if array:
        yield _array_items(array[0])
    line = _SENTENCE_END.split(rest.partition("\n")[0])[0]
    if line.strip(_MARKS):
        yield _BETWEEN.split(line)
        return
    block = rest.strip().partition("\n\n")[0]
    yield _bulleted(block)
    yield _BETWEEN.split(block)


def _bulleted(block: str) -> list[str]:
    return [line for line in block.splitlines() if _BULLET.match(line)]


def _array_items(array: str) -> list[str]:
    """Return the items of ``["en", "de"]``, ``[{"language": "English"}, ...]`` or ``[en, de]``."""
    for text in (array, array.replace("'", '"')):
        try:
            values = json.loads(text)
        except ValueError:
            continue
        return [
            next((text for text in one.values() if isinstance(text, str)), "")
            if isinstance(one, dict)
            else str(one)
            for one in values
        ]
    return _BETWEEN.split(array[1:-1])


def _weights_in(reply: str, languages: Sequence[str]) -> dict[str, str]:
    """Return the last number close after each language, as written, by code."""
    names = _names(languages)
    codes = sorted({code.casefold() for code in languages}, key=len, reverse=True)
    spelled = sorted(set(names) - set(codes), key=len, reverse=True)
    token = re.compile(
        rf"(?<!\w)(?P<name>{'|'.join(map(re.escape, spelled)) or '(?!)'})(?!\w)"
        rf"|(?<![\w-])(?P<code>{'|'.join(map(re.escape, codes)) or '(?!)'})(?!\w|-[^\W\d]){_IS_SET}"
        rf"|(?P<number>{_NUMBER})",
        re.IGNORECASE,
    )
    written: dict[str, str] = {}
    current, end = None, 0
    for match in token.finditer(_SHARES.sub("", _BULLET.sub("", reply))):
        if match["number"] is None:
            current, end = names[match[0].casefold()], match.end()
        elif current is not None and match.start() - end <= _NEAR:
            written[current], current = match[0], None
    return written


def _value(written: str) -> float:
    """Parse the number of a weight.

    >>> _value("80 %"), _value("7/10"), _value("0,5"), _value("০.৫")
    (0.8, 0.7, 0.5, 0.5)
    """
    number = written.partition("/")[0].rstrip(" %％").replace(",", ".").replace("−", "-")
    scale = 10 if "/" in written else 100 if written[-1] in "%％" else 1
    return float(number) / scale
