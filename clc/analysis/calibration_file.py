"""The file that ``clc calibrate`` writes: a portfolio, and the prior of ``bayes``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clc.errors import ConfigurationError
from clc.input_files import read_regular

__all__ = ["read_calibration"]


def read_calibration(path: str | Path) -> Any:
    """Return the JSON of a calibration file.

    Raises:
        ConfigurationError: it cannot be read, or is not JSON.
    """
    import orjson

    content = read_regular(Path(path), ConfigurationError)
    if content is None:
        raise ConfigurationError(
            f"{path}: cannot be read: no such file; name the --out of clc calibrate"
        )
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path}:{error.lineno}: is not JSON ({error.msg}); name the --out of clc calibrate"
        ) from error
