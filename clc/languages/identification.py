"""Language identification by script and, for scripts of several languages, by py3langid.

Most scripts are used by one large language, which they determine. Latin, Cyrillic, Arabic and
Devanagari are used by many; py3langid chooses among those with mathematics data sets.

``detect_language`` is for a question without a language in its file, ``written_language`` for a
reasoning path, whose expected language is known. Numbers, formulas and code are the same in every
language and are ignored in a path.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "DEFAULT_LANGUAGE",
    "detect_language",
    "has_han",
    "letters_by_script",
    "likeliest",
    "script_of",
    "written_language",
]

_LATIN = (
    "en de es fr sw af az ca cs cy da et eu fi ga gl hr hu id is it lt lv ms mt nl no pl pt ro sk "
    "sl sq sv tl tr vi"
)
_CYRILLIC = "ru be bg kk ky mk mn sr uk"
_ARABIC = "ar fa ps ur"
_DEVANAGARI = "hi mr ne"

# First code point of a block (up to the next row), and the languages written in it.
_BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0041, _LATIN),
    (0x0370, "el"),
    (0x0400, _CYRILLIC),
    (0x0530, "hy"),
    (0x0590, "he"),
    (0x0600, _ARABIC),
    (0x0700, ""),
    (0x0750, _ARABIC),
    (0x0780, ""),
    (0x0900, _DEVANAGARI),
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
    (0xA500, "vai"),
    (0xA640, ""),
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
# Scripts of several languages, by their codes in ISO 15924.
_SHARED = {
    "Latn": _LATIN,
    "Cyrl": _CYRILLIC,
    "Arab": _ARABIC,
    "Deva": _DEVANAGARI,
}


@lru_cache(maxsize=8192)
def script_of(character: str) -> str:
    """Return the languages of a letter's script, separated by spaces; "" if it is no letter.

    Kana is ``ja`` and Han ``zh``: a caller decides about texts with both.

    >>> script_of("ы"), script_of("ん"), script_of("7")
    ('ru be bg kk ky mk mn sr uk', 'ja', '')
    """
    if not character.isalpha():
        return ""
    block = bisect_right(_STARTS, ord(character)) - 1
    return _BLOCKS[block][1] if block >= 0 else ""


def letters_by_script(text: str) -> Counter[str]:
    """Count letters by script, a script being named by its languages."""
    scripts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if script := script_of(character):
            scripts[script] += count
    return scripts


def likeliest(text: str, candidates: frozenset[str]) -> list[tuple[str, float]]:
    """Rank the candidates that py3langid supports, best first, with their log-likelihoods.

    Takes about 0.3 ms a paragraph; the first call loads the detector (1 s).

    >>> likeliest("Wie viele Äpfel hat er jetzt?", frozenset(["en", "de"]))[0][0]
    'de'
    """
    from py3langid import rank

    return [(str(code), float(score)) for code, score in rank(text) if code in candidates]


DEFAULT_LANGUAGE = "en"


# The first words of characters' names in Unicode, where CLDR calls their script otherwise.
_UNICODE_NAMES = {
    "Cans": "CANADIAN SYLLABICS", "Egyp": "EGYPTIAN HIEROGLYPH", "Lana": "TAI THAM", "Lisu": "LISU",
    "Mand": "MANDAIC", "Mtei": "MEETEI MAYEK", "Nkoo": "NKO", "Orkh": "OLD TURKIC", "Plrd": "MIAO",
    "Talu": "NEW TAI LUE", "Xsux": "CUNEIFORM",
}  # fmt: skip

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U00031fff]")


def has_han(text: str) -> bool:
    """Whether ``text`` contains a Chinese character."""
    return _HAN.search(text) is not None


# Characters by which a text is identified: about ten pages. Formulas that do not end take time
# that grows with the square of it.
_MOST_READ = 20_000


def detect_language(text: str, scripts: Mapping[str, str] | None = None) -> str | None:
    """Guess the language of ``text``; None if it has no letters outside formulas.

    The most frequent script decides; Chinese with any kana is Japanese. py3langid takes about
    0.3 ms; the first call loads it (0.5 s). A few words that may be English are English.

    Args:
        text: a question.
        scripts: more languages that are detected, by BCP-47 code with their scripts (ISO 15924):
            those that py3langid knows, and those that alone have their script.

    >>> detect_language("3 + 4 = ?"), detect_language("三个苹果"), detect_language("りんごは何個")
    (None, 'zh', 'ja')
    >>> detect_language("Find $x$."), detect_language("Berechne $x$.")
    ('en', 'de')
    """
    prose = " ".join(_VARIABLES.sub(" ", _FORMULAS.sub(" ", text[:_MOST_READ])).split())
    letters = letters_by_script(prose)
    more = scripts or {}
    for code, name in more.items():
        if name not in _SHARED:
            letters[code] += _letters_of(name, prose)
    letters = +letters
    if not letters:
        return None
    (script, _) = letters.most_common(1)[0]
    if script in {"zh", "ja"}:
        return "ja" if letters["ja"] else "zh"
    candidates = [*script.split(), *(code for code in more if _SHARED.get(more[code]) == script)]
    if len(candidates) == 1:
        return candidates[0]
    ranked = likeliest(prose, frozenset(candidates))
    if not ranked:
        return candidates[0]
    best, score = ranked[0]
    if letters[script] < _FEW_LETTERS:
        near = score - _NEAR_ENGLISH * math.sqrt(len(prose.encode()))
        if any(code == _FALLBACK and other >= near for code, other in ranked):
            return _FALLBACK
    return best


def _letters_of(script: str, text: str) -> int:
    """Count the letters of a script that no language of ours is written in."""
    from babel import Locale

    name = _UNICODE_NAMES.get(script) or Locale("en").scripts.get(script, script).upper()
    return sum(
        unicodedata.name(character, "").startswith(f"{name} ")
        for character in text
        if not script_of(character)
    )


_FEWEST_LETTERS = 12  # a short sentence; "Answer: 18" is no evidence of the path's language
# A Chinese character counts as three letters, a kana or a Korean syllable as two.
_LETTERS_WORTH = {"zh": 3, "ja": 2, "ko": 2}
_NEAR = 0.5  # a runner-up of at least half the leader's weight is a near-tie
# Closer log-likelihoods, in units of the root of the text's bytes, are a near-tie: on 1,250
# eight-word texts, wrong guesses lead by at most 0.8; 1 in 30 right ones by less than 0.5.
_NEAR_SCORE = 0.5
# Log-likelihoods of "Find $x$.", "Convert 4 meters." and the like are below those of another
# language by 0.1 to 0.9; those of as short Spanish, Swahili, German are lower by 1.3 to 7.
_NEAR_ENGLISH = 0.9
_FEW_LETTERS = 20
_KANA_OF_JAPANESE = 0.2  # of Chinese characters and kana; recorded Japanese has 0.36 and more
_KNOWN_AS = {"nb": "no", "fil": "tl", "yue": "zh", "wuu": "zh"}  # not distinguished by py3langid
_FALLBACK = "en"  # the language that models fall back to
_FORMULAS = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`"  # code
    r"|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)"  # display and inline LaTeX
    r"|\$(?=\S)[^$\n]*?(?<=\S)\$(?!\d)"  # pandoc's rule: "$2 and $3" are prices
    r"|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\\[a-zA-Z]+"
    r"|https?://\S+",
    re.DOTALL,
)
_VARIABLES = re.compile(r"(?<![^\W\d_])[a-zA-Z](?![^\W\d_])")  # a letter by itself


def written_language(text: str, expected: str, candidates: Sequence[str] = ()) -> str | None:
    """Identify the language that ``text`` is written in; None if it is undetermined.

    Args:
        text: a reasoning path; its first 20,000 characters are read.
        expected: BCP-47 code of the language asked for. It only decides near-ties. Its script and
            region are not checked: Portuguese is ``pt-BR`` if that is expected.
        candidates: BCP-47 codes to distinguish if languages share a script, beside ``expected``
            and English; every large language of the script by default.

    Returns:
        A BCP-47 code, or None for too little text, for two scripts in about equal parts neither
        of which is that of ``expected``, for a near-tie of languages in the detector, and if it
        does not support ``expected``.

    >>> written_language("Zuerst zählen wir alle Äpfel im Korb: $3 + 4 = 7$.", "de")
    'de'
    >>> written_language("First we count all apples in the basket: 3 + 4 = 7.", "ja")
    'en'
    >>> written_language("3 + 4 = 7", "de") is None
    True
    """
    wanted = _primary(expected)
    prose = _VARIABLES.sub(" ", _FORMULAS.sub(" ", text[:_MOST_READ]))
    weights = _weights(prose)
    if weights.total() < _FEWEST_LETTERS:
        return None
    (_, most), *_ = weights.most_common(1)
    among = frozenset(map(_primary, candidates))
    leaders = [script for script, weight in weights.items() if weight >= _NEAR * most]
    languages = {
        _within(script, prose, wanted, among, alone=len(weights) == 1) for script in leaders
    }
    if wanted in languages:
        return expected
    return languages.pop() if len(languages) == 1 else None


def _primary(code: str) -> str:
    """Return a code's language subtag, in the detector's spelling."""
    subtag = code.replace("_", "-").partition("-")[0].lower()
    return _KNOWN_AS.get(subtag, subtag)


def _weights(prose: str) -> Counter[str]:
    """Weigh letters by script, in Latin letters; Han counts as Japanese if there is kana."""
    scripts = letters_by_script(prose)
    kana, han = scripts["ja"], scripts["zh"]
    weights = Counter({s: n * _LETTERS_WORTH.get(s, 1) for s, n in scripts.items()})
    if kana and kana >= _KANA_OF_JAPANESE * (kana + han):
        weights["ja"] += weights.pop("zh", 0)
    else:
        weights["zh"] += weights.pop("ja", 0)
    return +weights


def _within(
    script: str, prose: str, wanted: str, among: frozenset[str], *, alone: bool
) -> str | None:
    """Return the language of the part of ``prose`` in ``script``, None if undetermined."""
    languages = frozenset(script.split())
    if len(languages) == 1:
        return script
    if not alone:
        prose = "".join(c if not c.isalpha() or script_of(c) == script else " " for c in prose)
    distinguished = (languages & (among | {_FALLBACK}) if among & languages else languages) | {
        wanted
    }
    ranked = likeliest(prose, distinguished)
    if wanted not in (code for code, _ in ranked):
        return None  # unsupported by the detector, which would guess another language
    best, score = ranked[0]
    near = _NEAR_SCORE * math.sqrt(len(prose.encode()))
    tied = {code for code, other in ranked if other >= score - near}
    if wanted in tied:
        return wanted
    return best if len(tied) == 1 else None
