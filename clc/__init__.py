"""Cross-lingual consistency: reason in many languages, take one vote.

>>> import clc
>>> clc.extract_answer("Antwort: 1.234,50", language="de").value
'2469/2'

Everything public is here; ``import clc`` loads none of it until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from clc.version import __version__

if TYPE_CHECKING:
    from clc.answers import canonical, extract_answer, numbers_in
    from clc.api import Run, asolve, asolve_many, configure, solve, solve_many
    from clc.catalogue import STRATEGIES
    from clc.confidence import Measure, Weighting
    from clc.configuration import Configuration, Online
    from clc.datasets import load_problems
    from clc.engines.opening import open_engine
    from clc.engines.seam import Completion, Engine, Request
    from clc.errors import (
        ClcError,
        ConfigurationError,
        DatasetError,
        EngineError,
        InputError,
        LanguageError,
        RunError,
        StoreError,
        StrategyError,
        TemplateError,
    )
    from clc.records import (
        AbstainReason,
        Abstention,
        Answer,
        Confidence,
        Problem,
        ReasoningPath,
        Sampling,
        Usage,
        Verdict,
        Vote,
    )
    from clc.results import open_run, revote
    from clc.scoring import compare, score
    from clc.stopping import Stopping
    from clc.store import Store
    from clc.strategies import Arm, Planner, Strategy
    from clc.strategy_files import load_strategy
    from clc.templates import Templates
    from clc.voting import vote

_HOMES = {
    "clc.answers": ("canonical", "extract_answer", "numbers_in"),
    "clc.api": ("Run", "asolve", "asolve_many", "configure", "solve", "solve_many"),
    "clc.catalogue": ("STRATEGIES",),
    "clc.confidence": ("Measure", "Weighting"),
    "clc.configuration": ("Configuration", "Online"),
    "clc.datasets": ("load_problems",),
    "clc.engines.opening": ("open_engine",),
    "clc.engines.seam": ("Completion", "Engine", "Request"),
    "clc.errors": (
        "ClcError",
        "ConfigurationError",
        "DatasetError",
        "EngineError",
        "InputError",
        "LanguageError",
        "RunError",
        "StoreError",
        "StrategyError",
        "TemplateError",
    ),
    "clc.records": (
        "AbstainReason",
        "Abstention",
        "Answer",
        "Confidence",
        "Problem",
        "ReasoningPath",
        "Sampling",
        "Usage",
        "Verdict",
        "Vote",
    ),
    "clc.results": ("open_run", "revote"),
    "clc.scoring": ("compare", "score"),
    "clc.stopping": ("Stopping",),
    "clc.store": ("Store",),
    "clc.strategies": ("Arm", "Planner", "Strategy"),
    "clc.strategy_files": ("load_strategy",),
    "clc.templates": ("Templates",),
    "clc.voting": ("vote",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "STRATEGIES",
    "AbstainReason",
    "Abstention",
    "Answer",
    "Arm",
    "ClcError",
    "Completion",
    "Confidence",
    "Configuration",
    "ConfigurationError",
    "DatasetError",
    "Engine",
    "EngineError",
    "InputError",
    "LanguageError",
    "Measure",
    "Online",
    "Planner",
    "Problem",
    "ReasoningPath",
    "Request",
    "Run",
    "RunError",
    "Sampling",
    "Stopping",
    "Store",
    "StoreError",
    "Strategy",
    "StrategyError",
    "TemplateError",
    "Templates",
    "Usage",
    "Verdict",
    "Vote",
    "Weighting",
    "__version__",
    "asolve",
    "asolve_many",
    "canonical",
    "compare",
    "configure",
    "extract_answer",
    "load_problems",
    "load_strategy",
    "numbers_in",
    "open_engine",
    "open_run",
    "revote",
    "score",
    "solve",
    "solve_many",
    "vote",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'clc' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
