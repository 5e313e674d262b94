"""Two of vLLM's own servers over one engine, whose start costs most.

Prints the base URL of each, then serves until SIGTERM. The first gets the given arguments of
``vllm serve``, the second also splits thoughts from answers (``--reasoning-parser``)::

    python -m tests.engines.vllm_servers --model clc-tiny
"""

import asyncio
import sys
from copy import deepcopy

from clc.engines.environment import without_collections

with without_collections():
    from vllm.entrypoints.launchers.api_server.entry import (
        build_and_serve,
        build_async_engine_client,
    )
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.entrypoints.launchers.launcher import setup_server
    from vllm.utils.argparse_utils import FlexibleArgumentParser


async def serve(arguments: list[str]) -> None:
    plain = make_arg_parser(FlexibleArgumentParser()).parse_args(
        [*arguments, "--host", "127.0.0.1", "--port", "0"]
    )
    splitting = deepcopy(plain)
    splitting.structured_outputs_config.reasoning_parser = "qwen3"
    async with build_async_engine_client(plain) as engine:
        servers = []
        for given in (plain, splitting):
            address, bound = setup_server(given, reuse_port=False)
            servers.append(asyncio.create_task(build_and_serve(engine, address, bound, given)))
            print(f"http://127.0.0.1:{bound.getsockname()[1]}/v1", flush=True)  # noqa: T201
        # A signal ends the server that was last to ask for it, and the engine with it.
        _, others = await asyncio.wait(servers, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
