"""Every error that clc raises on purpose, and the exit code of the command line for each.

::

    ClcError                  exits 1
    ├── InputError            bad input: exits 2
    │   ├── DatasetError      a file or row of problems or generations
    │   ├── LanguageError     an unknown language code
    │   ├── StrategyError     an unknown or contradictory strategy
    │   ├── TemplateError     a prompt template that is missing, broken or unsafe
    │   └── ConfigurationError  options that contradict each other or the run folder
    └── RunError              a run that could not go on; what was stored stays: exits 1
        ├── EngineError       an engine that could not start or is lost: exits 1
        └── StoreError        the run folder cannot be read or written (no permission, full disk):
                              exits 2, because another folder or more room is what helps

A single lost path is not an error: it is an abstention with its reason.
"""

from __future__ import annotations

__all__ = [
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
    """Something that the caller gave is wrong."""

    exit_code = 2


class DatasetError(InputError):
    """A file of problems or generations, or one of its rows, is wrong.

    The message reads ``FILE:LINE: what is wrong with which value; what to do``.
    """

    @classmethod
    def at(cls, source: str, line: int | None, message: str) -> DatasetError:
        """Make the error for a line (1-based) of ``source``."""
        return cls(f"{source}:{line}: {message}" if line else f"{source}: {message}")


class LanguageError(InputError):
    """A language code that neither the prompts nor CLDR know."""


class StrategyError(InputError):
    """A strategy that is unknown or contradicts itself."""


class TemplateError(InputError):
    """A prompt template that is missing, broken or unsafe."""


class ConfigurationError(InputError):
    """Options that contradict each other, the machine or the run folder."""


class RunError(ClcError):
    """A run that could not go on; what was stored stays."""


class EngineError(RunError):
    """An engine that could not start, or was lost."""


class StoreError(RunError):
    """The run folder cannot be read or written."""

    exit_code = 2
