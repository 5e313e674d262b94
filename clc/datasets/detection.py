"""The language of a question whose file does not say it.

Most scripts of the world write one large language: they decide alone. Latin, Cyrillic, Arabic and
Devanagari write many, and py3langid chooses among those that people have mathematics problems in.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter

__all__ = ["DEFAULT_LANGUAGE", "detect_language", "has_han"]

DEFAULT_LANGUAGE = "en"

_LATIN = (
    "en de es fr sw af az ca cs cy da et eu fi ga gl hr hu id is it lt lv ms mt nb nl pl pt ro sk "
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
_HAN = re.compile("[㐀-鿿\U00020000-\U00031fff]")


def has_han(text: str) -> bool:
    """Whether a Chinese character stands in ``text``."""
    return _HAN.search(text) is not None


def _scripts(text: str) -> Counter[str]:
    letters = Counter(character for character in text if character.isalpha())
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        block = bisect_right(_STARTS, ord(letter)) - 1
        if block >= 0 and _BLOCKS[block][1]:
            scripts[_BLOCKS[block][1]] += count
    return scripts


def detect_language(text: str) -> str | None:
    """Guess the language of ``text``; None where it has no letter to tell by.

    The commonest script decides; Chinese with any kana is Japanese. About 0.3 ms where py3langid
    is asked, after 0.5 s once to load it.

    >>> detect_language("3 + 4 = ?"), detect_language("三个苹果"), detect_language("りんごは何個")
    (None, 'zh', 'ja')
    """
    scripts = _scripts(text)
    if not scripts:
        return None
    (script, _) = scripts.most_common(1)[0]
    if script in {"zh", "ja"}:
        return "ja" if scripts["ja"] else "zh"
    candidates = script.split()
    if len(candidates) == 1:
        return candidates[0]
    from py3langid import rank

    return next((str(code) for code, _ in rank(text) if code in candidates), candidates[0])
