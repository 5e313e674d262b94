"""Spelled-out numbers of kept libraries, in the languages that each of them has.

The libraries are needed to generate number words alone: ``pip install PyICU num2words
indic-numtowords`` into an environment of its own, and ``npm install n2words to-words`` into a
folder for four African languages. Those two spell hundreds in the order of English: from them are
taken only numbers below a hundred and powers of ten.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Spellings", "clean"]

# Languages that a library has under another code: Twi is a variety of Akan, Bokmål of Norwegian.
_ICU_CODES = {"no": "nb", "tw": "ak"}
_NUM2WORDS_CODES = {"pt": ("pt", "pt_BR"), "fr": ("fr", "fr_BE", "fr_CH")}
_INDIC = frozenset(["bn", "gu", "hi", "kn", "ml", "mr", "pa", "ta", "te", "ur"])
_NODE_LOCALES = {"am": "am-ET", "ha": "ha-NG", "ig": "ig-NG", "yo": "yo-NG"}
_NODE_NUMBERS = (*range(101), 10**3, 10**6)
_NODE_SCRIPT = Path(__file__).with_name("spellings.mjs")
# Rule sets of other kinds of numbers, and cases that answers do not have.
_NOT_CARDINAL = re.compile(
    "year|ordinal|verbose|financial|plural|essive|translative|inessive|elative|illative|adessive"
    "|ablative|allative|locative"
)
_AMHARIC_END = 10**5  # num2words spells larger numbers with Latin letters, or does not end
_INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200d\ufeff]")


def clean(text: str) -> str:
    """Return a spelling without hyphenation marks and in lower case."""
    return " ".join(_INVISIBLE.sub("", text).lower().split())


class Spellings:
    """The sources of one language.

    ``node`` is a folder with the packages n2words and to-words.
    """

    def __init__(self, code: str, node: Path | None = None) -> None:
        self.code = code
        self._node_folder = node
        self._icu = _icu_format(code)
        self._sets = [
            name for name in _rule_sets(self._icu)
            if name.startswith(("%spellout-cardinal", "%spellout-numbering"))
            and not _NOT_CARDINAL.search(name)
        ]  # fmt: skip
        self._num2words = [
            name for name in _NUM2WORDS_CODES.get(code, (code,)) if _has_num2words(name)
        ]

    @property
    def sources(self) -> list[str]:
        """The libraries that have the language, with their versions."""
        found = []
        if self._icu is not None:
            import icu

            found.append(
                f"ICU {icu.ICU_VERSION}, spell-out rules of {_ICU_CODES.get(self.code, self.code)}"
            )
        if self._num2words:
            found.append(f"num2words {version('num2words')}")
        if self.code in _INDIC:
            found.append(f"indic-numtowords {version('indic-numtowords')}")
        return [*found, *self._node["sources"]]

    @property
    def needs_node(self) -> bool:
        """Whether a source is missing for want of a folder of packages."""
        return self.code in _NODE_LOCALES and self._node_folder is None

    @cached_property
    def _node(self) -> dict[str, Any]:
        """The packages that have the language, and their spellings by number."""
        if self._node_folder is None or self.code not in _NODE_LOCALES:
            return {"sources": [], "spellings": {}}
        command = ["node", str(_NODE_SCRIPT), _NODE_LOCALES[self.code], *map(str, _NODE_NUMBERS)]
        done = subprocess.run(command, cwd=self._node_folder, capture_output=True, check=True)
        return dict(json.loads(done.stdout))

    def spell(self, number: int) -> list[str]:
        """Return the spellings of a number, each once."""
        return list(dict.fromkeys(clean(text) for text in self._all(number) if text))

    def _all(self, number: int) -> Iterable[str]:
        for name in self._sets:
            yield self._icu.format(number, name)
        for name in self._num2words:
            if self.code != "am" or number < _AMHARIC_END:
                yield from _or_nothing(_num2words, number, name)
        if self.code in _INDIC:
            yield from _or_nothing(_indic, number, self.code)
        yield from self._node["spellings"].get(str(number), ())


def _num2words(number: int, code: str) -> list[str]:
    from num2words import num2words

    return [num2words(number, lang=code)]


def _indic(number: int, code: str) -> list[str]:
    from indic_numtowords import num2words

    return list(num2words(number, lang=code, variations=True))


def _or_nothing(spell: Callable[[int, str], list[str]], number: int, code: str) -> list[str]:
    """Spell a number, unless it is one that the library has no words for."""
    try:
        return spell(number, code)
    except (TypeError, NotImplementedError, IndexError, KeyError, OverflowError):
        return []


def _icu_format(code: str) -> Any:
    """Return ICU's spell-out format of a language, None without rules of its own."""
    import icu

    locale = icu.Locale(_ICU_CODES.get(code, code).replace("-", "_"))
    chosen = icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, locale)
    actual = chosen.getLocale(icu.ULocDataLocaleType.VALID_LOCALE)
    return chosen if actual.getLanguage() == locale.getLanguage() else None


def _rule_sets(chosen: Any) -> list[str]:
    if chosen is None:
        return []
    return [chosen.getRuleSetName(index) for index in range(chosen.getNumberOfRuleSetNames())]


def _has_num2words(code: str) -> bool:
    from num2words import CONVERTER_CLASSES

    return code in CONVERTER_CLASSES
