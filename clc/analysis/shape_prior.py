"""The prior of the stopping rule ``bayes``, as ``clc calibrate`` writes it into its file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from clc.analysis.calibration_file import read_calibration
from clc.bounds import PATHS, abbreviate
from clc.errors import ConfigurationError
from clc.voting.shapes import Shape, smooth_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["prior_json", "read_prior"]

_TOLERANCE = 1e-6  # of the sum of a shape's shares


def prior_json(shapes: Sequence[Shape], paths: int) -> dict[str, Any]:
    """Return learned shapes as the value of ``prior`` in a calibration file.

    Args:
        shapes: of questions with ``paths`` paths; see ``clc.voting.shapes.learn_shapes``.
        paths: votes of a question, at most.
    """
    return {"paths": paths, "shapes": [list(one) for one in shapes]}


def read_prior(path: str | Path) -> tuple[Shape, ...]:
    """Read the shapes that a calibration file holds, with half a vote added to each share.

    Raises:
        ConfigurationError: the file cannot be read, has no prior, or a shape is invalid.
    """
    data = read_calibration(path)
    prior = data.get("prior") if isinstance(data, dict) else None
    if not isinstance(prior, dict):
        raise ConfigurationError(
            f"{path}: 'prior' is {abbreviate(prior)}, not an object; run clc calibrate again"
        )
    return _shapes(prior, str(path))


def _shapes(prior: Mapping[str, Any], path: str) -> tuple[Shape, ...]:
    paths = PATHS.check(f"{path}: 'prior.paths'", prior.get("paths"))
    rows = prior.get("shapes")
    if not isinstance(rows, list) or not rows:
        raise ConfigurationError(
            f"{path}: 'prior.shapes' is {abbreviate(rows)}, not a list of shapes"
        )
    for index, row in enumerate(rows):
        if not _is_shape(row):
            raise ConfigurationError(
                f"{path}: 'prior.shapes[{index}]' is {abbreviate(row)}; give [top, second, rest, "
                "weight]: shares that fall and sum to 1 (rest may be larger), a weight above 0"
            )
    return smooth_shapes((Shape(*map(float, row)) for row in rows), paths)


def _is_shape(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != len(Shape._fields):
        return False
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in row):
        return False
    top, second, rest, weight = map(float, row)
    whole = abs(top + second + rest - 1) < _TOLERANCE
    return whole and 0 <= second <= top and rest >= 0 and 0 < weight < math.inf
