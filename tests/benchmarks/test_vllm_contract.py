"""What clc uses of vLLM is in the vLLM that is installed."""

import ast

import pytest

from benchmarks.vllm_contract import USES, Use, _names, installed, missing


@pytest.mark.slow
def test_the_installed_vllm_has_what_clc_uses():
    found = installed()
    if found is None:
        pytest.skip("vLLM is not installed")
    name, read = found
    lacking = {use.owner: names for use, names in missing(read) if names and not use.optional}
    assert lacking == {}, name


def test_a_name_that_is_missing_is_found_out():
    source = "class A:\n    x: int = 1\n    def f(self, *, y): self.z = y\nclass B(A): pass\ndef g(): pass\n"
    tree = ast.parse(source)
    assert _names(tree, "") == {"A", "B", "g"}
    assert {"x", "f", "z"} <= _names(tree, "B")
    assert _names(tree, "A.f") == {"self", "y"}
    assert _names(tree, "C") == _names(tree, "A.h") == set()
    lacking = dict(missing(lambda _: source))
    assert all(lacking[use] == list(use.names) for use in USES)
    assert isinstance(USES[0], Use)
