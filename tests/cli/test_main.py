"""Exit codes of the command line, and the error for a mistyped command."""

import re
from unittest import mock

import pytest

from clc import errors

from .running import call

KINDS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_exits_as_its_docstring_says(kind):
    with mock.patch("clc.cli.cli.main", side_effect=kind("what is wrong")):
        done = call("solve")
    assert done.stderr == "clc: what is wrong\n"
    assert re.search(rf"\b{kind.__name__} +{done.returncode}\b", errors.__doc__)
    bad_input = issubclass(kind, errors.InputError | errors.StoreError)
    assert done.returncode == (2 if bad_input else 1)


def test_an_interrupt():
    with mock.patch("clc.cli.cli.main", side_effect=KeyboardInterrupt):
        assert call("solve").returncode == 130


def test_a_mistyped_command_names_the_one_that_is_meant():
    done = call("sovle", "x.tsv")
    assert done.returncode == 2
    assert "No such command 'sovle'. Did you mean 'solve'?" in done.stderr
    done = call("qqq")
    assert done.returncode == 2
    assert "No such command 'qqq'." in done.stderr
