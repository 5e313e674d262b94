"""Cross-lingual consistency: reason in many languages, take one vote.

>>> import clc
>>> clc.extract_answer("Antwort: 1.234,50", language="de").value
'2469/2'

Everything public is here; ``import clc`` loads none of it until it is used.
"""

from __future__ import annotations

from importlib import import_module

from clc.version import __version__ as __version__

# Public names by module. After a change run: python -m tests.test_namespace
_PUBLIC = {
    "clc.analysis.paired": ("compare",),
    "clc.analysis.scoring": ("score",),
    "clc.answers": ("canonical", "extract_answer", "numbers_in"),
    "clc.api": ("asolve", "asolve_many", "solve", "solve_many"),
    "clc.datasets": ("load_problems",),
    "clc.engines.base": ("Completion", "Engine", "Request"),
    "clc.engines.confidence": ("Measure",),
    "clc.engines.engine_file.parse": ("load_engine_file",),
    "clc.engines.engine_file.record": ("EngineSpec",),
    "clc.engines.factory": ("open_engine",),
    "clc.engines.openai.endpoint_spec": ("EndpointSpec",),
    "clc.errors": (
        "BudgetError",
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
    "clc.prices": ("Prices",),
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
    "clc.voting.abstaining": ("Abstaining",),
    "clc.voting.stopping": ("Stopping",),
    "clc.voting.tally": ("vote",),
    "clc.voting.weighting": ("Weighting",),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(["__version__", *_MODULE_OF])  # noqa: PLE0605  made of one table, as the stub is


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'clc' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
