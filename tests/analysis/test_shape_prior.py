"""The prior of ``bayes`` in a calibration file, and its faults."""

import orjson
import pytest

from clc.analysis.shape_prior import prior_json, read_prior
from clc.errors import ConfigurationError
from clc.voting.shapes import learn_shapes, smooth_shapes


def test_a_prior_is_read_as_it_was_written(tmp_path):
    shapes = learn_shapes([[5], [5], [3, 2], [2, 2, 1]])
    file = tmp_path / "calibrated.json"
    file.write_bytes(orjson.dumps({"prior": prior_json(shapes, 5), "advice": "none"}))
    assert read_prior(file) == smooth_shapes(shapes, 5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"prior\.json:1: is not JSON"),
        ("[]", "'prior' is None, not an object"),
        ('{"prior": {"paths": 0, "shapes": [[1, 0, 0, 1]]}}', r"'prior\.paths' must be .* not 0"),
        ('{"prior": {"shapes": [[1, 0, 0, 1]]}}', r"'prior\.paths' must be .* not None"),
        ('{"prior": {"paths": 5, "shapes": []}}', r"'prior\.shapes' is \[\], not a list"),
        ('{"prior": {"paths": 5, "shapes": [[1, 0, 0]]}}', r"'prior\.shapes\[0\]' is \[1, 0, 0\]"),
        ('{"prior": {"paths": 5, "shapes": [[0.2, 0.8, 0, 1]]}}', r"shapes\[0\]' is \[0\.2, 0\.8"),
        ('{"prior": {"paths": 5, "shapes": [[0.5, 0.2, 0, 1]]}}', r"shapes\[0\]'"),
        ('{"prior": {"paths": 5, "shapes": [[1, 0, 0, 1], [1, 0, 0, 0]]}}', r"shapes\[1\]'"),
        ('{"prior": {"paths": 5, "shapes": [[true, 0, 0, 1]]}}', r"shapes\[0\]' is \[True"),
    ],
)
def test_a_wrong_prior_is_named_with_its_file(tmp_path, content, message):
    file = tmp_path / "prior.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=message) as error:
        read_prior(file)
    assert str(file) in str(error.value)


def test_a_prior_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.json: cannot be read: no such file"):
        read_prior(tmp_path / "none.json")
