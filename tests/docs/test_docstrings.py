"""The examples in docstrings run and give what they show."""

import doctest
import importlib
import re

import pytest

from .pages import ROOT

_RUNS = re.compile(r">>> (?!.*# doctest: \+SKIP)")
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "clc").rglob("*.py")
    if _RUNS.search(file.read_text(encoding="utf-8"))
)


def test_many_modules_have_examples():
    assert len(MODULES) >= 100


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_show(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried
    assert not failed
