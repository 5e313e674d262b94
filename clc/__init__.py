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
    from clc.analysis.paired import compare
    from clc.analysis.scoring import score
    from clc.answers import canonical, extract_answer, numbers_in
    from clc.api import asolve, asolve_many, solve, solve_many
    from clc.datasets import load_problems
    from clc.engines.base import Completion, Engine, Request
    from clc.engines.confidence import Measure
    from clc.engines.factory import open_engine
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
    from clc.prompts.templates import Templates
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
    from clc.runs.open import open_run
    from clc.runs.revote import revote
    from clc.runs.store import Store
    from clc.solving.configuration import Configuration, Online
    from clc.solving.configure import configure
    from clc.solving.run import Run
    from clc.strategies.catalogue import STRATEGIES
    from clc.strategies.files import load_strategy
    from clc.strategies.strategy import Arm, Planner, Strategy
    from clc.voting.stopping import Stopping
    from clc.voting.tally import vote
    from clc.voting.weighting import Weighting

_HOMES = {
    "clc.analysis.paired": ("compare",),
    "clc.analysis.scoring": ("score",),
    "clc.answers": ("canonical", "extract_answer", "numbers_in"),
    "clc.api": ("asolve", "asolve_many", "solve", "solve_many"),
    "clc.datasets": ("load_problems",),
    "clc.engines.base": ("Completion", "Engine", "Request"),
    "clc.engines.confidence": ("Measure",),
    "clc.engines.factory": ("open_engine",),
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
    "clc.prompts.templates": ("Templates",),
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
    "clc.runs.open": ("open_run",),
    "clc.runs.revote": ("revote",),
    "clc.runs.store": ("Store",),
    "clc.solving.configuration": ("Configuration", "Online"),
    "clc.solving.configure": ("configure",),
    "clc.solving.run": ("Run",),
    "clc.strategies.catalogue": ("STRATEGIES",),
    "clc.strategies.files": ("load_strategy",),
    "clc.strategies.strategy": ("Arm", "Planner", "Strategy"),
    "clc.voting.stopping": ("Stopping",),
    "clc.voting.tally": ("vote",),
    "clc.voting.weighting": ("Weighting",),
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
