"""Languages by BCP-47 code, with their names from CLDR."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from clc.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from babel import Locale

__all__ = [
    "MGSM_LANGUAGES",
    "UNKNOWN_LANGUAGE",
    "distinct_languages",
    "english_name",
    "native_name",
    "normalize_language",
]

# Strongest first on the recorded multilingual runs, because arm order breaks ties.
MGSM_LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh", "bn", "sw", "te", "th")

UNKNOWN_LANGUAGE = "und"  # BCP-47 for a language that is not known

_SUBTAG = re.compile(r"[A-Za-z0-9]{1,8}\Z")


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
    return str(_locale(code)).replace("_", "-")


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


def distinct_languages(codes: Iterable[str]) -> list[str]:
    """Normalize codes and drop duplicates, in order of first occurrence."""

    def normalized() -> Iterator[str]:
        for code in codes:
            yield normalize_language(code)

    return list(dict.fromkeys(normalized()))
