"""Fields of a row that become those of a problem, each read and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, get_args

from clc.answers.canonical import canonical_gold
from clc.answers.option_lines import relabel
from clc.datasets.field_names import LANGUAGE_NAMES, usual_names
from clc.datasets.json_values import storable
from clc.datasets.set_names import is_parallel
from clc.errors import ConfigurationError, LanguageError
from clc.languages.codes import read_language
from clc.languages.identification import DEFAULT_LANGUAGE, detect_language, has_han
from clc.records import AnswerKind

if TYPE_CHECKING:
    from clc.datasets.options import Options
    from clc.datasets.rows import Defaults, SourceRow
    from clc.datasets.source import Place

__all__ = [
    "answer_kind",
    "check_gold",
    "find_other_meanings",
    "read_gold",
    "read_identifier",
    "read_item",
    "read_kind",
    "read_question_language",
    "read_question_text",
    "read_translations",
    "same_gold",
]

_NO_VALUES = frozenset({"nan", "null", "<na>"})  # as pandas and R write an empty cell
_KINDS = get_args(AnswerKind)
_known = lru_cache(maxsize=1024)(read_language)


def _type(value: object) -> str:
    names = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false"}
    names |= {"list": "a list", "dict": "an object", "NoneType": "null"}
    return names.get(type(value).__name__, type(value).__name__)


def read_question_text(row: SourceRow, field: str) -> str:
    """Return the question, without spaces around it.

    Raises:
        DatasetError: the field is missing, empty or no text.
    """
    value = row.fields.get(field)
    if value is None:
        names = ", ".join(repr(name) for name in list(row.fields)[:8]) or "none"
        raise row.place.error(f"no {field!r}; the row's fields are: {names}")
    if not isinstance(value, str):
        raise row.place.error(f"{field!r} is {_type(value)} ({value!r:.60}); it must be text")
    if not value.strip():
        raise row.place.error(f"{field!r} is empty; write the question or delete the row")
    return value.strip()


def read_identifier(row: SourceRow, field: str) -> str | None:
    """Return the text of an id, None where the field is missing.

    Raises:
        DatasetError: it is empty, or neither text nor a whole number.
    """
    value = row.fields.get(field)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():  # pandas, where an id is missing
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"{field!r} is {_type(value)} ({value!r:.60}); it must be text or a whole number"
        raise row.place.error(message)
    text = str(value).strip()
    if not text:
        raise row.place.error(f"{field!r} is empty; fill it or drop the field")
    return text


def find_other_meanings(row: SourceRow) -> dict[str, Any]:
    """Return ``kind`` and ``item`` of a row where they have another meaning than ours."""
    other = {}
    for name in ("kind", "item"):
        value = row.fields.get(name)
        if value is not None and not (value in _KINDS if name == "kind" else _is_item(value)):
            other[f"file_{name}"] = storable(value)
    return other


def read_item(row: SourceRow, defaults: Defaults, item: str | None) -> str | None:
    """Return what the rows that ask the same share, None without it.

    In parallel files of a known set it is the row's id without the language, or its number.
    """
    own = read_identifier(row, "item") if _is_item(row.fields.get("item")) else None
    named = defaults.named
    if own or item or named.language is None or not is_parallel(named.set):
        return own or item
    identifier = read_identifier(row, "id") or f"{row.number:03d}"
    parts = [part for part in re.split(r"[-_:/]", identifier) if part.lower() != named.language]
    return "-".join([named.set, *parts])


def _is_item(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def read_gold(row: SourceRow, field: str) -> str | None:
    """Return the right answer as the file writes it, None without one.

    Raises:
        DatasetError: it is empty, or neither text nor a number.
    """
    value = row.fields.get(field)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        value = value[0]  # OlympiadBench
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124  (NaN)
        return None
    if isinstance(value, bool | list | Mapping):
        raise row.place.error(
            f"{field!r} is {_type(value)} ({value!r:.60}); it must be text or a number"
        )
    if isinstance(value, float) and row.raw is not None:
        # As in the file: 0.10 stays 0.10, and a 20-digit number keeps its digits.
        return str(usual_names(json.loads(row.raw, parse_float=str, parse_int=str))[field])
    text = str(value).strip()
    if not text:
        raise row.place.error(f"{field!r} is empty; write the answer, or null for none")
    return None if text.lower() in _NO_VALUES else text


def read_kind(row: SourceRow, defaults: Defaults, *, numeric: bool) -> AnswerKind | None:
    """Return the kind of the answers: the row's, else the caller's, else a ``numeric`` set's."""
    kind = row.fields.get("kind")
    if kind in _KINDS:
        return cast("AnswerKind", kind)
    if kind is not None:
        place, ours = row.place, f"a kind of answers ({', '.join(_KINDS)})"
        defaults.notices.ignored(place.name, place.line or place.row, "kind", kind, ours)
    return defaults.kind or ("number" if numeric else None)


