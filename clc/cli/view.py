"""``clc view``: a run's report in the browser."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

import click

from clc import bounds
from clc.cli.options import NumberType

__all__ = ["command"]


@click.command("view")
@click.argument("run")
@click.option("--port", type=NumberType(bounds.PORT), default=0, metavar="PORT",
              help="Port of 127.0.0.1.  [default: any free one]")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def command(run: str, port: int, *, no_browser: bool) -> None:
    """Show the report of RUN on this machine, until Ctrl-C.

    RUN is what clc report takes. The report is written into a temporary folder: nothing in RUN is
    changed, and no page in it is shown.

    \b
    Examples:
      clc view runs/clc
      clc view runs/clc --port 8500 --no-browser
    """  # noqa: D301
    from tempfile import TemporaryDirectory
    from threading import Thread
    from webbrowser import open as browse

    from clc.analysis.report import write_report
    from clc.analysis.report.page_server import page_server
    from clc.cli.report import open_all
    from clc.cli.text import echo

    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="clc-"))
        page = Path(folder) / "report.html"
        with ExitStack() as sources:
            write_report(open_all((run,), sources), page)
        server = stack.enter_context(page_server(page, port))
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        echo(f"The report of {run} is at {url} - Ctrl-C ends this")
        if not no_browser:
            Thread(target=browse, args=(url,), daemon=True).start()  # some browsers block
        with suppress(KeyboardInterrupt):
            server.serve_forever()
