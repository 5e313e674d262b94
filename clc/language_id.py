"""Unicode scripts: which languages a letter may belong to, and the detector for those that share.

Most scripts of the world write one large language: they decide alone. Latin, Cyrillic, Arabic and
Devanagari write many, and py3langid chooses among those that people have mathematics problems in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import lru_cache

__all__ = ["letters_by_script", "likeliest", "script_of"]

_LATIN = (
    "en de es fr sw af az ca cs cy da et eu fi ga gl hr hu id is it lt lv ms mt nl no pl pt ro sk "
    "sl sq sv tl tr vi"
)

# First code point of a block (up to the next row), and the languages written in it.
_BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0041, _LATIN),
    (0x0370, "el"),
    (0x0400, "ru be bg kk ky mk mn sr uk"),
    (0x0530, "hy"),
    (0x0590, "he"),
    (0x0600, "ar fa ps ur"),
    (0x0780, ""),
    (0x0900, "hi mr ne"),
    (0x0980, "bn"),
    (0x0A00, "pa"),
    (0x0A80, "gu"),
    (0x0B00, "or"),
    (0x0B80, "ta"),
    (0x0C00, "te"),
    (0x0C80, "kn"),
    (0x0D00, "ml"),
    (0x0D80, "si"),
    (0x0E00, "th"),
    (0x0E80, "lo"),
    (0x0F00, "bo"),
    (0x1000, "my"),
    (0x10A0, "ka"),
    (0x1100, "ko"),
    (0x1200, "am"),
    (0x13A0, ""),
    (0x1780, "km"),
    (0x1800, ""),
    (0x1E00, _LATIN),
    (0x1F00, "el"),
    (0x2000, ""),
    (0x3041, "ja"),
    (0x3100, ""),
    (0x31F0, "ja"),
    (0x3200, ""),
    (0x3400, "zh"),
    (0xA000, ""),
    (0xAC00, "ko"),
    (0xD7B0, ""),
    (0xF900, "zh"),
    (0xFB00, ""),
    (0xFF66, "ja"),
    (0xFFA0, ""),
    (0x20000, "zh"),
    (0x32000, ""),
)
_STARTS = [start for start, _ in _BLOCKS]


@lru_cache(maxsize=8192)
def script_of(character: str) -> str:
    """Languages that a letter's script writes, a space between them; "" for no letter.

    Kana is ``ja`` and Han ``zh``: what the two are together is for the caller to say.

    >>> script_of("ы"), script_of("ん"), script_of("7")
    ('ru be bg kk ky mk mn sr uk', 'ja', '')
    """
    if not character.isalpha():
        return ""
    block = bisect_right(_STARTS, ord(character)) - 1
    return _BLOCKS[block][1] if block >= 0 else ""


def letters_by_script(text: str) -> Counter[str]:
    """Count the letters of each script, by the languages that it writes."""
    scripts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if script := script_of(character):
            scripts[script] += count
    return scripts


def likeliest(text: str, candidates: frozenset[str]) -> list[tuple[str, float]]:
    """Rank the candidates that py3langid knows, best first, each with its log-likelihood.

    About 0.3 ms for a paragraph, after a second once to load the detector.

    >>> likeliest("Wie viele Äpfel hat er jetzt?", frozenset(["en", "de"]))[0][0]
    'de'
    """
    from py3langid import rank

    return [(str(code), float(score)) for code, score in rank(text) if code in candidates]
