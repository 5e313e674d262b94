"""``clc serve``: cross-lingual voting behind the OpenAI API."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clc import bounds
from clc.cli.limit_options import LimitOptions
from clc.cli.options import (
    EngineOptions,
    NumberType,
    OptionGroup,
    grouped,
    option,
    split_codes,
)
from clc.cli.sampling_options import sampled
from clc.errors import ConfigurationError
from clc.records import Sampling
from clc.version import install_hint

if TYPE_CHECKING:
    from clc.engines.engine_file import EngineSpec
    from clc.serving.settings import Limits

__all__ = ["command"]


@dataclass(frozen=True)
class _DefaultOptions(OptionGroup):
    """Settings of requests that do not give their own: arguments of ``configure``."""

    strategy: str = option(
        "--strategy",
        default="clc",
        show_default=True,
        metavar="NAME",
        help="How model clc solves a question.",
    )
    languages: str | None = option(
        "--languages", metavar="CODES", help="Languages to reason in, e.g. en,de,zh."
    )
    paths: int | None = option(
        "--paths", type=NumberType(bounds.PATHS), metavar="N", help="Paths for one question."
    )
    stopping: str | None = option(
        "--stopping", metavar="RULE", help="Rule that ends a question early."
    )
    temperature: float | None = sampled()
    max_tokens: int | None = sampled()
    translation_max_tokens: int | None = option(
        "--translation-max-tokens",
        type=NumberType(bounds.TOKENS),
        metavar="N",
        help="Most tokens of a translation, with its thought.  [default: those of a path]",
    )
    seed: int | None = option(
        "--seed",
        type=NumberType(bounds.SEED),
        help="Seed of requests without one.  [default: a new one each]",
    )  # fmt: skip

    def settings(self, engine: EngineSpec) -> dict[str, Any]:
        """Check the settings and return those that are given, with the engine's sampling.

        Raises:
            InputError: a value is out of range, or options contradict each other.
        """
        from clc.solving.configure import configure

        given = asdict(self) | {"languages": split_codes(self.languages)}
        defaults = engine.with_settings(given, default_max_tokens=Sampling().max_tokens)
        configure(**defaults)
        return defaults


@dataclass(frozen=True)
class _ServerLimitOptions(LimitOptions):
    """Limits on one request and on all together."""

    most_bytes: int = option(
        "--most-bytes", type=NumberType(bounds.BYTES), default=1 << 20, show_default=True,
        metavar="N", help="Largest body of a request.")  # fmt: skip
    deadline: float = option(
        "--deadline", type=NumberType(bounds.SECONDS), default=600, show_default=True,
        metavar="SECONDS",
        help="Longest time for one answer; then the vote is over the paths so far.")  # fmt: skip
    running: int | None = option(
        "--running", type=NumberType(bounds.WINDOW), metavar="N",
        help="Requests worked on at a time.  [default: as many as fill the window]")  # fmt: skip
    queue: int = option(
        "--queue", type=NumberType(bounds.WAITING), default=256, show_default=True, metavar="N",
        help="Requests that may wait; others are refused with 429.")  # fmt: skip

    def limits(self) -> Limits:
        from clc.serving.settings import Limits

        return Limits(
            body_bytes=self.most_bytes,
            characters=self.most_characters,
            paths=self.most_paths,
            languages=self.most_languages,
            tokens=self.most_tokens,
            deadline_s=self.deadline,
            running=self.running,
            waiting=self.queue,
        )


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=NumberType(bounds.PORT), default=8400, show_default=True,
              help="Port to listen on; 0 is any free one.")  # fmt: skip
@click.option("--api-key-file", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="Keys that open the server, one a line; CLC_API_KEY is one, too.")  # fmt: skip
@grouped("defaults", _DefaultOptions)
@click.option("--prompts", "prompt_folder", metavar="DIR",
              help="Folder of templates that override the bundled ones.")  # fmt: skip
@grouped("engine", EngineOptions)
@grouped("limits", _ServerLimitOptions)
@click.option("--start-timeout", "start_s", type=NumberType(bounds.SECONDS), default=600,
              show_default=True, metavar="SECONDS",
              help="Longest wait for --base-url to answer.")  # fmt: skip
@click.option("--drain", "drain_s", type=NumberType(bounds.SECONDS), default=30, show_default=True,
              metavar="SECONDS",
              help="Time for running requests to end when the server is stopped.")  # fmt: skip
@click.option("--history", "history_folder", metavar="DIR",
              help="Keep every question with its paths in this run folder.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Log warnings only.")
def command(
    *,
    host: str,
    port: int,
    api_key_file: str | None,
    defaults: _DefaultOptions,
    prompt_folder: str | None,
    engine: EngineOptions,
    limits: _ServerLimitOptions,
    start_s: float,
    drain_s: float,
    history_folder: str | None,
    quiet: bool,
) -> None:
    """Serve model clc (a vote) and the plain model behind the OpenAI API.

    \b
    Examples:
      clc serve --model clc-tiny
      clc serve --base-url http://gpu:8000/v1 --model Qwen/Qwen2.5-7B-Instruct
      CLC_API_KEY=... clc serve --host 0.0.0.0 --model clc-tiny
    """  # noqa: D301
    try:
        from clc.serving.http.server import serve
        from clc.serving.http.shutdown import Shutdown
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"clc serve needs the package {error.name}: {install_hint('server')}"
        ) from error
    from clc.cli.text import echo
    from clc.prompts.templates import Templates
    from clc.serving.http.history import History
    from clc.serving.http.logs import log_to
    from clc.serving.http.proxy import Upstream
    from clc.serving.settings import Settings

    stopping = Shutdown()
    templates = Templates(prompt_folder)
    settings = Settings(
        model=engine.spec.served_name,
        host=host,
        port=port,
        keys=_keys(api_key_file),
        defaults=defaults.settings(engine.spec),
        limits=limits.limits(),
        scripts=templates.scripts,
        drain_s=drain_s,
    )
    engine.spec.chat.check_room(settings.defaults["max_tokens"])
    log_to(sys.stderr, requests=not quiet)

    with ExitStack() as stack:
        stack.enter_context(stopping.handling())
        opened, translator = engine.open(templates.marks)
        history = None if history_folder is None else stack.enter_context(History(history_folder))
        asyncio.run(
            serve(
                opened,
                settings,
                templates,
                upstream=Upstream(endpoints) if (endpoints := engine.spec.endpoints) else None,
                translator=translator,
                history=history,
                start_s=start_s,
                ready=lambda it: echo(f"clc serves clc and {settings.model} at {it.url}"),
                stopping=stopping,
            )
        )
    if stopping.received == signal.SIGINT:
        raise KeyboardInterrupt


def _keys(file: str | None) -> tuple[str, ...]:
    """Read the keys from the environment and the file; a key is never an argument."""
    keys = [os.environ.get("CLC_API_KEY", "")]
    if file is not None:
        try:
            keys += Path(file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: cannot read the keys: {error}") from error
    given = tuple(key.strip() for key in keys if key.strip())
    if file is not None and not given:
        raise ConfigurationError(f"{file} holds no key; write one a line")
    return given
