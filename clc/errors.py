"""All errors that clc raises on purpose, with the exit codes of the command line.

::

    ClcError                      1
    ├── InputError                2  bad input
    │   ├── DatasetError          2  a file or row of problems or generations
    │   ├── LanguageError         2  an unknown language code
    │   ├── StrategyError         2  an unknown or contradictory strategy
    │   ├── TemplateError         2  a prompt template that is missing, broken or unsafe
    │   └── ConfigurationError    2  options that contradict each other or the run folder
    └── RunError                  1  a run that could not continue
        ├── EngineError           1  an engine that could not start or is lost
        ├── BudgetError           1  a run whose budget of money is spent
        └── StoreError            2  a run folder that cannot be read or written (no permission,
                                     a full disk): needs another folder, or more space

A single lost path is not an error: it is an abstention with its reason.
"""

from __future__ import annotations

__all__ = [
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
]


class ClcError(Exception):
    """Root of all errors that clc raises on purpose."""

    exit_code = 1


class InputError(ClcError):
    """Invalid input from the caller."""

    exit_code = 2


class DatasetError(InputError):
    """An invalid file of problems or generations, or an invalid row in one.

    The message reads ``FILE:LINE: what is wrong with which value; what to do``.
    """

    @classmethod
    def at(cls, source: str, line: int | None, message: str) -> DatasetError:
        """Build the error for a line (1-based) of ``source``."""
        return cls(f"{source}:{line}: {message}" if line else f"{source}: {message}")


class LanguageError(InputError):
    """A language code that is unknown to the prompts and to CLDR."""


class StrategyError(InputError):
    """An unknown or contradictory strategy."""


class TemplateError(InputError):
    """A prompt template that is missing, broken or unsafe."""


class ConfigurationError(InputError):
    """Options that contradict each other, the machine or the run folder."""


class RunError(ClcError):
    """A run that could not continue; stored paths are kept."""


class EngineError(RunError):
    """An engine that could not start or was lost."""


class BudgetError(RunError):
    """A run whose budget of money is spent."""


class StoreError(RunError):
    """A run folder that cannot be read or written."""

    exit_code = 2
