"""Many clients at once: latency, memory, throughput, and whether every reply is the right one.

The bundled model runs in this process under the server, as ``clc serve`` runs it, and the clients
in another. Every question has a number of its own, which is made the answer of all its paths: a
reply that is lost, crossed with another or given twice shows. Before and after, the requests that
the server made of the questions go to the engine directly, as many at a time as it likes: tokens
drawn over seconds until the last of them, as for the server until its last reply::

    python -m benchmarks.serve                            # 200 clients, 120 s
    python -m benchmarks.serve --clients 50 --seconds 20  # a look
    python -m benchmarks.serve --hostile 50 --seconds 600 # beside 50 clients that mean harm

What should be seen: no reply wrong, memory that stays, a ratio of 0.9 or more. Beside hostile
clients: no reply wrong, memory that stays, and ``/health`` within a second in 99 of 100 cases.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from benchmarks.hostile import Health, attack, watch_health
from clc.engines.environment import prepare
from clc.engines.factory import open_engine
from clc.prompts.templates import Templates
from clc.serving.http.server import Serving, serve
from clc.serving.settings import Limits, Settings

if TYPE_CHECKING:
    from clc.engines.base import Completion, Engine, Request

QUESTION = "Tom has {} apples and eats 3 of them. How many apples does Tom have now?"
NUMBER = re.compile(r"\d{6}")
_HEALTH_S = 1.0
TRANSLATE = "Translate this problem into "


class Marked:
    """A real engine, except that a path's answer is the number of its question.

    Translations are made of the question itself, so that the number is kept; the engine draws
    them all the same. ``asked`` are all requests, and ``tokens`` how many new ones they had.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.fingerprint = engine.fingerprint
        self.asked: list[Request] = []
        self.tokens = 0
        self._keep = True

    @property
    def window(self) -> int:
        """The engine's own."""
        return self.engine.window

    async def start(self) -> None:
        """Load the model."""
        await self.engine.start()

    async def close(self) -> None:
        """Close the engine."""
        await self.engine.close()

    async def complete(self, request: Request) -> Completion:
        """Let the engine complete it, and put the number in."""
        if self._keep:
            self.asked.append(request)
        drawn = await self.engine.complete(request)
        self.tokens += drawn.usage.completion_tokens
        content = request.messages[-1]["content"]
        number = NUMBER.search(content)
        if drawn.error is not None or number is None:
            return drawn
        if content.startswith(TRANSLATE):
            return replace(
                drawn, text=f"[x] {content.partition(chr(10) * 2)[2]}", finish_reason="stop"
            )
        return replace(drawn, text=f"{drawn.text}\nAnswer: {number[0]}", finish_reason="stop")

    def forget(self, *, keep: bool) -> None:
        """Count anew; ``keep``: the requests, too, which takes memory."""
        self.asked, self.tokens, self._keep = [], 0, keep


class Rate(NamedTuple):
    """New tokens, and in how many seconds."""

    tokens: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.tokens / self.seconds:.0f} tok/s ({self.tokens} in {self.seconds:.0f} s)"


@dataclass
class Load:
    """What the clients saw: seconds of every reply by status, and what was wrong with them."""

    seconds: list[float]
    statuses: dict[str, int]
    crossed: int
    duplicated: int
    lost: int


async def clients(url: str, number: int, seconds: float, first: int) -> Load:
    """Ask from ``number`` clients at once; each asks again as soon as it has its answer."""
    numbers = count(first)
    load, ids, ends = Load([], {}, 0, 0, 0), set(), time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=3)

    async def one(client: httpx.AsyncClient) -> None:
        while time.monotonic() < ends:
            mine = str(next(numbers))
            body = {
                "model": "clc",
                "messages": [{"role": "user", "content": QUESTION.format(mine)}],
                "metadata": {"number": mine},
            }
            began = time.monotonic()
            try:
                reply = await client.post(f"{url}/chat/completions", json=body)
            except httpx.HTTPError:
                load.lost += 1
                continue
            load.seconds.append(time.monotonic() - began)
            status = str(reply.status_code)
            load.statuses[status] = load.statuses.get(status, 0) + 1
            if reply.is_success:
                body = reply.json()
                same = (body["clc"]["answer"], body["metadata"]["number"]) == (mine, mine)
                load.crossed += not (same and mine in body["choices"][0]["message"]["content"])
                load.duplicated += body["id"] in ids
                ids.add(body["id"])

    async with httpx.AsyncClient(limits=limits, timeout=None) as client:  # noqa: S113 - counted
        await asyncio.gather(*(one(client) for _ in range(number)))
    return load


