"""The environment in which torch and vLLM are imported."""

import gc
import subprocess
import sys
from contextlib import suppress

from clc.engines.environment import without_collections


def test_collections_go_on_after_the_block_and_stay_off_where_they_were():
    with suppress(ImportError), without_collections():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_nothing_is_collected_at_the_exit_of_a_process():
    code = """
import atexit, gc
from clc.engines.environment import without_collections
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # runs after what is registered later
with without_collections():
    pass
print(gc.get_freeze_count())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\nTrue\n"
