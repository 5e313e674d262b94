"""A run's manifest as it is stored: read, checked and written."""

from __future__ import annotations

import zlib
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

import orjson

from clc.errors import StoreError, StrategyError
from clc.input_files import read_regular
from clc.strategies.strategy import Voting
from clc.voting.abstaining import Abstaining
from clc.voting.weighting import Weighting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "check_whole",
    "compared_labels",
    "missing_manifest",
    "parse_manifest",
    "read_manifest",
    "write_manifest",
]

_INTEGER, _TEXT, _OBJECT, _LIST = (int,), (str,), (dict,), (list,)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "format": _INTEGER,
    "finished": (bool,),
    "seconds": (float, int),
    "problems": _INTEGER,
    "max_model_len": _INTEGER,
    "identity": _OBJECT,
    "versions": _LIST,
    "earlier_limits": _LIST,
    "store": _TEXT,
    "notes": _OBJECT,
    "options": _OBJECT,
    "prices": _OBJECT,
    "prices.paths": _OBJECT,
    "prices.translations": _OBJECT,
    "spent": _OBJECT,
    "spent.cost": (float, int),
    "spent.currency": _TEXT,
    "spent.cached_tokens": _INTEGER,
    "identity.strategy": _OBJECT,
    "identity.strategy.name": _TEXT,
    "identity.strategy.arms": _LIST,
    "identity.strategy.planner": (dict, NoneType),
    "identity.strategy.voting": _TEXT,
    "identity.weighting": (dict, NoneType),
    "identity.measure": (dict, NoneType),
    "identity.online": (dict, NoneType),
    "identity.voters": (dict, NoneType),
    "identity.voter_engines": (dict, NoneType),
    "identity.verifier": (str, NoneType),
    "identity.abstaining": (dict, NoneType),
    "identity.stopping": _OBJECT,
    "identity.stopping.rule": _TEXT,
    "identity.stopping.prior": _LIST,
    "identity.paths": _INTEGER,
    "identity.total": _OBJECT,
    "identity.total.paths": (int, NoneType),
    "identity.total.tokens": (int, NoneType),
    "identity.limit": (int, NoneType),
    "identity.seed": _INTEGER,
    "identity.sampling": _OBJECT,
    "identity.sampling.max_tokens": _INTEGER,
    "identity.translation_max_tokens": _INTEGER,
    "identity.languages": _LIST,
    "identity.engine": _TEXT,
    "identity.translator": _TEXT,
    "identity.fidelity": _TEXT,
    "identity.untranslated": _TEXT,
    "identity.dataset": _OBJECT,
    "identity.words": _OBJECT,
}
"""Types of the fields that are read; any may be missing."""

_MISSING = object()
_RESTORE = "restore it from a copy, or choose another run folder"
_VOTINGS = get_args(Voting)
_LIMITS = frozenset({"max_tokens", "translation_max_tokens"})
_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false",
          dict: "an object", list: "a list", NoneType: "null"}  # fmt: skip


def read_manifest(path: Path) -> dict[str, Any] | None:
    """Read the manifest of a run folder; None where there is none.

    Raises:
        StoreError: it is not the manifest of a run.
    """
    data = read_regular(path, StoreError, follow_links=False)
    return None if data is None else parse_manifest(data, str(path))


