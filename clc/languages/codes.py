"""Languages by BCP-47 code, with their names from CLDR.

``read_language`` is the one rule for what users and files write; ``normalize_language`` only writes
a code as BCP-47 does.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from clc.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from babel import Locale

__all__ = [
    "COMMON_LANGUAGES",
    "MGSM_LANGUAGES",
    "UNKNOWN_LANGUAGE",
    "distinct_languages",
    "english_name",
    "native_name",
    "normalize_language",
    "read_language",
]

# Strongest first on the recorded multilingual runs, because arm order breaks ties.
MGSM_LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh", "bn", "sw", "te", "th")

UNKNOWN_LANGUAGE = "und"  # BCP-47 for a language that is not known

COMMON_LANGUAGES = frozenset({
    "af", "ak", "am", "ar", "as", "az", "ba", "be", "bg", "bm", "bn", "bo", "bs", "ca", "ceb",
    "ckb", "cs", "cy", "da", "de", "ee", "el", "en", "eo", "es", "et", "eu", "fa", "ff", "fi",
    "fil", "fo", "fr", "ga", "gd", "gl", "gn", "gu", "ha", "he", "hi", "hr", "ht", "hu", "hy",
    "id", "ig", "is", "it", "ja", "jv", "ka", "kea", "kk", "km", "kn", "ko", "ky", "lb", "lg",
    "ln", "lo", "lt", "lv", "mai", "mg", "mi", "mk", "ml", "mn", "mni", "mr", "ms", "mt", "my",
    "nb", "ne", "nl", "nn", "no", "nso", "ny", "om", "or", "pa", "pap", "pl", "ps", "pt", "qu",
    "rn", "ro", "ru", "rw", "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "ss", "st",
    "su", "sv", "sw", "ta", "te", "tg", "th", "ti", "tk", "tn", "tr", "ts", "tt", "ug", "uk",
    "ur", "uz", "vi", "wo", "xh", "yi", "yo", "yue", "zh", "zu",
})  # fmt: skip
"""Languages of data sets (FLORES-200, Belebele, AfriMGSM), without script and region."""

_SUBTAG = re.compile(r"[A-Za-z0-9]{1,8}\Z")
# Languages whose own names are read: those of the prompts, and of data sets in many languages.
_OWN_NAMES = (
    *MGSM_LANGUAGES, "am", "ar", "az", "bg", "ca", "cs", "da", "el", "eu", "fa", "fi", "gl", "ha",
    "he", "hi", "hr", "hu", "hy", "id", "ig", "it", "ka", "kk", "ko", "lt", "lv", "mk", "ml", "mr",
    "ms", "ne", "nl", "pl", "pt", "ro", "sk", "sq", "sr", "sv", "ta", "tl", "tr", "uk", "ur", "uz",
    "vi", "xh", "yo", "zh-Hant", "zu",
)  # fmt: skip
_QUALIFIED = re.compile(r"(?P<name>[^()]+?) ?[(（](?P<rest>[^()]+)[)）]")
_OTHER_NAMES = {
    "bahasa indonesia": "id", "bahasa melayu": "ms", "bengali": "bn", "castilian": "es",
    "farsi": "fa", "luganda": "lg", "mandarin": "zh", "mandarin chinese": "zh",
    "oriya": "or", "panjabi": "pa", "sinhalese": "si", "tagalog": "fil",
}  # fmt: skip
_CHINESE_SCRIPTS = {"simplified": "Hans", "traditional": "Hant"}


def _locale(code: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    subtags = code.strip().replace("_", "-").split("-")
    well_formed = subtags[0].lower() != UNKNOWN_LANGUAGE and all(map(_SUBTAG.match, subtags))
    with suppress(UnknownLocaleError, ValueError, TypeError):
        if well_formed:
            locale = Locale.parse("-".join(subtags), sep="-")
            # CLDR adds the likeliest region to an old or a three-letter code: remove it.
            return Locale(locale.language) if len(subtags) == 1 else locale
    raise LanguageError(
        f"unknown language {code!r:.40}; give a BCP-47 code such as 'en', 'sw' or 'zh-Hant'"
    )


@lru_cache(maxsize=1024)
def normalize_language(code: str) -> str:
    """Return the canonical form of a BCP-47 code.

    >>> normalize_language("ZH_hant"), normalize_language(" de "), normalize_language("swa")
    ('zh-Hant', 'de', 'sw')

    Raises:
        LanguageError: CLDR does not know the code.
    """
    # Babel takes 4 ms to import, and these codes are canonical.
    return code if code in COMMON_LANGUAGES else str(_locale(code)).replace("_", "-")


@lru_cache(maxsize=1024)
def read_language(text: str) -> str:
    """Return the code of a language that a user or a file names, by code or by name.

    Subtags that CLDR holds for likely are left out (Unicode TS 35, likely subtags): ``zh-CN`` and
    ``zh-Hans`` are ``zh``, ``zh-TW`` is ``zh-Hant``; ``en-GB`` stays.

    >>> [read_language(text) for text in ("EN", "zh-CN", "English", "iw", "amh", "Deutsch")]
    ['en', 'zh', 'en', 'he', 'am', 'de']
    >>> read_language("Chinese (Traditional)"), read_language("pt_BR"), read_language("deu_Latn")
    ('zh-Hant', 'pt', 'de')

    Raises:
        LanguageError: it is neither a code nor a name that CLDR knows.
    """
    try:
        return _shortest(normalize_language(text))
    except LanguageError as error:
        name = " ".join(text.split()).casefold()
        code = _codes_by_name().get(name) or _qualified(name)
        if code is not None:
            with suppress(LanguageError):  # CLDR names more languages than it describes
                return _shortest(normalize_language(code))
        raise error from None


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    """Return codes by English and by own names, in lower case."""
    from babel import Locale

    own = {native_name(code).casefold(): code for code in reversed(_OWN_NAMES)}
    return own | _inverse(Locale("en").languages) | _OTHER_NAMES


def _qualified(name: str) -> str | None:
    """Read a name such as "chinese (traditional)" or "portuguese (brazil)"."""
    from babel import Locale

    match = _QUALIFIED.fullmatch(name)
    code = match and _codes_by_name().get(match["name"])
    if not match or not code:
        return None
    rest, english = match["rest"], Locale("en")
    for table in (_CHINESE_SCRIPTS, _inverse(english.scripts), _inverse(english.territories)):
        if rest in table:
            return f"{code}-{table[rest]}"
    return code


def _inverse(names: Mapping[str, str]) -> dict[str, str]:
    """Return codes by name in lower case; of several, the shortest counts."""
    codes = sorted(names, key=len, reverse=True)
    return {str(names[code]).casefold(): code for code in codes}


def _shortest(code: str) -> str:
    """Leave out the subtags that the others imply; a script is kept rather than a region."""
    if "-" not in code:
        return code
    locale = _locale(code)
    language, script, region = locale.language, locale.script, locale.territory
    if locale.variant or not (script or region):
        return code
    full = _likely(language, script, region)
    for shorter in ((None, None), (full[1], None), (None, full[2])):
        if _likely(language, *shorter) == full:
            return "-".join(filter(None, (language, *shorter)))
    return code


def _likely(language: str, script: str | None, region: str | None) -> tuple[str, ...]:
    """Return language, script and region, with CLDR's likeliest where one is missing."""
    from babel.core import get_global

    likely = get_global("likely_subtags")
    for key in ((language, script, region), (language, region), (language, script), (language,)):
        found = all(key) and likely.get("_".join(filter(None, key)))
        if found:
            parts = found.split("_")
            return language, script or parts[1], region or parts[2]
    return language, script or "", region or ""


@lru_cache(maxsize=1024)
def english_name(code: str) -> str:
    """Return a language's English name from CLDR.

    >>> english_name("sw"), english_name("zh-Hant")
    ('Swahili', 'Chinese (Traditional)')
    """
    name = _locale(code).get_display_name("en")
    if not name:
        raise LanguageError(f"CLDR has no English name for language {code!r}")
    return name


@lru_cache(maxsize=1024)
def native_name(code: str) -> str:
    """Return a language's name for itself, or its English name if CLDR has none.

    >>> native_name("de")
    'Deutsch'
    """
    locale = _locale(code)
    return locale.get_display_name(locale) or english_name(code)


def distinct_languages(texts: Iterable[str]) -> list[str]:
    """Read languages and drop duplicates, in order of first occurrence."""

    def read() -> Iterator[str]:
        for text in texts:
            yield read_language(text)

    return list(dict.fromkeys(read()))
