"""New run folders whose input is refused."""

import pytest

from clc.errors import ConfigurationError
from clc.records import ReasoningPath, Usage
from clc.runs.store import Store
from clc.runs.unused import removing_unused


def refuse(folder, *paths):
    with removing_unused(folder), Store(folder) as store:
        for path in paths:
            store.add_path(path)
        raise ConfigurationError("refused")


def test_a_new_folder_goes_unless_it_has_a_path(tmp_path):
    with pytest.raises(ConfigurationError):
        refuse(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    path = ReasoningPath("key", "p", "en", 0, 5, "The answer is 7", "stop", Usage())
    with pytest.raises(ConfigurationError):
        refuse(tmp_path / "one", path)
    with Store(tmp_path / "one", read_only=True) as store:
        assert store.count("paths") == 1
