"""Load problems from any source: its format, language and ids."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from clc.bounds import COUNT
from clc.datasets import jsonl, mgsm, tables
from clc.datasets.field_names import parse_fields
from clc.datasets.fields import answer_kind
from clc.datasets.fingerprint import dataset_identity, source_fingerprint
from clc.datasets.hub import dataset_revision, hub_rows, source_hub_id
from clc.datasets.notices import Notices
from clc.datasets.parquet import parquet_rows
from clc.datasets.rows import Defaults
from clc.datasets.set_names import SetName, read_folder_name, read_set_name
from clc.datasets.source import Place, RawSource, empty_error, open_source, read_snapshot
from clc.errors import ConfigurationError, DatasetError
from clc.languages.codes import read_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from clc.datasets.rows import SourceRow
    from clc.records import AnswerKind, Problem

__all__ = ["FORMATS", "Dataset", "load_problems"]

FORMATS = ("tsv", "csv", "jsonl", "json", "parquet", "hub")

_SUFFIXES = {
    ".tsv": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_ROWS = {
    "csv": tables.csv_rows,
    "jsonl": jsonl.line_rows,
    "json": jsonl.array_rows,
    "parquet": parquet_rows,
}

_Placed = tuple[Place, "Problem"]


class _Options(NamedTuple):
    language: str | None
    format: str | None
    kind: AnswerKind | None
    parallel: Path | None
    notices: Notices
    fields: Mapping[str, str]
    revision: str | None
    scripts: Mapping[str, str] | None


class Dataset:
    """Problems of files that are read once, at construction.

    Later changes of a file have no effect. Every row is checked at construction, so a bad one is
    reported before any problem is solved. The arguments are those of ``load_problems``.

    Attributes:
        total: number of problems; None for standard input and the hub, which are streamed.
        fingerprint: ``sha256:`` and the file's SHA-256 as ``sha256sum`` prints it; of a folder, or
            with ``parallel``, the SHA-256 over the lines ``<hash>  <name>`` of its parallel files.
            None for standard input and the hub.
        revision: commit of a data set on the hub, which is the one that is read; None for files,
            and where the hub cannot be asked.

    Raises:
        As ``load_problems``, for every row.
    """

    def __init__(self, source: str | Path, **reading: Any) -> None:
        self._source, self._reading = source, reading
        self._opened: dict[Path, RawSource] = {}
        self._notices = Notices()
        self.total: int | None = None
        self.fingerprint: str | None = None
        hub = source_hub_id(source, reading.get("format"))
        self.revision = None if hub is None else dataset_revision(hub)
        if source == "-" or hub is not None:
            return
        self.total = sum(1 for _ in self.problems())
        self.fingerprint = source_fingerprint(source, reading.get("parallel"), self._sha256)

    def problems(self) -> Iterator[Problem]:
        """Read the problems one by one, from the first on."""
        return _load(
            self._source,
            opener=self._open,
            notices=self._notices,
            revision=self.revision,
            **self._reading,
        )

    def identity(self) -> dict[str, Any]:
        """Return what a run's manifest has of the data set, as JSON values."""
        return dataset_identity(
            self._source, self._reading, fingerprint=self.fingerprint, revision=self.revision
        )

    def _open(self, path: Path) -> RawSource:
        if path not in self._opened:
            self._opened[path] = read_snapshot(path)
        return self._opened[path]

    def _sha256(self, path: Path) -> str:
        return self._open(path).sha256 or ""


def load_problems(
    source: str | Path | IO[str] | IO[bytes],
    *,
    language: str | None = None,
    format: str | None = None,  # noqa: A002
    limit: int | None = None,
    kind: str | None = None,
    parallel: str | Path | None = None,
    fields: Mapping[str, str] | Iterable[str] | None = None,
    scripts: Mapping[str, str] | None = None,
) -> Iterator[Problem]:
    """Read problems one by one; only their ids stay in memory.

    ``source`` is a file (TSV, CSV, JSON Lines, a JSON array, Parquet; all but Parquet also packed
    with gzip or Zstandard), a folder of parallel ``<set>_<language>.tsv`` files, ``-`` for standard
    input, an open stream, or an id on the Hugging Face hub such as ``juletxara/mgsm:de``.
    ``format`` is one of ``FORMATS``; where it is None, name and content decide. A row's fields
    decide whether it is MGSM's, CMATH's or general; ``fields`` gives the file's names of ours
    (``{"question": "problem"}``), see ``clc.datasets.field_names.FIELDS``.

    A question's language is the file's (field or name), else ``language``, else detected;
    ``metadata["language_source"]`` is its origin. ``scripts`` are more languages that are detected,
    by BCP-47 code with their scripts (ISO 15924), such as ``Templates(folder).scripts``.

    Of a folder, ``language`` chooses the file whose rows become problems; without it row k of every
    file comes before row k + 1 of any. The same row of the other files is a translation. A single
    TSV file gets translations from ``parallel``, a file or a folder.

    ``kind`` is the answers' kind (number, choice or latex), kept in ``metadata["kind"]``; MGSM and
    CMATH are numbers. ``limit`` is a number of problems, from the first.

    Raises:
        DatasetError: at once for a source that is missing, empty or contradicts ``language``;
            while reading, for a bad row, with file and line.
        LanguageError: ``language`` is unknown.
        ConfigurationError: an option is unknown or does not go with the source, or the format
            needs an extra that is not installed.
    """
    return _load(
        source,
        language=language,
        format=format,
        limit=limit,
        kind=kind,
        parallel=parallel,
        fields=fields,
        scripts=scripts,
    )


