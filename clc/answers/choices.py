"""Letters of multiple choice, in Latin and native scripts, as Latin letters."""

from __future__ import annotations

import re

__all__ = ["choice_in", "only_choice"]

_NATIVE = {
    **{letter: chr(65 + index) for index, letter in enumerate("АБВГДЕ")},
    **{letter: chr(65 + index) for index, letter in enumerate("กขคงจ")},
    **{letter: chr(65 + index) for index, letter in enumerate("কখগঘঙ")},
    **{letter: chr(65 + index) for index, letter in enumerate("कखगघङ")},
    **{letter: chr(65 + index) for index, letter in enumerate("అఆఇఈఉ")},
    **{letter: chr(65 + index) for index, letter in enumerate("甲乙丙丁戊")},
    **{letter: chr(65 + index) for index, letter in enumerate("アイウエオ")},
    **{letter: chr(65 + index) for index, letter in enumerate("أبجده")},
}
_LATIN = "ABCDEFGHIJ"
_WIDE = {chr(0xFF21 + index): letter for index, letter in enumerate(_LATIN)}
_ALL = {letter: letter for letter in _LATIN} | _WIDE | _NATIVE
_LETTERS = "".join(_ALL)
_EDGE = r"a-zA-Zа-яёА-ЯЁ\u0900-\u0dff\u0e00-\u0e7f\u30a0-\u30ff\u0600-\u06ff"
_ONLY = re.compile(
    r"\s*(?:(?:la |die |the |l['’])?"
    rf"(?:option|choice|opción|选项|選項|選択肢|variante?|вариант|ตัวเลือก|ข้อ|chaguo)\s?)?"
    rf"[*_$(（\[【「『\"'\s]{{0,6}}([{_LETTERS}])(?:[*_$)）\]】」』\"'\s.。:：]{{0,6}}|(?:[)）.、]\s?\S.{{0,300}}))\s*",
    re.IGNORECASE,
)
_LOOSE = re.compile(rf"(?<![{_EDGE}\d])([{_LETTERS}])(?![{_EDGE}\d'’])")


def only_choice(text: str) -> str | None:
    """Return the letter if ``text`` is only a choice, with or without its option's text.

    >>> only_choice("(B)"), only_choice("ক"), only_choice("C) 18 apples"), only_choice("A cat")
    ('B', 'A', 'C', None)
    """
    match = _ONLY.fullmatch(text)
    return _ALL[match[1].upper()] if match and match[1].upper() in _ALL else None


def choice_in(text: str) -> str | None:
    """Return the choice that ``text`` names, the last one of several; None without one.

    >>> choice_in("option B, because"), choice_in("a cat is C")
    ('B', 'C')
    """
    whole = only_choice(text)
    if whole:
        return whole
    letters = [_ALL[match[1]] for match in _LOOSE.finditer(text) if match[1] in _ALL]
    if not letters:
        return None
    # "A" may be the English article: any other letter has priority.
    others = [letter for letter in letters if letter != "A"]
    return others[-1] if others else letters[-1]
