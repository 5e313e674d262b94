"""Decimal and grouping separators: the meaning of ``1.234`` and ``12,345``.

The rules for digits around one ``.`` or ``,``; the first that applies decides:

1. The digits themselves. Other than three digits after it, a leading zero or more than three
   digits before it make it a decimal separator: ``12,5``, ``0,125``, ``1234.567``. Two different
   separators: the last one is decimal (``1.234,56``). A repeated one groups (``1,00,000``).
2. Money has no third decimal, and no measurement has three zeros: beside a currency, and before
   ``000``, it groups.
3. The answer's own text: a separator that is decimal (or grouping) in other numbers is so here
   too, and the other separator has the other role.
4. Other numbers of the path and of the question: if the digits occur there without the separator
   (``12000`` beside ``12.000``), it groups. It also groups if the same separator is beside a
   currency or before ``000`` elsewhere in the text, and a comma groups before a final 0.
5. The language: English format in an English text, regardless of the path's language; otherwise
   CLDR's format of the language. If the format uses neither, and without a language, ``.`` is
   decimal unless the digits end with a zero, and ``,`` groups.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from clc.answers.powers import MOST_DIGITS
from clc.answers.unit_words import unit_words
from clc.deferred_patterns import deferred_pattern

__all__ = ["SPACES", "TOKEN", "Evidence", "read_token"]

SPACES = " \u00a0\u202f\u2009\u2007\u2008"
_SIGNS = ".,'’٫٬،⹁，．_"
# Digits of any script; a space groups only three digits. Linear: it matches unambiguously.
TOKEN = deferred_pattern(rf"\d+(?:[{_SIGNS}]\d+|[{SPACES}]\d{{3}}(?!\d))*")
# Those that are evidence: two groups of digits, more of them, the digits of a grouped number. It
# begins with one digit, which the regex engine searches for; with "\d+" it tries every character.
_EVIDENCE = deferred_pattern(
    rf"(\d\d*)(?:([.,])(\d+)(?!\d|[{_SIGNS}]\d|[{SPACES}]\d{{3}}(?!\d))"
    rf"|(?:[{_SIGNS}]\d+|[{SPACES}]\d{{3}}(?!\d))+|(?<=\d{{4}}))"
)
_SEPARATOR = re.compile(rf"[{_SIGNS}{SPACES}]")
_SAME = {"，": ",", "．": ".", "’": "'", **dict.fromkeys(SPACES, " ")}
_LONGEST = 60  # characters of a list, a date or a decimal number
_LONG_GROUPED = re.compile(
    rf"\d{{1,3}}([.,'’{SPACES}])\d{{3}}(?:\1\d{{3}}){{0,{MOST_DIGITS // 3}}}"
)
_ENGLISH = re.compile(
    r"[taoiTAOI](?<!\w.)(?i:(?<=t)he|(?<=a)nd|(?<=o)f|(?<=i)s|(?<=a)re)\b"  # the, and, of, is, are
)
_MONEY = frozenset("$€£¥₹₽฿")
_MANY = 3  # English words that show an English text


class Number(NamedTuple):
    """Digits of integer part and decimals, and their span."""

    whole: str
    decimals: str
    start: int
    end: int


@lru_cache(maxsize=512)
def _symbols(language: str) -> tuple[str, str]:
    """Return the decimal and the grouping separator of a language, from CLDR.

    >>> _symbols("de"), _symbols("th")
    ((',', '.'), ('.', ','))
    """
    known = _KNOWN.get(language)
    if known:
        return known
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return ".", ","
    system = getattr(locale, "default_numbering_system", "latn")
    symbols = locale.number_symbols.get(system) or locale.number_symbols.get("latn") or {}
    latin = locale.number_symbols.get("latn") or symbols
    decimal = symbols.get("decimal", latin.get("decimal", "."))
    group = symbols.get("group", latin.get("group", ","))
    if (
        decimal == "٫"
    ):  # Arabic digits have their own separators; . and , are those beside Latin digits
        decimal, group = latin.get("decimal", "."), latin.get("group", ",")
    return decimal, group


# The languages of the prompts, so that a vote over them never loads CLDR.
_KNOWN = {
    **dict.fromkeys(("en", "zh", "ja", "th", "bn", "te", "sw"), (".", ",")),
    **dict.fromkeys(("de", "es"), (",", ".")),
    **dict.fromkeys(("fr", "ru"), (",", " ")),
}


def _grouped(groups: list[str]) -> bool:
    """Whether the groups are thousands (3-3) or lakhs (2-2-3)."""
    first, rest = groups[0], groups[1:]
    if not rest or len(rest[-1]) != 3 or (first[0] == "0" and len(rest) > 0):  # noqa: PLR2004
        return False
    if len(first) <= 3 and all(len(group) == 3 for group in rest):  # noqa: PLR2004
        return True
    return len(rest) > 1 and len(first) <= 2 and all(len(group) == 2 for group in rest[:-1])  # noqa: PLR2004


class Evidence:
    """Evidence of a text, its question and its language on separators, computed on demand."""

    __slots__ = (
        "_decimal",
        "_group",
        "_likely_group",
        "_ready",
        "_values",
        "language",
        "question",
        "text",
    )

    def __init__(self, text: str, language: str | None = None, question: str | None = None) -> None:
        self.text = text
        self.language = language
        self.question = question
        self._ready = False
        self._decimal: set[str] = set()
        self._group: set[str] = set()
        self._likely_group: set[str] = set()
        self._values: set[int] = set()

    def groups(self, whole: str, separator: str, after: str, *, money: bool) -> bool:
        """Whether ``separator`` groups between ``whole`` and ``after`` (three digits).

        >>> Evidence("2.50 Euro").groups("1", ".", "234", money=False)
        False
        >>> Evidence("", "de").groups("1", ".", "234", money=False)
        True
        """
        if money or int(after) == 0:
            return True
        if not self._ready:
            self._collect()
        other = "," if separator == "." else "."
        is_decimal = separator in self._decimal or other in self._group
        is_group = separator in self._group or other in self._decimal
        if is_decimal != is_group:
            return is_group
        if int(whole + after) in self._values:
            return True
        if separator in self._likely_group or (separator == "," and int(after[-1]) == 0):
            return True
        return self._by_language(separator, after)

    @property
    def decimal_comma(self) -> bool:
        """Whether the language writes a comma before decimals."""
        return self.language is not None and _symbols(self.language)[0] == ","

    def _by_language(self, separator: str, after: str) -> bool:
        decimal = group = ""
        if self.language:
            decimal, group = _symbols(self.language)
            if decimal != "." and self._is_english():
                decimal, group = ".", ","
        if separator in (decimal, group):
            return separator == group
        return separator == "," or int(after[-1]) == 0

    def _is_english(self) -> bool:
        return len(list(islice(_ENGLISH.finditer(self.text, 0, 2000), _MANY))) == _MANY

    def _collect(self) -> None:
        self._ready = True
        for text in (self.text, self.question or ""):
            own = text is self.text
            for match in _EVIDENCE.finditer(text):
                whole, sign, after = match.groups()
                token = match[0]
                if len(token) > _LONGEST:
                    continue
                if sign:
                    if own:
                        self._single(match, whole, after, sign)
                elif token.isdecimal():
                    self._values.add(int(token))
                else:
                    self._add(match, own=own)

    def _add(self, match: re.Match[str], *, own: bool) -> None:
        """Record the evidence of digits with separators; ``own``: in the text, not the question."""
        kinds = [_SAME.get(mark, mark) for mark in _SEPARATOR.findall(match[0])]
        groups = _SEPARATOR.split(match[0])
        if len(set(kinds)) > 1:
            if own and len(set(kinds[:-1])) == 1 and _grouped(groups[:-1]):
                self._group.add(kinds[0])
                self._decimal.add(kinds[-1])
        elif kinds[0] == " " or len(kinds) > 1:
            if _grouped(groups):
                self._values.add(int("".join(groups)))
                if own:
                    self._group.add(kinds[0])
        elif own:
            self._single(match, groups[0], groups[1], kinds[0])

    def _single(self, match: re.Match[str], whole: str, after: str, kind: str) -> None:
        """Record the evidence of digits around one separator."""
        if len(after) != 3 or int(whole) == 0 or len(whole) > 3:  # noqa: PLR2004
            self._decimal.add(kind)
        elif (
            int(after) == 0
            or match.string[match.start() - 1 : match.start()] in _MONEY
            or unit_words().money_after.match(match.string, match.end())
        ):
            self._likely_group.add(kind)


def read_token(token: str, start: int, evidence: Evidence, *, money: bool = False) -> list[Number]:
    """Read the digits and separators of one ``TOKEN``; a list or date has several numbers.

    >>> [number[:2] for number in read_token("1.234,56", 0, Evidence(""))]
    [('1234', '56')]
    >>> [number[:2] for number in read_token("12.05.2021", 0, Evidence(""))]
    [('12', ''), ('05', ''), ('2021', '')]
    """
    end = start + len(token)
    if token.isdecimal():
        return [Number(token, "", start, end)] if len(token) <= MOST_DIGITS else []
    if len(token) > _LONGEST and not _LONG_GROUPED.fullmatch(token):
        return []
    groups = _SEPARATOR.split(token)
    kinds = [_SAME.get(mark, mark) for mark in _SEPARATOR.findall(token)]
    whole: str | None = None
    decimals = ""
    if len(set(kinds)) == 1:
        kind = kinds[0]
        if kind == "٫" and len(kinds) == 1:
            whole, decimals = groups
        elif len(kinds) > 1 or kind not in ".,":
            if _grouped(groups):
                whole = "".join(groups)
        elif (
            len(groups[1]) != 3  # noqa: PLR2004
            or groups[0][0] in "0٠০०"
            or len(groups[0]) > 3  # noqa: PLR2004
            or not evidence.groups(groups[0], kind, groups[1], money=money)
        ):
            whole, decimals = groups
        else:
            whole = "".join(groups)
    elif (
        kinds[-1] in ".,٫،"
        and len(set(kinds[:-1])) == 1
        and kinds[-1] != kinds[0]
        and _grouped(groups[:-1])
    ):
        whole, decimals = "".join(groups[:-1]), groups[-1]
    if whole is not None:
        return [Number(whole, decimals, start, end)]
    return _split(token, start, evidence, money=money)


def _split(token: str, start: int, evidence: Evidence, *, money: bool) -> list[Number]:
    """Read a token as a list, split at spaces or, without spaces, at every separator."""
    spaced = re.split(f"[{SPACES}]", token)
    parts = spaced if len(spaced) > 1 else _SEPARATOR.split(token)
    numbers: list[Number] = []
    for part in parts:
        if part.isdecimal():
            numbers.append(Number(part, "", start, start + len(part)))
        else:
            numbers += read_token(part, start, evidence, money=money)
        start += len(part) + 1
    return numbers
