# Made by: python -m tests.test_namespace

from clc.analysis.paired import compare as compare
from clc.analysis.scoring import score as score
from clc.answers import canonical as canonical
from clc.answers import extract_answer as extract_answer
from clc.answers import numbers_in as numbers_in
from clc.api import asolve as asolve
from clc.api import asolve_many as asolve_many
from clc.api import solve as solve
from clc.api import solve_many as solve_many
from clc.datasets import load_problems as load_problems
from clc.engines.base import Completion as Completion
from clc.engines.base import Engine as Engine
from clc.engines.base import Request as Request
from clc.engines.confidence import Measure as Measure
from clc.engines.engine_file.parse import load_engine_file as load_engine_file
from clc.engines.engine_file.record import EngineSpec as EngineSpec
from clc.engines.factory import open_engine as open_engine
from clc.engines.openai.endpoint_spec import EndpointSpec as EndpointSpec
from clc.errors import BudgetError as BudgetError
from clc.errors import ClcError as ClcError
from clc.errors import ConfigurationError as ConfigurationError
from clc.errors import DatasetError as DatasetError
from clc.errors import EngineError as EngineError
from clc.errors import InputError as InputError
from clc.errors import LanguageError as LanguageError
from clc.errors import RunError as RunError
from clc.errors import StoreError as StoreError
from clc.errors import StrategyError as StrategyError
from clc.errors import TemplateError as TemplateError
from clc.prices import Prices as Prices
from clc.prompts.templates import Templates as Templates
from clc.records import AbstainReason as AbstainReason
from clc.records import Abstention as Abstention
from clc.records import Answer as Answer
from clc.records import Confidence as Confidence
from clc.records import Problem as Problem
from clc.records import ReasoningPath as ReasoningPath
from clc.records import Sampling as Sampling
from clc.records import Usage as Usage
from clc.records import Verdict as Verdict
from clc.records import Vote as Vote
from clc.runs.open import open_run as open_run
from clc.runs.revote import revote as revote
from clc.runs.store import Store as Store
from clc.solving.configuration import Configuration as Configuration
from clc.solving.configuration import Online as Online
from clc.solving.configure import configure as configure
from clc.solving.run import Run as Run
from clc.strategies.catalogue import STRATEGIES as STRATEGIES
from clc.strategies.files import load_strategy as load_strategy
from clc.strategies.strategy import Arm as Arm
from clc.strategies.strategy import Planner as Planner
from clc.strategies.strategy import Strategy as Strategy
from clc.version import __version__ as __version__
from clc.voting.abstaining import Abstaining as Abstaining
from clc.voting.stopping import Stopping as Stopping
from clc.voting.tally import vote as vote
from clc.voting.weighting import Weighting as Weighting

_PUBLIC: dict[str, tuple[str, ...]]
_MODULE_OF: dict[str, str]
__all__ = [  # noqa: RUF022
    "AbstainReason",
    "Abstaining",
    "Abstention",
    "Answer",
    "Arm",
    "BudgetError",
    "ClcError",
    "Completion",
    "Confidence",
    "Configuration",
    "ConfigurationError",
    "DatasetError",
    "EndpointSpec",
    "Engine",
    "EngineError",
    "EngineSpec",
    "InputError",
    "LanguageError",
    "Measure",
    "Online",
    "Planner",
    "Prices",
    "Problem",
    "ReasoningPath",
    "Request",
    "Run",
    "RunError",
    "STRATEGIES",
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
    "load_engine_file",
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
