"""The settings that decide the paths of a run."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import orjson

from clc.engines.adjusted import AdjustedEngine
from clc.engines.base import ResizableEngine
from clc.errors import ConfigurationError
from clc.runs.resume import stored_setting
from clc.strategies.strategy import required_templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from clc.engines.base import Engine
    from clc.prompts.templates import Templates
    from clc.solving.configuration import Configuration

__all__ = ["as_begun", "earlier_lengths", "identity", "keep_fingerprints"]

_log = logging.getLogger(__name__)


def as_begun(configuration: Configuration, manifest: Mapping[str, Any] | None) -> Configuration:
    """Return the configuration with which a stored run goes on.

    In a run that was started before ``untranslated`` was a setting, paths without a translation
    abstain until its end.
    """
    wanted = configuration.untranslated
    recorded = "untranslated" in (manifest or {}).get("identity", {})
    if recorded or stored_setting(manifest, "untranslated") in (None, wanted):
        return configuration
    _log.warning(
        "this run was started by an older clc: paths without a translation abstain in it; another "
        "run folder takes --untranslated %s",
        wanted,
    )
    return replace(configuration, untranslated="abstain")


def identity(
    configuration: Configuration,
    templates: Templates,
    *,
    engine: str,
    translator: str,
    dataset: Mapping[str, Any],
    limit: int | None,
    voters: Mapping[str, str] | None = None,
    verifier: str | None = None,
) -> dict[str, Any]:
    """Return everything that decides the paths of a run, as JSON values.

    ``engine``, ``translator``, ``verifier`` and the values of ``voters`` are fingerprints. Versions
    are not part of it: they are recorded, and a later version may finish a run.

    Raises:
        ConfigurationError: a setting is not text in UTF-8.
    """
    strategy = configuration.strategy
    settings = asdict(configuration)
    languages = list(configuration.languages or strategy.languages)
    prompted = {*languages, *(arm.language for arm in strategy.arms)}
    if strategy.planner is not None:
        prompted |= set(strategy.planner.candidates)
    # Manifests from before these fields are those of runs without them.
    if settings["total"] is None:
        del settings["total"]
    stopping = settings["stopping"]
    if stopping["prior"] is None:
        del stopping["prior"]
    else:  # orjson writes no named tuples
        stopping["prior"] = [list(shape) for shape in stopping["prior"]]
    values = {
        **settings,
        "strategy": {
            name: settings["strategy"][name] for name in ("name", "arms", "voting", "planner")
        },
        "languages": languages,
        "engine": engine,
        "translator": translator,
        "verifier": verifier,
        "voter_engines": dict(voters) if voters else None,
        "templates": {name: templates.get(name).hash for name in required_templates(strategy)},
        "cues": templates.cues_hash(prompted),
        "prompt_data": templates.data_hash(prompted),
        "dataset": dict(dataset),
        "limit": limit,
    }
    if templates.vocabulary is not None:
        values["words"] = templates.vocabulary.own
    try:
        plain: dict[str, Any] = orjson.loads(orjson.dumps(values))
    except orjson.JSONEncodeError as error:
        raise ConfigurationError(
            f"a setting of the run cannot be written as JSON: {error}; give names in UTF-8"
        ) from error
    return plain


def earlier_lengths(manifest: Mapping[str, Any] | None) -> tuple[int | None, ...]:
    """Return the longest sequences, in tokens, with which a run may have started; None: not given.

    An older clc wrote the option only.
    """
    stored = manifest or {}
    found = (stored.get("max_model_len"), stored.get("options", {}).get("max-model-len"))
    return (*(one for one in found if isinstance(one, int)), None)


def keep_fingerprints(
    stored: Mapping[str, Any],
    lengths: Iterable[int | None],
    engine: Engine,
    translator: Engine | None,
    voters: Mapping[str, Engine] | None = None,
) -> None:
    """Let engines keep the fingerprints of a stored run that had another longest sequence.

    Args:
        stored: identity of the run.
        lengths: with which it may have started, in tokens.
        engine: samples the paths.
        translator: samples translations, where it is another one.
        voters: engines of arms that name an engine file.
    """
    named = {"translator": translator, "engine": engine, **(voters or {})}
    prints = {**stored, **(stored.get("voter_engines") or {})}
    for name, one in named.items():
        own = one.engine if isinstance(one, AdjustedEngine) else one
        if own is engine and name == "translator":
            continue
        if isinstance(own, ResizableEngine) and isinstance(prints.get(name), str):
            own.keep_fingerprint(prints[name], lengths)
