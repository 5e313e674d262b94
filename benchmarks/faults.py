"""Runs that are disturbed at random: is a path lost, sampled twice, or a verdict changed?

Each run is `clc solve` on a few problems, in a process forked from this one. Faults are planted by
seed into its first attempts: it is killed at a moment or a place (a request, a commit, a file that
is replaced), gets SIGTERM or SIGINT, its disk is full (SQLite's pages, files of a size, a file that
is exported), its commit fails, its clock jumps, its endpoint drops connections, or its engine loses
paths. Then the same command is given until it is finished::

    python -m benchmarks.faults                     # 1,000 runs
    python -m benchmarks.faults --runs 20 --seed 7  # a look

What should be seen: no run that differs from an undisturbed one in a byte of its verdicts, results
and samples or in a row of its store, no stored path that is asked for again, no traceback.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.faults_planted import say, solve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROBLEMS = 8
EXPORTED = ("verdicts.jsonl", "results.json", "samples_clc.jsonl")
TABLES = ("problems", "plans", "prompts", "paths", "steps")
DISTURBED = 4  # attempts at most, before those that are left alone
LEFT_ALONE = 4
SECONDS = 60  # of an attempt: it hangs
CODES = frozenset({0, 1, 2, 130, 143, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT})
KINDS = (
    "kill at a place",
    "kill at a moment",
    "SIGTERM",
    "SIGINT",
    "SQLite full",
    "commit fails",
    "file size",
    "export fails",
    "clock jumps",
    "paths lost",
    "connections dropped",
)


async def endpoint(port: int) -> None:
    """Serve ``say`` under ``/N/v1``, where N percent of the connections are dropped."""
    chance = random.Random(port)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, path, _ = head.decode().split(" ", 2)
                length = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
                body = await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
                reply: Any = {"object": "list", "data": [{"id": "m", "object": "model"}]}
                if method == "POST":
                    asked = json.loads(body)
                    text = say(asked["messages"], asked["seed"])
                    message = {"role": "assistant", "content": text}
                    usage = {"prompt_tokens": 11, "completion_tokens": len(text.split())}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    reply = {"id": "x", "choices": [choice], "usage": usage}
                data = json.dumps(reply).encode()
                whole = (
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + f"Content-Length: {len(data)}\r\n\r\n".encode()
                    + data
                )
                if method == "POST" and chance.random() < int(path.split("/")[1]) / 100:
                    writer.write(whole[: chance.randrange(len(whole))])
                    break
                writer.write(whole)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def attempt(folder: Path, port: int, kinds: Sequence[str], seed: int) -> tuple[int, str, set[str]]:
    """Run the command once; return its exit code, its errors, and the keys that it asked for."""
    log, output = folder.parent / "asked", folder.parent / "output"
    log.write_bytes(b"")
    child = os.fork()
    if not child:
        nowhere = os.open(os.devnull, os.O_RDWR)
        errors = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream, target in ((0, nowhere), (1, nowhere), (2, errors)):
            os.dup2(target, stream)
        try:
            solve(folder, port, kinds, seed, os.open(log, os.O_WRONLY | os.O_APPEND))
        finally:  # of a signal between two statements
            os._exit(130)
    chance = random.Random(-seed)
    if "kill at a moment" in kinds:
        time.sleep(chance.random() * 0.2)
        os.kill(child, signal.SIGKILL)
    until = time.monotonic() + SECONDS
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(child, signal.SIGABRT)
            until += SECONDS
        time.sleep(0.001)
    keys = log.read_text().split()
    return os.waitstatus_to_exitcode(ended[1]), output.read_text(errors="replace"), set(keys)


def rows(folder: Path) -> dict[str, set[Any]]:
    """Return the rows of a store by table; nothing where there are none yet."""
    file = folder / "run.sqlite"
    if not file.exists():
        return {table: set() for table in TABLES}
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        found = {}
        for table in TABLES:
            try:
                found[table] = set(database.execute(f"SELECT * FROM {table}"))  # noqa: S608
            except sqlite3.OperationalError:  # killed before it was made
                found[table] = set()
        return found


def state(folder: Path) -> tuple[Any, ...]:
    """Return everything about a run that must not depend on faults."""
    return rows(folder), [(folder / name).read_bytes() for name in EXPORTED]


def stored(folder: Path) -> set[str]:
    found = rows(folder)
    return {row[0] for table in ("paths", "steps") for row in found[table]}


def is_finished(folder: Path) -> bool:
    file = folder / "manifest.json"
    return file.exists() and bool(json.loads(file.read_bytes())["finished"])


def run(place: Path, port: int, seed: int, whole: tuple[Any, ...], seen: Counter[str]) -> str:
    """Do one run; return what is wrong with it."""
    chance, folder = random.Random(seed), place / "run"
    shutil.rmtree(folder, ignore_errors=True)
    kinds = [kind for kind in KINDS if kind != ("paths lost" if port else "connections dropped")]
    plan = [
        chance.sample(kinds, chance.choice([1, 1, 2])) for _ in range(chance.randint(1, DISTURBED))
    ]
    for number, faults in enumerate([*plan, *[[]] * LEFT_ALONE]):
        before = stored(folder)
        code, errors, asked = attempt(folder, port, faults, seed * 100 + number)
        seen["attempts"] += 1
        seen.update(faults)
        seen[f"exit {code}"] += 1
        if code not in CODES or "Traceback" in errors or "never retrieved" in errors:
            return f"attempt {number} with {faults} ended with {code}: {errors[-1500:]}"
        if again := before & asked:
            return f"attempt {number} with {faults} asked for {len(again)} stored keys again"
        if lost := before - stored(folder):
            return f"attempt {number} with {faults} lost {len(lost)} stored keys"
        if not faults and is_finished(folder) and code == 0:
            return "" if state(folder) == whole else f"not the same after {plan}"
    return f"not finished after {plan}: {errors[-1500:]}"


def campaign(runs: Iterable[int]) -> list[str]:
    """Do a run for each seed, print the figures, and return what went wrong."""
    wrong, seen, began = [], Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clc-faults-") as temporary:
        place = Path(temporary)
        questions = [
            {"question": f"Tom has {n} pens and buys 4. How many?", "language": "en", "answer": 7}
            for n in range(PROBLEMS)
        ]
        text = "".join(f"{json.dumps(row)}\n" for row in questions)
        (place / "questions.jsonl").write_text(text)
        port = random.SystemRandom().randrange(20_000, 60_000)
        server = os.fork()
        if not server:
            asyncio.run(endpoint(port))
        try:
            time.sleep(0.3)
            whole = {}
            for used in (0, port):
                code, errors, _ = attempt(place / f"whole{used}", used, [], 0)
                if code:
                    raise SystemExit(f"the undisturbed run failed: {errors}")
                whole[used] = state(place / f"whole{used}")
            for seed in runs:
                seen["runs"] += 1
                used = port if seed % 4 == 0 else 0
                if found := run(place, used, seed, whole[used], seen):
                    wrong.append(f"seed {seed}: {found}")
                    print(wrong[-1], flush=True)
                if seen["runs"] % 100 == 0:
                    show(seen, wrong, time.monotonic() - began)
        finally:
            show(seen, wrong, time.monotonic() - began)
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
    return wrong


def show(seen: Counter[str], wrong: Sequence[str], seconds: float) -> None:
    """Print the figures so far."""
    counts = "; ".join(f"{name} {number:,}" for name, number in sorted(seen.items()))
    print(f"{seen['runs']:,} runs, {seen['attempts']:,} attempts, {seconds:,.0f} s: {counts}")
    print(f"{len(wrong):,} runs went wrong", flush=True)


def main() -> None:
    """Do the runs and exit with 1 if one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    given = parser.parse_args()
    sys.exit(1 if campaign(range(given.seed, given.seed + given.runs)) else 0)


if __name__ == "__main__":
    main()
