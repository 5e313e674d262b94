"""The models of a vote whose arms name engine files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.engine_file import load_engine_file
from clc.errors import ConfigurationError
from clc.strategies.strategy import engine_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from clc.engines.base import Engine
    from clc.engines.engine_file import EngineSpec
    from clc.records import SamplingSettings
    from clc.solving.verifier import Verifier
    from clc.strategies.strategy import Strategy
    from clc.thoughts import Marks

__all__ = ["check_one_vllm", "load_voters", "open_voters", "voter_sampling"]


def check_one_vllm(specs: Iterable[EngineSpec]) -> None:
    """Check that at most one engine is a vLLM of this process.

    A second one shares the process groups of the first, and both wait for ever.

    Raises:
        ConfigurationError: there are two.
    """
    own = [spec for spec in specs if spec.chosen == "vllm"]
    if len(own) > 1:
        raise ConfigurationError(
            f"{own[-1].path or 'the engine'}: vLLM holds one model in a process: serve one of the "
            'models (vllm serve) and name its [[endpoint]], or give it engine = "transformers"'
        )


def load_voters(strategy: Strategy) -> dict[str, EngineSpec]:
    """Read the engine files that the arms of a strategy name.

    Raises:
        ConfigurationError: one is not there, or is wrong.
    """
    return {name: load_engine_file(name) for name in engine_files(strategy)}


def open_voters(
    voters: Mapping[str, EngineSpec], verifier: Verifier | None, marks: Marks | None = None
) -> dict[str, Engine]:
    """Make the engines, and that of a verifier's judge; nothing is loaded before a request.

    Raises:
        ConfigurationError: settings contradict each other, or no engine is installed.
    """
    opened = {name: spec.open(marks) for name, spec in voters.items()}
    return opened if verifier is None else opened | verifier.open_judge(marks)


def voter_sampling(
    voters: Mapping[str, EngineSpec], settings: Mapping[str, Any], max_tokens: int
) -> dict[str, SamplingSettings]:
    """Return the sampling of each model: that of its file, over the run's.

    Args:
        voters: engine files by name.
        settings: of the run's sampling; None is not given.
        max_tokens: where neither gives it.
    """
    given = {name: value for name, value in settings.items() if value not in (None, ())}
    given.setdefault("max_tokens", max_tokens)
    merged: dict[str, Any] = {
        name: spec.chat.with_room({**given, **spec.sampling_settings()})
        for name, spec in voters.items()
    }
    return merged
