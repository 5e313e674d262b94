"""The openai engine at servers of this process: one request, or many at once."""

import asyncio
from contextlib import asynccontextmanager

from clc.engines import Completion, Request
from clc.engines.openai.engine import OpenAIEngine
from clc.records import Message, Sampling

from .faulty_server import FaultyServer

KEY = "sk-very-secret-0123456789"


def request(index: int = 0, **sampling) -> Request:
    messages: tuple[Message, ...] = ({"role": "user", "content": "Wie viel ist 9 × 2? 答え"},)
    return Request(f"k{index}", messages, Sampling(**sampling), seed=2**53 - 1 - index)


@asynccontextmanager
async def engine_at(*servers: FaultyServer, model: str = "m", **options):
    options = {"wait_initial_s": 0.01, "wait_max_s": 0.05} | options
    engine = OpenAIEngine(model, [server.url for server in servers], **options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


def ask(*replies, wanted: Request | None = None, **options) -> tuple[Completion, FaultyServer]:
    """Complete one request at a server that gives these replies."""
    options = {"wait_initial_s": 0.001, "wait_max_s": 0.005} | options

    async def run():
        async with FaultyServer(*replies) as server, engine_at(server, **options) as engine:
            return await engine.complete(wanted or request()), server

    return asyncio.run(run())


# Limits


def ask_many(count: int, *replies, servers: int = 1, max_tokens: int = 10, **options):
    async def run():
        running = [FaultyServer(*replies) for _ in range(servers)]
        for server in running:
            await server.__aenter__()
        try:
            async with asyncio.timeout(240), engine_at(*running, **options) as engine:
                wanted = (request(i, max_tokens=max_tokens) for i in range(count))
                got = await asyncio.gather(*(engine.complete(one) for one in wanted))
        finally:
            for server in running:
                await server.die()
        return got, running

    return asyncio.run(run())
