"""The lm-evaluation-harness as a program that does not list its own tasks.

Reading its 14,000 files of tasks takes it longer than a test here does, and no test names one.
"""

import sys
from functools import partialmethod
from unittest import mock

WITHOUT_ITS_TASKS = """
import functools, runpy, sys
from lm_eval.tasks import TaskManager
started = functools.partialmethod(TaskManager.__init__, include_defaults=False)
TaskManager.__init__ = started
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def harness(module, *arguments, python=sys.executable):
    """Return the command ``python -m module arguments``; ``module`` starts the harness."""
    return [python, "-c", WITHOUT_ITS_TASKS, module, *map(str, arguments)]


def harness_here(*arguments):
    """Run the command line of the harness in this process."""
    from lm_eval.__main__ import cli_evaluate
    from lm_eval.tasks import TaskManager

    started = partialmethod(TaskManager.__init__, include_defaults=False)
    with (
        mock.patch.object(TaskManager, "__init__", started),
        mock.patch.object(sys, "argv", ["lm_eval", *map(str, arguments)]),
    ):
        cli_evaluate()