def parse_manifest(data: bytes, where: str) -> dict[str, Any]:
    """Parse a manifest and check the types of the fields that are read.

    Raises:
        StoreError: it is no JSON object, or a field has another type.
    """
    try:
        manifest = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise StoreError(f"{where}: cannot read the manifest: {error}; {_RESTORE}") from error
    if not isinstance(manifest, dict):
        raise StoreError(f"{where}: the manifest is not a JSON object; {_RESTORE}")
    for name, types in _TYPES.items():
        value: Any = manifest
        for part in name.split("."):
            value = value.get(part, _MISSING) if isinstance(value, dict) else _MISSING
        if value is not _MISSING and type(value) not in types:
            raise _error(where, name, value, " or ".join(_WORDS[one] for one in types))
        if type(value) in (int, float) and value < 0 and name != "identity.seed":
            raise _error(where, name, value, "at least 0")
    _check_lists(manifest, where)
    _check_voting(manifest.get("identity", {}), where)
    stored = manifest.pop("checksum", None)  # of an older clc, it has none
    if stored is not None and stored != _checksum(manifest):
        raise StoreError(
            f"{where}: the manifest is damaged or was changed by hand (its checksum differs); "
            f"{_RESTORE}"
        )
    return manifest


def write_manifest(manifest: Mapping[str, Any]) -> bytes:
    """Return a manifest as the JSON of its file, with a checksum of its fields."""
    fields = {**manifest, "checksum": _checksum(manifest)}
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2)


def _checksum(manifest: Mapping[str, Any]) -> int:
    return zlib.crc32(orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS))


def _check_lists(manifest: Mapping[str, Any], where: str) -> None:
    for entry in manifest.get("versions", []):
        if not isinstance(entry, dict):
            raise _error(where, "versions", entry, "a list of objects")
    for entry in manifest.get("earlier_limits", []):
        limits = entry if isinstance(entry, dict) else {}
        if limits.keys() != _LIMITS or any(type(limit) is not int for limit in limits.values()):
            raise _error(where, "earlier_limits", entry, f"objects of {', '.join(sorted(_LIMITS))}")
    for code in manifest.get("identity", {}).get("languages", []):
        if not isinstance(code, str):
            raise _error(where, "identity.languages", code, "a list of texts")


def _check_voting(identity: Mapping[str, Any], where: str) -> None:
    strategy = identity.get("strategy", {})
    voting, name = strategy.get("voting", "majority"), strategy.get("name", "")
    if voting not in _VOTINGS:
        raise _error(where, "identity.strategy.voting", voting, f"one of {', '.join(_VOTINGS)}")
    if "/" in name or "\0" in name:  # it is part of a file's name
        raise _error(where, "identity.strategy.name", name, "a name without /")
    weighting = identity.get("weighting")
    try:
        Weighting(**(weighting or {}))
    except (TypeError, StrategyError) as error:
        raise _error(where, "identity.weighting", weighting, "a weighting of clc") from error
    abstaining = identity.get("abstaining")
    try:
        Abstaining.from_json(abstaining)
    except (TypeError, StrategyError) as error:
        wanted = "settings of clc for withheld answers"
        raise _error(where, "identity.abstaining", abstaining, wanted) from error


def compared_labels(folder: Path) -> list[str]:
    """Return the strategies of a comparison that share a folder; none where it holds one run."""
    if (folder / "manifest.json").is_file():
        return []
    return sorted(path.name.split(".")[1] for path in folder.glob("manifest.*.json"))


def missing_manifest(where: str) -> StoreError:
    """Make the error for a run that was sampled and has no manifest any more."""
    return StoreError(
        f"{where}: its manifest.json is missing, which says how its votes are counted; {_RESTORE}"
    )


def check_whole(manifest: Mapping[str, Any] | None, done: int, where: str) -> None:
    """Check that a run that was finished has all its problems.

    Args:
        manifest: the stored one.
        done: number of problems that are stored with all their paths.
        where: the run's folder, for the error.

    Raises:
        StoreError: some are missing.
    """
    fields = manifest or {}
    problems = fields.get("problems") if fields.get("finished") else None
    if problems is not None and done < problems:
        raise StoreError(
            f"{where}: {problems - done:,} of the {problems:,} problems of this finished run are "
            "not whole in the store any more; the command that made the run samples what is missing"
        )


def _error(where: str, name: str, value: object, needed: str) -> StoreError:
    return StoreError(f"{where}: {name} of the manifest is {value!r:.60}, not {needed}; {_RESTORE}")
