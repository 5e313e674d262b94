"""``clc serve`` on Ray Serve: each replica holds an engine and answers all routes of the server.

serve run examples.ray_serve:app model=clc-tiny replicas=2
python examples/ray_serve.py model=Qwen/Qwen2.5-7B-Instruct replicas=8 gpus=1 paths=22

What docs/server.md says of routes, models and errors holds here: the very same app answers. Keys
are read from ``CLC_API_KEY`` on the nodes; without one only this machine may ask. ``host`` and
``port`` are those of Serve's proxy: the second command opens it there, the first needs them said to
Serve, too.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from ray import serve
from ray.serve import Application

from clc.datasets import detect_language
from clc.engines.base import Engine
from clc.engines.factory import open_engine
from clc.engines.shared import SharedEngine
from clc.prompts.templates import Templates
from clc.serving.http.app import make_app
from clc.serving.http.logs import log_to
from clc.serving.http.service import Service
from clc.serving.settings import Settings
from clc.solving.configure import configure

DRAIN_S = 30.0


class Arguments(BaseModel):
    """Arguments of the command, as ``name=value``."""

    model_config = ConfigDict(extra="forbid")

    model: str = "clc-tiny"
    engine: str = "auto"
    strategy: str = "clc"
    languages: str | None = None
    paths: int | None = None
    max_tokens: int = 1024
    replicas: int = 1
    gpus: float = 0
    cpus: float = 1
    host: str = "127.0.0.1"
    port: int = 8000


def app(args: Arguments) -> Application:
    """Build what ``serve run`` deploys, from what stands behind it."""
    return deployed(args)


def deployed(args: Arguments, make_engine: Callable[[], Engine] | None = None) -> Application:
    """Describe the deployment; ``make_engine`` makes a replica's engine in place of ``model``."""
    chosen: dict[str, Any] = {
        "strategy": args.strategy,
        "paths": args.paths,
        "max_tokens": args.max_tokens,
    }
    defaults = {name: value for name, value in chosen.items() if value is not None}
    if args.languages is not None:
        defaults["languages"] = args.languages.split(",")
    configure(**defaults)  # a wrong setting is an error here, not in every replica

    def mounted() -> FastAPI:
        """Make a replica's app; its engine lives on the replica's event loop."""
        key = os.environ.get("CLC_API_KEY", "")
        settings = Settings(
            args.model, host=args.host, keys=(key,) if key else (), defaults=defaults
        )
        lane = SharedEngine(
            make_engine() if make_engine else open_engine(args.model, engine=args.engine)
        )

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            log_to(sys.stderr)
            detect_language("ready")  # loads its model now, and not at the first question
            try:
                await lane.start()
                yield
            finally:
                await lane.close()

        made = make_app(Service(lane, settings, Templates()))
        made.router.lifespan_context = lifespan
        return made

    @serve.deployment(
        name="clc",
        num_replicas=args.replicas,
        ray_actor_options={"num_gpus": args.gpus, "num_cpus": args.cpus},
        max_ongoing_requests=1024,  # the server has a queue of its own, and says when it is full
        graceful_shutdown_timeout_s=DRAIN_S,
    )
    @serve.ingress(mounted)
    class Replica:
        app: FastAPI  # from ``ingress``
        bind: ClassVar[Callable[[], Application]]  # from ``deployment``

        async def check_health(self) -> None:
            """Have Serve start another replica in place of one whose engine is lost."""
            if self.app.state.service.engine_lost:
                raise RuntimeError("the engine is lost")

    return Replica.bind()


if __name__ == "__main__":
    given = Arguments.model_validate(dict(word.split("=", 1) for word in sys.argv[1:]))
    serve.start(http_options={"host": given.host, "port": given.port})
    serve.run(app(given), blocking=True)
