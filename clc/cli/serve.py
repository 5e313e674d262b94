"""``clc serve``: cross-lingual voting behind the OpenAI API."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clc.cli.options import engine_options, make_engine, make_translator, sampling_option
from clc.errors import ConfigurationError
from clc.version import install_hint

if TYPE_CHECKING:
    from clc.serving.settings import Settings

__all__ = ["command"]

_COUNT = click.IntRange(min=1)
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8400, show_default=True,
              help="Port to listen on; 0 is any free one.")  # fmt: skip
@click.option("--api-key-file", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="Keys that open the server, one a line; CLC_API_KEY is one, too.")  # fmt: skip
@click.option("--strategy", default="clc", show_default=True, metavar="NAME",
              help="How model clc solves a question.")  # fmt: skip
@click.option("--languages", metavar="CODES", help="Languages to reason in, e.g. en,de,zh.")
@click.option("--paths", type=_COUNT, metavar="N", help="Paths for one question.")
@click.option("--stopping", metavar="RULE", help="When a question has enough paths.")
@sampling_option("temperature")
@sampling_option("max_tokens")
@click.option("--seed", type=int, help="Seed of requests without one.  [default: a new one each]")
@click.option("--prompts", "prompt_folder", metavar="DIR",
              help="Folder of templates that go before ours.")  # fmt: skip
@engine_options
@click.option("--deadline", type=_SECONDS, default=600, show_default=True, metavar="SECONDS",
              help="Longest time for one answer; then the vote is over what is there.")  # fmt: skip
@click.option("--running", type=_COUNT, metavar="N",
              help="Requests worked on at a time.  [default: what fills the window]")  # fmt: skip
@click.option("--queue", type=click.IntRange(min=0), default=256, show_default=True, metavar="N",
              help="Requests that may wait; more are told to come later.")  # fmt: skip
@click.option("--most-paths", type=_COUNT, default=256, show_default=True, metavar="N",
              help="Paths that one request may ask for.")  # fmt: skip
@click.option("--most-languages", type=_COUNT, default=64, show_default=True, metavar="N",
              help="Languages that one request may ask for.")  # fmt: skip
@click.option("--most-tokens", type=_COUNT, default=1 << 18, show_default=True, metavar="N",
              help="New tokens that one request may ask for, over all paths.")  # fmt: skip
@click.option("--most-bytes", type=_COUNT, default=1 << 20, show_default=True, metavar="N",
              help="Largest body of a request.")  # fmt: skip
@click.option("--start-timeout", type=_SECONDS, default=600, show_default=True,
              metavar="SECONDS", help="How long to wait for --base-url to come up.")  # fmt: skip
@click.option("--drain", type=_SECONDS, default=30, show_default=True, metavar="SECONDS",
              help="How long running requests may go on when the server is stopped.")  # fmt: skip
@click.option("--history", metavar="DIR",
              help="Keep every question with its paths in this run folder.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Log warnings only.")
def command(*, quiet: bool, **options: Any) -> None:
    """Serve model clc (a vote) and the plain model behind the OpenAI API.

    \b
    Examples:
      clc serve --model clc-tiny
      clc serve --base-url http://gpu:8000/v1 --model Qwen/Qwen2.5-7B-Instruct
      CLC_API_KEY=... clc serve --host 0.0.0.0 --model clc-tiny
    """  # noqa: D301
    try:
        from clc.serving.http.server import serve
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"clc serve needs the package {error.name}: {install_hint('server')}"
        ) from error
    from clc.prompts.templates import Templates
    from clc.serving.http.history import History
    from clc.serving.http.logs import log_to
    from clc.serving.http.proxy import Upstream

    settings = _settings(options)
    templates = Templates(options["prompt_folder"])
    engine, translator = make_engine(options), make_translator(options)
    log_to(sys.stderr, requests=not quiet)

    async def run() -> None:
        urls = options["base_urls"]
        await serve(
            engine,
            settings,
            templates,
            upstream=Upstream(urls) if urls else None,
            translator=translator,
            history=history,
            start_s=options["start_timeout"],
            ready=lambda it: click.echo(f"clc serves clc and {settings.model} at {it.url}"),
        )

    with ExitStack() as stack:
        folder = options["history"]
        history = None if folder is None else stack.enter_context(History(folder))
        asyncio.run(run())


def _settings(options: dict[str, Any]) -> Settings:
    """Freeze what the options say, and try the defaults before any model is loaded."""
    from clc.serving.settings import Limits, Settings
    from clc.solving.configure import configure

    languages = options["languages"]
    said = {
        "strategy": options["strategy"],
        "languages": None if languages is None else languages.replace(" ", "").split(","),
        "paths": options["paths"],
        "stopping": options["stopping"],
        "temperature": options["temperature"],
        "max_tokens": options["max_tokens"],
        "seed": options["seed"],
    }
    defaults = {name: value for name, value in said.items() if value is not None}
    configure(**defaults)
    model = options["model"]
    return Settings(
        model=Path(model).name if not options["base_urls"] and Path(model).is_dir() else model,
        host=options["host"],
        port=options["port"],
        keys=_keys(options["api_key_file"]),
        defaults=defaults,
        limits=Limits(
            body_bytes=options["most_bytes"],
            paths=options["most_paths"],
            languages=options["most_languages"],
            tokens=options["most_tokens"],
            deadline_s=options["deadline"],
            running=options["running"],
            waiting=options["queue"],
        ),
        drain_s=options["drain"],
    )


def _keys(file: str | None) -> tuple[str, ...]:
    """Read the keys from the environment and the file; none of them is ever an argument."""
    keys = [os.environ.get("CLC_API_KEY", "")]
    if file is not None:
        try:
            keys += Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: cannot read the keys: {error}") from error
    found = tuple(key.strip() for key in keys if key.strip())
    if file is not None and not found:
        raise ConfigurationError(f"{file} holds no key; write one a line")
    return found
