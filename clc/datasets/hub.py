"""Data sets of the Hugging Face hub by id, through ``datasets`` (the extra ``datasets``).

An id is ``owner/name``, ``owner/name:config`` or ``owner/name:config:split``; with ``hf://`` in
front it is ``hf://owner/name``, ``hf://owner/name/config`` or ``hf://owner/name/config:split``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.datasets.fields import SetName, SourceRow
from clc.datasets.source import Place
from clc.errors import ConfigurationError, DatasetError, LanguageError
from clc.languages import read_language
from clc.version import install_hint

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HubId", "hub_rows", "parse_hub_id"]

_PART = r"[\w.-]+"
_ID = re.compile(rf"(?P<path>{_PART}/{_PART})(?::(?P<config>{_PART}))?(?::(?P<split>{_PART}))?")
_URL = re.compile(
    rf"hf://(?:datasets/)?(?P<path>{_PART}/{_PART})(?:/(?P<config>{_PART}))?(?::(?P<split>{_PART}))?"
)
_FILE = re.compile(r"\.(?:tsv|jsonl?|ndjson|parquet|csv|txt|gz)$", re.IGNORECASE)
_CONVERTED = "refs/convert/parquet"  # the hub's Parquet copy of sets that need a script


class HubId(NamedTuple):
    """A data set on the hub."""

    path: str
    config: str | None = None
    split: str | None = None

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
    HubId(path='juletxara/mgsm', config='de', split='test')
    >>> parse_hub_id("juletxara/mgsm:de"), parse_hub_id("data/mgsm_de.tsv")
    (HubId(path='juletxara/mgsm', config='de', split=None), None)
    """
    match = _URL.fullmatch(text) or _ID.fullmatch(text)
    if match is None or _FILE.search(text) or match["path"].startswith("."):
        return None
    return HubId(match["path"], match["config"], match["split"])


def hub_rows(hub: HubId, name: str) -> Iterator[SourceRow]:
    """Stream a data set's rows; its ``test`` split unless the id names another.

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
    return _rows(datasets, hub, name)


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
    try:
        return datasets.load_dataset(hub.path, hub.config, streaming=True)
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
