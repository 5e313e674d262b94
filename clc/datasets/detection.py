"""The language of a question whose file does not say it."""

from __future__ import annotations

import re

from clc.language_id import letters_by_script, likeliest

__all__ = ["DEFAULT_LANGUAGE", "detect_language", "has_han"]

DEFAULT_LANGUAGE = "en"

_HAN = re.compile("[㐀-鿿\U00020000-\U00031fff]")


def has_han(text: str) -> bool:
    """Whether a Chinese character stands in ``text``."""
    return _HAN.search(text) is not None


def detect_language(text: str) -> str | None:
    """Guess the language of ``text``; None where it has no letter to tell by.

    The commonest script decides; Chinese with any kana is Japanese. About 0.3 ms where py3langid
    is asked, after 0.5 s once to load it.

    >>> detect_language("3 + 4 = ?"), detect_language("三个苹果"), detect_language("りんごは何個")
    (None, 'zh', 'ja')
    """
    scripts = letters_by_script(text)
    if not scripts:
        return None
    (script, _) = scripts.most_common(1)[0]
    if script in {"zh", "ja"}:
        return "ja" if scripts["ja"] else "zh"
    candidates = script.split()
    if len(candidates) == 1:
        return candidates[0]
    ranked = likeliest(text, frozenset(candidates))
    return ranked[0][0] if ranked else candidates[0]
