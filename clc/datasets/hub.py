"""Data sets of the Hugging Face hub by id, through ``datasets`` (the extra ``datasets``).

An id is ``owner/name``, ``owner/name:config`` or ``owner/name:config:split``; with ``hf://`` in
front it is ``hf://owner/name``, ``hf://owner/name/config`` or ``hf://owner/name/config:split``. A
revision stands after the name: ``owner/name@revision``. Some sets are known without their owner
(``mgsm-rev2:de``, ``polymath:de:low``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.datasets.rows import SourceRow
from clc.datasets.set_names import SetName
from clc.datasets.source import Place
from clc.errors import ConfigurationError, DatasetError, LanguageError
from clc.languages.codes import read_language
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HubId", "hub_rows", "parse_hub_id"]

_PART = r"[\w.-]+"
_REVISION = rf"(?:@(?P<revision>{_PART}))?"
_ID = re.compile(
    rf"(?P<path>{_PART}/{_PART}){_REVISION}(?::(?P<config>{_PART}))?(?::(?P<split>{_PART}))?"
)
_NAMED = re.compile(rf"(?P<path>{_PART}){_REVISION}:(?P<config>{_PART})(?::(?P<split>{_PART}))?")
_URL = re.compile(
    rf"hf://(?:datasets/)?(?P<path>{_PART}/{_PART}){_REVISION}"
    rf"(?:/(?P<config>{_PART}))?(?::(?P<split>{_PART}))?"
)
# Data sets that are known by their names alone: NAME:CONFIG.
_SETS = {
    "afrimgsm": "masakhane/afrimgsm",
    "belebele": "facebook/belebele",
    "global-mmlu": "CohereLabs/Global-MMLU",
    "mgsm": "juletxara/mgsm",
    "mgsm-rev2": "lightonai/mgsm-rev2",
    "mmlu-prox": "li-lab/MMLU-ProX",
    "polymath": "Qwen/PolyMath",
}
_ELSEWHERE = {
    "mmath": "not on the hub, but at github.com/RUCAIBox/MMATH: give its file mmath/{}.json"
}
_TIMEOUT_S = 10  # to learn a commit, without which a run goes on, too
_FILE = re.compile(r"\.(?:tsv|jsonl?|ndjson|parquet|csv|txt|gz)$", re.IGNORECASE)
_CONVERTED = "refs/convert/parquet"  # the hub's Parquet copy of sets that need a script


class HubId(NamedTuple):
    """A data set on the hub."""

    path: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None

    @property
    def named(self) -> SetName:
        """Set and language: ``juletxara/mgsm:de`` is set mgsm in German."""
        name = self.path.rpartition("/")[2]
        if self.split not in (None, "test"):
            name += f"-{self.split}"
        if self.config in (None, "default"):
            return SetName(name, None)
        try:
            return SetName(name, read_language(self.config))
        except LanguageError:
            return SetName(f"{name}-{self.config}", None)


def parse_hub_id(text: str) -> HubId | None:
    """Read a hub id; None for the name of a file.

    >>> parse_hub_id("hf://juletxara/mgsm/de:test")
    HubId(path='juletxara/mgsm', config='de', split='test', revision=None)
    >>> parse_hub_id("polymath:de:low")[:3], parse_hub_id("data/mgsm_de.tsv")
    (('Qwen/PolyMath', 'de', 'low'), None)
    """
    match = _URL.fullmatch(text) or _ID.fullmatch(text)
    if match is None and (named := _NAMED.fullmatch(text)):
        path = _SETS.get(named["path"].lower())
        if path is not None:
            return HubId(path, named["config"], named["split"], named["revision"])
    if match is None or _FILE.search(text) or match["path"].startswith("."):
        return None
    return HubId(match["path"], match["config"], match["split"], match["revision"])


def source_hub_id(source: object, format: str | None) -> HubId | None:  # noqa: A002
    """Return the hub id of a source, None for a file or a stream.

    Raises:
        ConfigurationError: ``format`` is hub, and it is no hub id; or it names a set elsewhere.
    """
    if not isinstance(source, str) or source == "-":
        return None
    hub, known = parse_hub_id(source), source.partition(":")[0].lower() in _ELSEWHERE
    if format == "hub" and hub is None and not known:
        raise ConfigurationError(f"{source!r} is no hub id; write owner/name:config:split")
    if format == "hub" or source.startswith("hf://") or not (hub or (known and ":" in source)):
        return hub
    path = Path(source)
    if format is not None or path.exists():
        return None
    if hub is None:
        name, _, rest = source.partition(":")
        raise ConfigurationError(f"{source}: is {_ELSEWHERE[name.lower()].format(rest)}")
    return hub if ":" in source or not path.parent.exists() else None


def dataset_revision(hub: HubId) -> str | None:
    """Return the commit that a data set is at, None where the hub cannot be asked."""
    try:
        from huggingface_hub import HfApi

        info = HfApi().dataset_info(hub.path, revision=hub.revision, timeout=_TIMEOUT_S)
    except Exception:  # noqa: BLE001 - of any HTTP client; without a commit the run goes on
        return None
    return info.sha if isinstance(info.sha, str) else None


def hub_rows(hub: HubId, name: str, revision: str | None = None) -> Iterator[SourceRow]:
    """Stream a data set's rows; its ``test`` split unless the id names another.

    ``revision`` is the commit to read, by default that of the id or the newest.

    Raises:
        ConfigurationError: ``datasets`` is not installed.
        DatasetError: the data set, configuration or split does not exist, or there is no network.
    """
    try:
        import datasets
    except ImportError as error:
        raise ConfigurationError(
            f"{name}: no such file, and data sets of the Hugging Face hub need the package "
            f"datasets: {install_hint('datasets')}"
        ) from error
    return _rows(datasets, hub._replace(revision=revision or hub.revision), name)


def _rows(datasets: Any, hub: HubId, name: str) -> Iterator[SourceRow]:
    try:
        rows = _split(_load(datasets, hub), hub.split, name)
        for index, fields in enumerate(rows):
            yield SourceRow(Place(name, row=index + 1), index, fields)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DatasetError(
            f"{name}: no such file, and the Hugging Face hub gave no data set: {reason}; check the "
            "id (owner/name:config:split) and the network, or give a local file"
        ) from error


def _load(datasets: Any, hub: HubId) -> Any:
    options = {} if hub.revision is None else {"revision": hub.revision}
    try:
        return datasets.load_dataset(hub.path, hub.config, streaming=True, **options)
    except RuntimeError as error:
        if "script" not in str(error):
            raise
    return datasets.load_dataset(hub.path, hub.config, streaming=True, revision=_CONVERTED)


def _split(splits: Any, wanted: str | None, name: str) -> Any:
    if wanted is None:
        wanted = next(iter(splits)) if len(splits) == 1 else "test"
    if wanted not in splits:
        raise DatasetError(f"{name}: no split {wanted!r}; there is {', '.join(splits)}")
    return splits[wanted]
