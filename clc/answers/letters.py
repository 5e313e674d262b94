"""Letters of options in Latin and native scripts, and where they stand in a text."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "AMBIGUOUS",
    "BRACKETS",
    "CLOSING",
    "LATIN",
    "LETTERS",
    "MENTION",
    "Mention",
    "may_choose",
    "mentions_in",
    "only_choice",
]

_SCRIPTS = (
    "АБВГДЕ", "กขคงจ", "কখগঘঙ", "कखगघङ", "అఆఇఈఉ", "甲乙丙丁戊", "アイウエオ", "أبجده", "אבגדה",
    "ΑΒΓΔΕ", "가나다라마", "அஆஇஈஉ", "ಅಆಇಈಉ", "അആഇഈഉ", "કખગઘઙ", "ሀለሐመሠ", "აბგდე", "ԱԲԳԴԵ",
)  # fmt: skip
# Letters as they are called, and others in their places.
_NAMES = {
    "ا": "A", "الف": "A", "هـ": "E", "अ": "A", "ब": "B", "स": "C", "द": "D",
    "এ": "A", "বি": "B", "সি": "C", "ডি": "D", "ఎ": "A", "బి": "B", "సి": "C", "డి": "D",
    "ए": "A", "बी": "B", "सी": "C", "डी": "D", "เอ": "A", "บี": "B", "ซี": "C", "ดี": "D",
    "С": "C",  # the Cyrillic letter, typed in place of the Latin one
}  # fmt: skip
LATIN = "ABCDEFGHIJ"
_ALL = {
    **{letter: letter for letter in LATIN},
    **{chr(0xFF21 + index): letter for index, letter in enumerate(LATIN)},
    **{letter: LATIN[index] for script in _SCRIPTS for index, letter in enumerate(script)},
    **_NAMES,
}
LETTERS = "|".join(sorted(_ALL, key=len, reverse=True))
# Words, too: articles, pronouns, prepositions; and the first characters of many Chinese words.
AMBIGUOUS = frozenset("AIEАВΑ甲乙丙丁戊ఆఈఎஆஇஈब가나다라마এ")
_CASED = "a-zA-ZÀ-ɏͰ-ϿЀ-ӿ"
_EDGE = _CASED + (
    r"\u0900-\u0963\u0966-\u0dff\u0e00-\u0e7f\u1200-\u137f\u30a0-\u30ff\uac00-\ud7af"
    r"\u0590-\u05ff\u0620-\u06d3\u06fa-\u06ff\u10a0-\u10ff\u0530-\u058f"
)
BRACKETS = r"*_$(（\[【「『《\"'“‘„«{<`"
CLOSING = r"*_$)）\]】」』》\"'”’»}>`"
_OPTION_WORD = (
    r"(?:la |die |the |l['’])?(?:option|choice|letter|opción|letra|opção|opzione|optie|opcja|"
    r"antwort|选项|選項|選択肢|variante?|вариант|ตัวเลือก|ข้อ|chaguo|विकल्प|বিকল্প|ఎంపిక|الخيار|اختيار|گزینه|seçenek|"
    r"pilihan|opsi|đáp án|phương án|선택지|보기|варіант|επιλογή)\s?"
)
_ONLY = re.compile(
    rf"\s*(?:{_OPTION_WORD})?[{BRACKETS}\s]{{0,6}}({LETTERS})"
    rf"(?:[{CLOSING}\s.。।:：!！]{{0,6}}"
    rf"|[)）.、][{CLOSING}]{{0,3}}[ \t]{{0,3}}"
    rf"(?!(?:{LETTERS})(?:[)）.、,，]|\s*\Z))[^\s=/].{{0,300}})\s*",
    re.IGNORECASE,
)
# The pronoun, unless what follows a letter follows: I do not know, I because …
_PRONOUN = r"I (?!(?:because|since|as|is|and|or|for|if|but|not|are|was|were|seems?|has)\b)[a-z]"
MENTION = re.compile(
    # particles may follow a Latin letter in another script: C는, Cです
    rf"(?<![{_EDGE}\d'’])(?<![=+/^<>×÷]\s)(?<!\b[a-zA-Z]\()(?!{_PRONOUN})([A-JＡ-Ｊ](?![{_CASED}])|(?:{LETTERS})(?![{_EDGE}])"
    r"|[가나다라마](?=입니다|이다|이에요|예요))"
    # and an ending after an apostrophe: B'dir; a number in parentheses makes it a function
    rf"(?![\d]|['’](?![dt][iıuü]r)|\(\d|[-‐‑–]?\d|[-‐‑][{_EDGE}]|\s?[=^+×÷]|\s?/\s?\d)"
)


class Mention(NamedTuple):
    """A letter in a text: its place, and the Latin letter that it stands for."""

    start: int
    end: int
    letter: str


def only_choice(text: str) -> str | None:
    """Return the letter if ``text`` is only a choice, with or without its option's text.

    >>> only_choice("(B)"), only_choice("ক"), only_choice("C) 18 apples"), only_choice("A cat")
    ('B', 'A', 'C', None)
    """
    match = _ONLY.fullmatch(text)
    return _latin(match[1]) if match else None


def may_choose(text: str) -> bool:
    """Whether a letter of an option stands apart in ``text``, as a quick check.

    >>> may_choose("C because"), may_choose("18 cm")
    (True, False)
    """
    return MENTION.search(text) is not None or only_choice(text) is not None


def mentions_in(text: str, count: int | None = None) -> list[Mention]:
    """Return the letters that stand apart in a text, of the first ``count`` options.

    >>> [one.letter for one in mentions_in("B'dir, A cat, C(6,2)")]
    ['B', 'A']
    """
    letters = LATIN[:count]
    return [
        Mention(*match.span(1), _ALL[match[1]])
        for match in MENTION.finditer(text)
        if _ALL[match[1]] in letters
    ]


def _latin(letter: str) -> str | None:
    return _ALL.get(letter) or _ALL.get(letter.upper())