def check_gold(place: Place, gold: str, kind: AnswerKind | None) -> None:
    """Check that a gold of kind ``number`` is a number.

    Raises:
        DatasetError: it cannot be read as a number.
    """
    if kind == "number" and canonical_gold(gold, kind) is None:
        raise place.error(
            f"gold {gold!r:.60} is not a number; correct it, or give the answers' kind "
            "(choice or latex)"
        )


def same_gold(one: str | None, other: str | None, kind: AnswerKind | None) -> bool:
    """Whether two golds are one value; golds without a canonical form are compared as text."""
    if one == other or one is None or other is None:
        return one == other
    canonical = canonical_gold(one, kind)
    return canonical is not None and canonical == canonical_gold(other, kind)


def _code(place: Place, field: str, code: object) -> str:
    if not isinstance(code, str):
        raise place.error(f"{field!r} is {_type(code)} ({code!r:.60}); it must be a BCP-47 code")
    try:
        return _known(code)
    except LanguageError as error:
        raise place.error(f"{field!r}: {error}") from error


def read_question_language(
    row: SourceRow, defaults: Defaults, text: str, *, chinese: bool
) -> tuple[str, str]:
    """Return a question's language and its origin; the first origin that gives one counts."""
    field = row.fields.get("language")
    if field is not None and field != "":
        return _code(row.place, "language", field), "field"
    for name in LANGUAGE_NAMES:  # of other tools, where it may mean something else
        value = row.fields.get(name)
        with suppress(LanguageError):
            if isinstance(value, str) and value:
                return _known(value), "field"
    if defaults.named.language is not None:
        return defaults.named.language, "name"
    if chinese and has_han(text):
        return "zh", "set"
    if defaults.flag is not None:
        return defaults.flag, "flag"
    detected = detect_language(text, defaults.scripts)
    return (detected, "detected") if detected else (DEFAULT_LANGUAGE, "default")


def read_translations(row: SourceRow, options: Options | None) -> dict[str, str]:
    """Return the translations by language; those of a question with options have them, too.

    Raises:
        DatasetError: a code is unknown, or a translation is no text or lacks options.
    """
    value = row.fields.get("translations")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise row.place.error(
            f"'translations' is {_type(value)} ({value!r:.60}); "
            "it must be an object of language code to text"
        )
    translations = {}
    for code, text in value.items():
        if text is None:
            continue
        language = _code(row.place, "translations", code)
        if not isinstance(text, str) or not text.strip():
            raise row.place.error(f"the translation to {code!r} is {text!r:.60}; it must be text")
        whole = text.strip()
        if options is not None:
            whole = relabel(whole, "".join(options.texts)) or ""
            if not whole:
                raise row.place.error(
                    f"the translation to {code!r} lacks options; write them as lines 'A. …', or "
                    "drop it to have the question translated with them"
                )
        translations[language] = whole
    return translations


def answer_kind(kind: str | None) -> AnswerKind | None:
    """Check the caller's kind of answer.

    Raises:
        ConfigurationError: the kind is unknown.
    """
    if kind is not None and kind not in _KINDS:
        raise ConfigurationError(f"unknown kind {kind!r}; answers are of kind {', '.join(_KINDS)}")
    return cast("AnswerKind | None", kind)
