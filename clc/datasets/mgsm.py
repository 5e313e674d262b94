"""MGSM: ``question<TAB>gold`` files, alone or aligned row by row, and its Hugging Face fields.

Rows of different languages share the number at the end of their ids (``mgsm-de-007`` and
``mgsm-sw-007``), and ``metadata["item"]`` is the id without the language (``mgsm-007``).
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clc.datasets.field_names import GOLD_NAMES, QUESTION_NAMES, first_name, usual_names
from clc.datasets.fields import same_gold
from clc.datasets.rows import Defaults, SourceRow, make_problem
from clc.datasets.set_names import SetName, read_set_name
from clc.datasets.source import Place, RawSource, open_source, text_lines
from clc.datasets.tables import tsv_header, unquoted
from clc.errors import ConfigurationError, DatasetError
from clc.input_files import printable_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from clc.records import AnswerKind, Problem

    Opener: TypeAlias = Callable[[Path], RawSource]

__all__ = [
    "aligned_problems",
    "mgsm_problem",
    "open_aligned",
    "parallel_files",
    "tsv_problems",
    "with_parallel",
]


class _Pair(NamedTuple):
    place: Place
    question: str
    gold: str


def _pairs(source: RawSource) -> Iterator[_Pair]:
    """Read the rows of a TSV file; without a header a quotation mark is text."""
    positions: tuple[int, int] | None = None
    for number, (place, line) in enumerate(text_lines(source)):
        columns = line.split("\t")
        if number == 0 and (names := tsv_header(line)) is not None:
            positions = _positions(names, place)
            continue
        if positions is not None and len(columns) > max(positions):
            columns = [unquoted(columns[position].strip()) for position in positions]
        if len(columns) != 2:  # noqa: PLR2004
            fault = "no tab" if len(columns) == 1 else f"{len(columns)} columns"
            raise place.error(
                f"{fault} in {line!r:.60}; a row is the question, one tab and the answer"
            )
        question, gold = columns[0].strip(), columns[1].strip()
        if not question:
            raise place.error(f"no question before the tab (answer {gold!r:.60}); write it")
        if not gold:
            raise place.error(f"no answer after the tab (question {question!r:.60}); write it")
        yield _Pair(place, question, gold)


def _positions(names: Sequence[str], place: Place) -> tuple[int, int]:
    """Return the columns of question and answer in a header."""
    usual = list(usual_names(dict.fromkeys(names)))
    question = first_name(dict.fromkeys(usual, True), QUESTION_NAMES)
    gold = first_name(dict.fromkeys(usual, True), ("answer_number", *GOLD_NAMES))
    if gold is None:
        raise place.error(f"no column of answers ({', '.join(names):.100}); name one 'answer'")
    return usual.index(question or ""), usual.index(gold)


def _problem(
    pair: _Pair, index: int, defaults: Defaults, translations: Mapping[str, str]
) -> Problem:
    name, language = defaults.named
    language = language or defaults.flag
    item = f"{name}-{index:03d}"
    fields = {
        "id": f"{name}-{language}-{index:03d}" if language else item,
        "question": pair.question,
        "gold": pair.gold,
        "translations": translations,
    }
    row = SourceRow(pair.place, index, fields)
    return make_problem(row, defaults, gold="gold", item=item, numeric=True)


def tsv_problems(source: RawSource, defaults: Defaults) -> Iterator[tuple[Place, Problem]]:
    """Read one TSV file."""
    for index, pair in enumerate(_pairs(source)):
        yield pair.place, _problem(pair, index, defaults, {})


def parallel_files(folder: Path) -> dict[str, Path]:
    """Find the ``<set>_<language>.tsv`` files of one set in a folder, by language.

    Raises:
        DatasetError: there are no files, two of one language, or more than one set.
    """
    sets: dict[str, dict[str, Path]] = {}
    try:
        paths = sorted(folder.glob("*.tsv"))
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be read: {error.strerror or error}") from error
    for path in paths:
        named = _named(path)
        if named.language is None:
            continue
        twin = sets.setdefault(named.set, {}).setdefault(named.language, path)
        if twin is not path:
            raise DatasetError(f"{path}: {twin.name} is in the same language; keep one of them")
    if not sets:
        raise DatasetError(
            f"{folder}: no file named <set>_<language>.tsv, such as mgsm_de.tsv; "
            "give a folder that has some, or a file"
        )
    if len(sets) > 1:
        raise DatasetError(
            f"{folder}: files of several sets ({', '.join(sorted(sets))}); give each its folder"
        )
    return next(iter(sets.values()))


def aligned_problems(
    files: Mapping[str, RawSource],
    defaults: Mapping[str, Defaults],
    kind: AnswerKind | None,
) -> Iterator[tuple[Place, Problem]]:
    """Read files whose rows are translations of each other, row by row.

    Row k becomes a problem in each language of ``defaults``, in that order, with the other files'
    row k as its translations.

    Raises:
        DatasetError: a file ends before another, or the golds of a row differ.
    """
    readers = {language: _pairs(source) for language, source in files.items()}
    last = {language: Place(source.name) for language, source in files.items()}
    for index in count():
        pairs = {language: next(reader, None) for language, reader in readers.items()}
        rows = {language: pair for language, pair in pairs.items() if pair is not None}
        if not rows:
            return
        _check_row(rows, last, kind)
        last = {language: pair.place for language, pair in rows.items()}
        for language, values in defaults.items():
            others = {code: pair.question for code, pair in rows.items() if code != language}
            yield rows[language].place, _problem(rows[language], index, values, others)


def _check_row(
    rows: Mapping[str, _Pair], last: Mapping[str, Place], kind: AnswerKind | None
) -> None:
    first = next(iter(rows.values()))
    for language, place in last.items():
        if language not in rows:
            raise place.error(
                f"the file ends here, but {first.place.name} has another row at line "
                f"{first.place.line}; parallel files need the same rows in the same order"
            )
    for pair in rows.values():
        if not same_gold(first.gold, pair.gold, kind or "number"):
            raise pair.place.error(
                f"answer {pair.gold!r:.60} is not the {first.gold!r:.60} of {first.place.name}:"
                f"{first.place.line}; parallel files need the same rows in the same order"
            )


def open_aligned(
    files: Mapping[str, Path],
    languages: Sequence[str],
    kind: AnswerKind | None,
    opener: Opener = open_source,
) -> Iterator[tuple[Place, Problem]]:
    """Open a set's parallel files and read the problems of ``languages``.

    Raises:
        DatasetError: a file is missing or empty, or a language has none.
    """
    for language in languages:
        if language not in files:
            folder = next(iter(files.values())).parent
            raise DatasetError(
                f"{folder}: no file in language {language!r}; there is {', '.join(files)}"
            )
    sources = {language: opener(path) for language, path in files.items()}
    defaults = {code: Defaults(_named(files[code]), None, kind) for code in languages}
    return aligned_problems(sources, defaults, kind)


def with_parallel(
    path: Path, defaults: Defaults, parallel: Path, opener: Opener = open_source
) -> Iterator[tuple[Place, Problem]]:
    """Read one TSV file with the translations of a parallel file or a folder of them.

    Raises:
        ConfigurationError: the language of a file is unknown.
        DatasetError: a file is missing or empty, or all are in the file's own language.
    """
    own = defaults.named.language or defaults.flag
    if own is None:
        raise _no_language(path)
    if parallel.is_dir():
        others = parallel_files(parallel)
    else:
        other = _named(parallel).language
        if other is None:
            raise _no_language(parallel)
        others = {other: parallel}
    others = {language: file for language, file in others.items() if language != own}
    if not others:
        raise DatasetError(f"{parallel}: nothing in another language than {own!r}")
    sources = {code: opener(file) for code, file in ({own: path} | others).items()}
    return aligned_problems(sources, {own: defaults}, defaults.kind)


def _named(path: Path) -> SetName:
    name = printable_path(path)
    return read_set_name(Path(name).stem, Place(name), trusted=True)


def _no_language(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: parallel rows need the file's language; name it <set>_<language>.tsv"
    )


def mgsm_problem(row: SourceRow, defaults: Defaults) -> Problem:
    """Make a problem of a row of ``juletxara/mgsm``; a null ``answer`` is allowed."""
    item = f"{defaults.named.set}-{row.number:03d}" if row.fields.get("id") is None else None
    return make_problem(row, defaults, gold="answer_number", item=item, numeric=True)
