"""Rows of a source, and the problem of each, in any format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.answers.option_lines import with_options
from clc.datasets.field_names import PASSAGE_NAMES, first_text
from clc.datasets.fields import (
    check_gold,
    find_other_meanings,
    read_gold,
    read_identifier,
    read_item,
    read_kind,
    read_question_language,
    read_question_text,
    read_translations,
)
from clc.datasets.json_values import storable
from clc.datasets.levels import read_level
from clc.datasets.notices import Notices
from clc.datasets.option_fields import may_hold_options
from clc.datasets.options import find_options
from clc.records import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.datasets.set_names import SetName
    from clc.datasets.source import Place
    from clc.records import AnswerKind

__all__ = ["Defaults", "SourceRow", "make_problem"]


@dataclass(frozen=True, slots=True)
class Defaults:
    """Defaults for all rows of a source.

    ``named`` are set and language by the source's name, ``flag`` and ``kind`` the language and the
    kind of answer that the caller gave, ``fields`` the file's names of our fields as the caller
    gave them, ``notices`` the fields that were ignored so far, ``scripts`` more languages that are
    detected, as for ``detect_language``.
    """

    named: SetName
    flag: str | None = None
    kind: AnswerKind | None = None
    notices: Notices = field(default_factory=Notices)
    fields: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] | None = None

    @property
    def prefix(self) -> str:
        """Prefix of generated ids."""
        return f"{self.named.set}-{self.named.language}" if self.named.language else self.named.set


class SourceRow(NamedTuple):
    """An object of a file: its place, its 0-based number, and its text if it is a line."""

    place: Place
    number: int
    fields: Mapping[str, Any]
    raw: str | None = None


def make_problem(
    row: SourceRow,
    defaults: Defaults,
    *,
    question: str = "question",
    gold: str | None = None,
    item: str | None = None,
    numeric: bool = False,
    chinese: bool = False,
) -> Problem:
    """Make the problem of a row.

    ``question`` and ``gold`` are names of fields. ``item`` is shared by rows that ask the same.
    ``numeric`` sets have numbers as golds unless the caller gives a kind; in a ``chinese`` set a
    question with Chinese characters is Chinese. All other fields that are not null become metadata.

    Raises:
        DatasetError: a field is missing, empty or of the wrong type.
    """
    text = read_question_text(row, question)
    language, language_source = read_question_language(row, defaults, text, chinese=chinese)
    options = find_options(row.fields, row.place, answer_is_named="answer" in defaults.fields)
    kind = read_kind(row, defaults, numeric=numeric and options is None)
    used = {"id", "language", "translations", "item", "kind", question, gold}
    if options is None:
        _notice_options(row, defaults)
        answer = read_gold(row, gold) if gold is not None else None
        if (passage := first_text(row.fields, PASSAGE_NAMES)) is not None:
            text = f"{row.fields[passage].strip()}\n\n{text}"
            used.add(passage)
    else:
        answer = options.gold
        text = with_options(text, options.texts, options.passage)
        used |= options.fields
        if kind not in (None, "choice"):
            raise row.place.error(
                f"the row has options, and its answers are of kind {kind!r}; leave out the kind"
            )
        kind = "choice"
    if answer is not None:
        check_gold(row.place, answer, kind)
    metadata = {k: storable(v) for k, v in row.fields.items() if k not in used and v is not None}
    metadata |= find_other_meanings(row)
    item = read_item(row, defaults, item)
    if item is not None:
        metadata["item"] = item
    if kind is not None:
        metadata["kind"] = kind
    level = read_level(row.fields.get("level"), defaults.named.set)
    if level is not None:
        metadata["level"] = level
    if options is not None:
        metadata["options"] = options.texts
        metadata["option_lines"] = True  # in the question
    metadata["language_source"] = language_source
    return Problem(
        id=read_identifier(row, "id") or f"{defaults.prefix}-{row.number:03d}",
        question=text,
        language=language,
        gold=answer,
        translations=read_translations(row, options),
        metadata=metadata,
    )


def _notice_options(row: SourceRow, defaults: Defaults) -> None:
    """Warn of a field that has a name of options and holds none."""
    for name, value in row.fields.items():
        if value is not None and may_hold_options(name):
            place, ours = row.place, "options (a list of two to ten texts)"
            defaults.notices.ignored(place.name, place.line or place.row, name, value, ours)
