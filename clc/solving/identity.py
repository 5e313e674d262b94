"""The settings that decide the paths of a run."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import orjson

from clc.errors import ConfigurationError
from clc.runs.manifest import begun_with
from clc.strategies.strategy import required_templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.prompts.templates import Templates
    from clc.solving.configuration import Configuration

__all__ = ["as_begun", "identity"]

_log = logging.getLogger(__name__)


def as_begun(configuration: Configuration, manifest: Mapping[str, Any] | None) -> Configuration:
    """Return the configuration with which a stored run goes on.

    In a run that was begun before ``untranslated`` was a setting, paths without a translation
    abstain until its end.
    """
    wanted = configuration.untranslated
    recorded = "untranslated" in (manifest or {}).get("identity", {})
    if recorded or begun_with(manifest, "untranslated") in (None, wanted):
        return configuration
    _log.warning(
        "this run was begun by an older clc: paths without a translation abstain in it; another "
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
) -> dict[str, Any]:
    """Return everything that decides the paths of a run, as JSON values.

    ``engine``, ``translator`` and the values of ``voters`` are fingerprints. Versions are not part
    of it: they are recorded, and a later version may finish a run.

    Raises:
        ConfigurationError: a setting is not text in UTF-8.
    """
    strategy = configuration.strategy
    settings = asdict(configuration)
    values = {
        **settings,
        "strategy": {
            name: settings["strategy"][name] for name in ("name", "arms", "voting", "planner")
        },
        "languages": list(configuration.languages or strategy.languages),
        "engine": engine,
        "translator": translator,
        "voter_engines": dict(voters) if voters else None,
        "templates": {name: templates.get(name).hash for name in required_templates(strategy)},
        "cues": templates.cues_hash,
        "prompt_data": templates.data_hash,
        "dataset": dict(dataset),
        "limit": limit,
    }
    try:
        plain: dict[str, Any] = orjson.loads(orjson.dumps(values))
    except orjson.JSONEncodeError as error:
        raise ConfigurationError(
            f"a setting of the run cannot be written as JSON: {error}; give names in UTF-8"
        ) from error
    return plain