async def measure(options: argparse.Namespace) -> int:
    """Serve, load, and call the engine directly; print what was seen."""
    prepare()
    engine = Marked(open_engine(options.model, engine=options.engine))
    settings = Settings(
        model="plain",
        port=0,
        defaults={
            "strategy": "clc",
            "languages": options.languages.split(","),
            "paths": options.paths,
            "max_tokens": options.max_tokens,
        },
        limits=Limits(waiting=options.clients + options.hostile),
    )
    ready: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(engine, settings, Templates(), ready=ready.set_result))
    await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        serving.result()
    it = ready.result()
    try:
        await loaded(it.url, options.clients, options.seconds / 6, 100_000)
        rates = [await direct(engine, engine.asked)]
        engine.forget(keep=not options.hostile)
        start_mb = resident_mb()
        memory = asyncio.create_task(resident(options.seconds))
        began = time.monotonic()
        hostile = asyncio.create_task(attacked(it.url, options.hostile, options.seconds))
        load = await loaded(it.url, options.clients, options.seconds, 300_000)
        served = Rate(engine.tokens, time.monotonic() - began)
        sizes = [start_mb, *await memory, resident_mb()]
        health, attacks = await hostile
        ends = time.monotonic() + 60
        # What hostile clients left has its deadline.
        while it.service.admission.running and time.monotonic() < ends:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        rates.append(await direct(engine, engine.asked[: len(engine.asked) // 2]))
        busy = it.service.lane.in_flight + it.service.lane.waiting + it.service.admission.running
    finally:
        it.server.should_exit = True
        await serving
    wrong = report(options, load, served=served, rates=rates, sizes=sizes, busy=busy)
    return wrong | report_attacks(health, attacks) if options.hostile else wrong


async def loaded(url: str, number: int, seconds: float, first: int) -> Load:
    """Run the clients in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.serve", "--ask", url, "--clients", str(number),
        "--seconds", str(seconds), "--first", str(first),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    return Load(**json.loads(told))


async def attacked(url: str, number: int, seconds: float) -> tuple[Health, dict[str, int]]:
    """Run hostile clients, and the one that watches ``/health``, in processes of their own."""
    if not number:
        return Health([], 0), {}
    seen = []
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.serve", option, url, "--hostile", str(number),
            "--seconds", str(seconds), stdout=asyncio.subprocess.PIPE,
        )
        for option in ("--watch", "--attack")
    ]  # fmt: skip
    for process in processes:
        output, _ = await process.communicate()
        seen.append(json.loads(output))
    return Health(*seen[0]), seen[1]


async def direct(engine: Marked, requests: list[Request]) -> Rate:
    """Draw the same requests without a server, in a full window."""
    left, tokens, began = iter(requests), 0, time.monotonic()

    async def worker() -> None:
        nonlocal tokens
        for request in left:
            drawn = await engine.engine.complete(request)
            tokens += drawn.usage.completion_tokens

    await asyncio.gather(*(worker() for _ in range(engine.window)))
    return Rate(tokens, max(time.monotonic() - began, 1e-9))


async def resident(seconds: float) -> list[float]:
    """Memory after a quarter, half and three quarters of the time, in MB."""
    sizes = []
    for _ in range(3):
        await asyncio.sleep(seconds / 4)
        sizes.append(resident_mb())
    return sizes


def resident_mb() -> float:
    """Memory of this process, model and server together, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else float("nan")


def report(
    options: argparse.Namespace,
    load: Load,
    *,
    served: Rate,
    rates: list[Rate],
    sizes: list[float],
    busy: int,
) -> int:
    """Print the table; 0 when nothing was wrong and the ratio reaches the target.

    Beside hostile clients, which share the engine, the ratio says nothing, and a full queue is no
    fault.
    """
    plain = Rate(sum(rate.tokens for rate in rates), sum(rate.seconds for rate in rates))
    ratio = served.tokens / served.seconds / (plain.tokens / plain.seconds)
    cuts = statistics.quantiles(load.seconds, n=100, method="inclusive")
    rows: list[tuple[str, Any]] = [
        ("clients", options.clients),
        ("paths a question", options.paths),
        ("replies", len(load.seconds)),
        ("statuses", load.statuses),
        ("lost, crossed, duplicated", (load.lost, load.crossed, load.duplicated)),
        *((f"latency p{p}", f"{cuts[p - 1]:.1f} s") for p in (50, 90, 95, 99)),
        ("latency, longest", f"{max(load.seconds):.1f} s"),
        ("memory, from start to end", ", ".join(f"{size:.0f} MB" for size in sizes)),
        ("left in the engine", busy),
        ("served", served),
        *zip(("direct, before", "direct, after"), rates, strict=True),
        ("ratio", f"{ratio:.3f} (target {options.target})"),
    ]
    for name, value in rows:
        print(f"{name:<30} {value}")
    allowed = {"200", "429"} if options.hostile else {"200"}
    wrong = load.lost or load.crossed or load.duplicated or busy or set(load.statuses) - allowed
    return int(bool(wrong) or (ratio < options.target and not options.hostile))


def report_attacks(health: Health, attacks: dict[str, int]) -> int:
    """Print what hostile clients did, and how long ``/health`` took; 0 when that was quick."""
    cuts = statistics.quantiles(health.seconds, n=100, method="inclusive")
    rows: list[tuple[str, Any]] = [
        *((f"attack{name.replace('_', ' ')}", times) for name, times in attacks.items()),
        ("health asked for, failed", (len(health.seconds), health.failed)),
        *((f"health p{p}", f"{cuts[p - 1] * 1000:.0f} ms") for p in (50, 95, 99)),
        ("health, longest", f"{max(health.seconds) * 1000:.0f} ms"),
    ]
    for name, value in rows:
        print(f"{name:<30} {value}")
    return int(health.failed > 0 or cuts[98] > _HEALTH_S)


def main() -> int:
    """Parse the command line, and measure or be the clients."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--model", default="clc-tiny")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--languages", default="en,de,zh")
    parser.add_argument("--paths", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--target", type=float, default=0.9)
    parser.add_argument("--hostile", type=int, default=0, help="clients that mean harm")
    for role in ("--ask", "--watch", "--attack"):
        parser.add_argument(role, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        asked = clients(options.ask, options.clients, options.seconds, options.first)
        print(json.dumps(vars(asyncio.run(asked))))
        return 0
    if options.watch:
        print(json.dumps(asyncio.run(watch_health(options.watch, options.seconds))))
        return 0
    if options.attack:
        made = attack(options.attack, options.hostile, options.seconds)
        print(json.dumps(asyncio.run(made)))
        return 0
    return asyncio.run(measure(options))


if __name__ == "__main__":
    sys.exit(main())
