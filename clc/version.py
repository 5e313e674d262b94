"""The version and the name of the distribution, in one place."""

__all__ = ["DISTRIBUTION", "__version__", "install_hint"]

__version__ = "0.1.0"

# What pip calls us. On PyPI `clc` is somebody else's package: charts on a terminal, of 2013.
DISTRIBUTION = "crosslingual-consistency"


def install_hint(extra: str) -> str:
    """The command that installs an optional part.

    >>> install_hint("vllm")
    "pip install 'crosslingual-consistency[vllm]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"
