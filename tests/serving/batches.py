"""Batches of chat requests, and their answers by a scripted engine."""

import asyncio
import json

from clc.serving.batch import answer_lines, open_batch
from clc.serving.batch_output import Output
from tests.engines.scripted import ScriptedEngine

from .test_completions import body, make

URL = "/v1/chat/completions"


def row(custom_id, wanted=None, **more):
    line = {"custom_id": custom_id, "method": "POST", "url": URL, "body": wanted or body()}
    return json.dumps(line | more)


def write(folder, *rows, name="in.jsonl"):
    path = folder / name
    path.write_text("".join(f"{one}\n" for one in rows), encoding="utf-8")
    return path


def solve(source, out, engine=None, *, retry=False, **settings):
    """Answer a batch; return its counts, what was answered now, and the engine."""
    engine = engine or ScriptedEngine()
    completions = make(engine, **({"paths": 3} | settings))

    async def main(output):
        try:
            return [done async for done in answer_lines(source, output, completions)]
        finally:
            await completions.close()

    with Output(out, completions.fingerprint, retry=retry) as output:
        batch = open_batch(source, output)
        return batch, asyncio.run(main(output)), engine


def rows(out):
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
