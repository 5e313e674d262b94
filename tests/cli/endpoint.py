"""An endpoint as a process: answers like ScriptedEngine, by messages and seed, but slowly.

Prints its base URL, then serves until it is killed::

    python -m tests.cli.endpoint --delay 0.05 --port 0

Every completion that was asked for is a line of ``--log``: path seed and messages' hash. Requests
after the first ``--answers`` get no reply at all.
"""

import argparse
import asyncio
import hashlib
import json
from itertools import count

from tests.engines.faulty_replies import completion
from tests.engines.faulty_server import FaultyServer
from tests.engines.scripted import say


async def serve(port: int, delay: float, log, answers: float) -> None:
    numbers = count()

    async def reply(exchange) -> None:
        if next(numbers) >= answers:
            await asyncio.Event().wait()
        body = exchange.body
        rng = int(body["seed"]) % 1000 / 1000
        await asyncio.sleep(delay * (0.5 + rng))
        text = say(body["messages"], body["seed"])
        usage = {"prompt_tokens": 11, "completion_tokens": len(text.split()), "total_tokens": 0}
        if log:
            digest = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:16]
            log.write(f"{body['seed']} {digest}\n")
            log.flush()
        await exchange.send_json(200, completion(text, usage=usage))

    async with FaultyServer(reply, port=port) as server:
        print(server.url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--log", type=argparse.FileType("a"))
    parser.add_argument("--answers", type=int, default=float("inf"))
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.delay, given.log, given.answers))
