"""The life of a server: start, serve, drain, end."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple, cast

import uvicorn

from clc.datasets import detect_language
from clc.engines.shared import SharedEngine
from clc.errors import ConfigurationError, EngineError
from clc.serving.http.app import make_app
from clc.serving.http.connections import KEEPALIVE_S, bounded_protocol, most_connections
from clc.serving.http.service import Service
from clc.serving.http.shutdown import Shutdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clc.engines.base import Engine
    from clc.prompts.templates import Templates
    from clc.serving.http.history import History
    from clc.serving.http.proxy import Upstream
    from clc.serving.settings import Settings

__all__ = ["Serving", "listen", "serve"]

_log = logging.getLogger("clc.serving")
_RETRY_S = 2.0
_END_S = 5.0
_TICK_S = 0.05
_BACKLOG = 2048
# asyncio accepts as many connections at once; where no file is left it logs each of them.
_ACCEPTED_AT_ONCE = 64
_STALLED_MS = 60_000  # the kernel closes a connection whose client reads nothing for so long


class Serving(NamedTuple):
    """A running server: base URL, service, and ``server.should_exit`` to stop it."""

    url: str
    service: Service
    server: uvicorn.Server


async def serve(
    engine: Engine,
    settings: Settings,
    templates: Templates,
    *,
    upstream: Upstream | None = None,
    translator: Engine | None = None,
    history: History | None = None,
    start_s: float = 600.0,
    ready: Callable[[Serving], None] | None = None,
    stopping: Shutdown | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; the port opens when the engine is ready.

    When stopped, the server takes no new connections, gives running requests
    ``settings.drain_s`` seconds, answers 503 to those that have not ended then, and closes the
    engine. A second signal ends the process at once.

    Args:
        engine: samples the paths.
        settings: address, keys, defaults, limits.
        templates: prompt templates.
        upstream: serves the plain model, where it is not in this process; the start waits for it.
        translator: another engine for translations.
        history: keeps every question with its paths.
        start_s: seconds to wait for an upstream that cannot be reached.
        ready: called when the port is open.
        stopping: handles the signals; by default they are handled while this runs.

    Raises:
        EngineError: the engine cannot start.
        ConfigurationError: the address is in use or not this machine's.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in one
    async with AsyncExitStack() as stack:
        if stopping is None:
            stopping = Shutdown()
            stack.enter_context(stopping.handling())
        try:
            stopping.call(task.cancel)
            await _serve(
                engine, settings, templates, upstream=upstream, translator=translator,
                history=history, start_s=start_s, ready=ready, stopping=stopping,
            )  # fmt: skip
        except asyncio.CancelledError:
            if stopping.received is None:
                raise
            task.uncancel()


async def _serve(
    engine: Engine,
    settings: Settings,
    templates: Templates,
    *,
    upstream: Upstream | None,
    translator: Engine | None,
    history: History | None,
    start_s: float,
    ready: Callable[[Serving], None] | None,
    stopping: Shutdown,
) -> None:
    async with AsyncExitStack() as stack:
        if upstream is not None:
            stack.push_async_callback(upstream.close)
        wait_s = 0.0 if upstream is None else start_s
        lane = await _started(stack, engine, wait_s)
        detect_language("ready")  # loads its model before the first question
        second = None if translator is None else await _started(stack, translator, wait_s)
        service = Service(
            lane, settings, templates, upstream=upstream, translator=second, history=history
        )
        stack.push_async_callback(service.close)
        opened = stack.enter_context(listen(settings.host, settings.port))
        host, port = opened.getsockname()[:2]
        server = _Server(
            uvicorn.Config(
                make_app(service),
                http=bounded_protocol(settings.limits, most_connections()),
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                backlog=_ACCEPTED_AT_ONCE,
                timeout_keep_alive=KEEPALIVE_S,
                timeout_graceful_shutdown=cast("int", settings.drain_s),  # asyncio takes a part
                server_header=False,
            )
        )
        stopping.call(server.stop)
        name = f"[{host}]" if ":" in host else host
        if ready is not None:
            serving = Serving(f"http://{name}:{port}/v1", service, server)
            server.ready = lambda: ready(serving)
        await server.serve(sockets=[opened])


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        ConfigurationError: the address is in use or not this machine's.
    """
    try:
        (family, kind, proto, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        opened = socket.socket(family, kind, proto)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections inherit it
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
            opened.bind(address)
            opened.listen(_BACKLOG)
        except OSError:
            opened.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; give another --host or "
            "--port"
        ) from error
    return opened


class _Server(uvicorn.Server):
    """A uvicorn server that calls ``ready`` after its start, and leaves signals to others."""

    ready: Callable[[], None] | None = None

    def stop(self) -> None:
        """Stop in order."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn's handling ends the process before the engine is closed."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for opened in sockets or ():
            opened.listen(_BACKLOG)
        if self.ready is not None:
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        state, clock = self.server_state, asyncio.get_running_loop().time
        until = clock() + _END_S
        if state.tasks:  # cancelled but not ended
            await asyncio.wait(state.tasks, timeout=_END_S)
        # Their last bytes are being sent.
        while state.connections and clock() < until:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(_TICK_S)
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # in which they are closed


async def _started(stack: AsyncExitStack, engine: Engine, wait_s: float) -> SharedEngine:
    """Start an engine; retry while its endpoint cannot be reached."""
    _log.info("starting the engine")
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    lane = SharedEngine(engine)
    stack.push_async_callback(lambda: lane.close())  # noqa: PLW0108 - of the last one
    while True:
        try:
            await lane.start()
        except EngineError as error:
            if clock() >= until:
                raise
            _log.warning("waiting for the model: %s", error)
            await asyncio.sleep(_RETRY_S)
            lane = SharedEngine(engine)
        else:
            return lane