def _load(
    source: str | Path | IO[str] | IO[bytes],
    *,
    language: str | None = None,
    format: str | None = None,  # noqa: A002
    limit: int | None = None,
    kind: str | None = None,
    parallel: str | Path | None = None,
    fields: Mapping[str, str] | Iterable[str] | None = None,
    scripts: Mapping[str, str] | None = None,
    opener: Callable[[Path], RawSource] = open_source,
    notices: Notices | None = None,
    revision: str | None = None,
) -> Iterator[Problem]:
    if format is not None and format not in FORMATS:
        raise ConfigurationError(f"unknown format {format!r}; it is one of {', '.join(FORMATS)}")
    if limit is not None:
        COUNT.check("limit", limit)
    options = _Options(
        language=None if language is None else read_language(language),
        format=format,
        kind=answer_kind(kind),
        parallel=None if parallel is None else Path(parallel),
        notices=notices or Notices(),
        fields=parse_fields(fields),
        revision=revision,
        scripts=scripts,
    )
    return islice(_distinct(_placed(source, options, opener)), limit)


def _distinct(problems: Iterable[_Placed]) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, problem in problems:
        if problem.id in seen:
            raise place.error(
                f"duplicate id {problem.id!r:.60}; give every row its own, or drop the field to "
                "have the rows numbered"
            )
        seen.add(problem.id)
        yield problem


def _placed(
    source: str | Path | IO[str] | IO[bytes], options: _Options, opener: Callable[[Path], RawSource]
) -> Iterator[_Placed]:
    hub = source_hub_id(source, options.format)
    if hub is not None:
        _no_parallel(options, str(source))
        defaults = _defaults(hub.named, str(source), options)
        return _problems(hub_rows(hub, str(source), options.revision), defaults, str(source))
    if isinstance(source, str | Path) and source != "-" and _is_folder(Path(source)):
        return _folder(Path(source), options, opener)
    is_file = isinstance(source, str | Path) and source != "-"
    opened = opener(Path(cast("str | Path", source))) if is_file else open_source(source)
    chosen = options.format or _format(opened)
    header = chosen == "tsv" and tables.has_header(opened.first.decode("utf-8", "replace"))
    named = read_folder_name(opened.name) if opened.path is not None else None
    if named is None or (chosen == "tsv" and not header):
        named = read_set_name(opened.stem, Place(opened.name), trusted=chosen == "tsv")
    defaults = _defaults(named, opened.name, options)
    if chosen == "tsv" and opened.path is not None and options.parallel is not None:
        _no_fields(options, opened.name)
        return mgsm.with_parallel(opened.path, defaults, options.parallel, opener)
    _no_parallel(options, opened.name)
    if header:
        return _problems(tables.tsv_rows(opened), defaults, opened.name)
    if chosen == "tsv":
        _no_fields(options, opened.name)
        return mgsm.tsv_problems(opened, defaults)
    if chosen == "hub":
        raise ConfigurationError(f"{opened.name} is a file, not a hub id; leave the format out")
    return _problems(_ROWS[chosen](opened), defaults, opened.name)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a name too long: most likely a question
        raise DatasetError(
            f"{str(path)[:60]}…: cannot be a file: {error.strerror or error}; give a file name"
        ) from error


def _folder(
    folder: Path, options: _Options, opener: Callable[[Path], RawSource]
) -> Iterator[_Placed]:
    _no_parallel(options, str(folder))
    _no_fields(options, str(folder))
    if options.format not in (None, "tsv"):
        raise ConfigurationError(f"{folder}: a folder is read as tsv, not {options.format!r}")
    files = mgsm.parallel_files(folder)
    chosen = list(files) if options.language is None else [options.language]
    return mgsm.open_aligned(files, chosen, options.kind, opener)


def _defaults(named: SetName, name: str, options: _Options) -> Defaults:
    if named.language and options.language and _primary(named) != _primary(options):
        raise DatasetError(
            f"{name}: the name says language {named.language!r}, the option {options.language!r}; "
            "leave the option out or rename the file"
        )
    return Defaults(
        named, options.language, options.kind, options.notices, options.fields, options.scripts
    )


def _primary(named: SetName | _Options) -> str | None:
    """Return the language without script and region."""
    return named.language and named.language.partition("-")[0]


def _no_parallel(options: _Options, name: str) -> None:
    if options.parallel is not None:
        raise ConfigurationError(
            f"{name}: parallel rows go with one TSV file; put 'translations' into the rows instead"
        )


def _no_fields(options: _Options, name: str) -> None:
    if options.fields:
        raise ConfigurationError(
            f"{name}: fields can be named where rows have names of fields; give the TSV file a "
            "header, alone, or leave the fields out"
        )


def _format(source: RawSource) -> str:
    """Return the format by suffix, else by the first bytes."""
    suffix = source.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    for start, name in ((b"{", "jsonl"), (b"[", "json"), (b"PAR1", "parquet")):
        if source.first.startswith(start):
            return name
    return "jsonl" if suffix == ".json" else "tsv"


def _problems(rows: Iterator[SourceRow], defaults: Defaults, name: str) -> Iterator[_Placed]:
    row = None
    for row in rows:
        yield row.place, jsonl.problem_from_row(row, defaults)
    if row is None:
        raise empty_error(name)
