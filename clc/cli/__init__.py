"""The command line: argument parsing over the public calls, and no logic.

Commands are imported when they are called, so that ``clc --help`` answers at once.
"""

from __future__ import annotations

import errno
import os.path
import sys
from contextlib import contextmanager, suppress
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING

import click

from clc.cli.signals import handle_interrupts, interrupted_status, release_signals
from clc.cli.streams import (
    BROKEN_PIPE,
    close_output,
    pipe_is_broken,
    prepare_streams,
    terminal_width,
)
from clc.errors import ClcError, ConfigurationError
from clc.version import DISTRIBUTION, __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cli", "main"]

_LONGEST_MESSAGE = 4000  # characters
_WIDEST_HELP = 100  # characters
_OUTPUT_ERRORS = frozenset({errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG, errno.EDQUOT})

# Name -> its line in `clc --help`. Each is the `command` of clc.cli.NAME, with _ for -.
COMMANDS = {
    "solve": "Solve a file of problems and store every path.",
    "ask": "Solve one question.",
    "batch": "Answer a file of chat requests in OpenAI's batch format.",
    "serve": "Serve votes and the plain model behind the OpenAI API.",
    "show": "Show how the paths of one problem voted, or find problems to look at.",
    "score": "Score a run, or compare two.",
    "report": "Write a page with a run's figures and every problem's reasoning.",
    "view": "Look at a run's report in the browser.",
    "compare": "Compare strategies at equal budgets.",
    "vote": "Re-vote recorded generations, without a model.",
    "calibrate": "Learn from a run with gold which languages to ask, and how often.",
    "rank-languages": "Rank the languages to reason in, without gold.",
    "extract": "Read the answer out of every recorded generation.",
    "prompts": "List, show and check prompt templates.",
    "languages": "List, show and check what is known of languages.",
    "engines": "List engines, and check engine files.",
    "strategies": "List, show and check strategies.",
    "doctor": "Print versions, devices, engines and proxies, for a report of a bug.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"clc.cli.{cmd_name.replace('-', '_')}").command
        _make_warnings_visible()
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: object,
    ) -> click.Context:
        """Parse the arguments; ``clc --help`` prints here."""
        extra.setdefault("terminal_width", max(min(terminal_width(), _WIDEST_HELP) - 2, 50))
        with _own_pipe_errors():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        with _own_pipe_errors():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the most similar name."""
        name = args[0]
        if name not in COMMANDS:
            from difflib import get_close_matches

            if near := get_close_matches(name, COMMANDS, n=1):
                ctx.fail(f"No such command {name!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class _BrokenPipe(Exception):  # noqa: N818 - an event, as SystemExit is
    """End as SIGPIPE does; click would exit with 1 at a BrokenPipeError."""


@contextmanager
def _own_pipe_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if pipe_is_broken(error):
            raise _BrokenPipe from error
        raise


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command explains itself: clc solve --help",
)
@click.version_option(__version__, prog_name="clc")
def cli() -> None:
    """Cross-lingual consistency: reason in many languages, take one vote.

    \b
    clc ask "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
    clc solve problems.tsv --out runs/first
    clc vote generations.jsonl
    """  # noqa: D301 - click does not wrap text after \b


def main() -> None:
    """Run the command line and exit.

    The status is 0, an error's ``exit_code`` (1 or 2), 130 after SIGINT, 143 after SIGTERM, or 141
    when no one reads the output. An error is one message on standard error.
    """
    prepare_streams()
    handle_interrupts()
    status = 1
    try:
        status = _run()
    except KeyboardInterrupt:
        status = interrupted_status()
    except OSError as error:
        if not pipe_is_broken(error):
            raise
        status = BROKEN_PIPE
    finally:
        release_signals()
        failed = close_output()
    if failed is not None and status in {0, BROKEN_PIPE}:
        status = BROKEN_PIPE if pipe_is_broken(failed) else _report_output(failed)
    sys.exit(status)


def _run() -> int:
    """Run the command line, report its error, and return the exit status."""
    try:
        _alone()
        cli.main(prog_name="clc", standalone_mode=False)
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        _report(_visible(shown.getvalue()))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _report("clc: interrupted\n")
        return interrupted_status()
    except ClcError as error:
        _report(f"clc: {_indented(_visible(str(error)))}\n")
        return error.exit_code
    except (_BrokenPipe, OSError, SystemExit, click.exceptions.Exit) as error:
        return _end_status(error)
    return 0


def _end_status(error: BaseException) -> int:
    """Return the exit status of a command that ended early or could not print."""
    if isinstance(error, _BrokenPipe) or pipe_is_broken(error):
        return BROKEN_PIPE
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, OSError) and _is_output(error):
        return _report_output(error)
    raise error


def _report(message: str) -> None:
    """Write to standard error; that it fails does not change the exit status."""
    with suppress(OSError, ValueError):
        click.echo(message, err=True, nl=False)


def _is_output(error: OSError) -> bool:
    """Whether writing a standard stream failed: such an error names no file."""
    return error.filename is None and error.errno in _OUTPUT_ERRORS


def _report_output(error: OSError) -> int:
    _report(f"clc: standard output cannot be written: {error.strerror or error}\n")
    return 1


def _make_warnings_visible() -> None:
    """Have log records that no handler takes, our warnings, printed as errors are."""
    import logging

    class _Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return _visible(super().format(record))

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Formatter())


# On PyPI `clc` is a package of somebody else, whose only release is of 2013. Its module and its
# command have our names, and pip puts its files over ours, or ours over its, without a word.
_STRANGER = "clc-0.0.1.dist-info"
_MEND = f"pip uninstall clc, then pip install --force-reinstall --no-deps {DISTRIBUTION}"


def _alone() -> None:
    """Look for the stranger of our name.

    One attribute and one look into the folder: it is done at every start.

    Raises:
        ConfigurationError: ``import clc`` finds a package that is not this one.
    """
    import clc

    if getattr(clc, "__version__", None) != __version__:
        raise ConfigurationError(
            f"`import clc` finds another package of that name, or what is left of {DISTRIBUTION} "
            f"after it was removed: {_MEND}"
        )
    beside = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120 - pathlib is slow to import
    if os.path.exists(os.path.join(beside, _STRANGER)):  # noqa: PTH110, PTH118
        click.echo(
            "clc: another package of that name (charts on a terminal) is installed in the same "
            f"place, and removing it removes files of {DISTRIBUTION}: {_MEND}",
            err=True,
        )


def _indented(message: str) -> str:
    """Clip a message, and indent all lines but the first, so that no value passes for another."""
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    return message.replace("\n", "\n  ").replace("\n    ", "\n  ")


def _visible(message: str) -> str:
    """Make an error safe to print: it holds values from files, models and endpoints."""
    from clc.cli.text import visible

    return visible(message, lines=True)
