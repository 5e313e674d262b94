"""`clc solve` with planted faults: kills, signals, full disks, and paths that are lost."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.cli import main as clc
from clc.cli.options import EngineOptions
from clc.engines.base import Completion, Request
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import StoreError
from clc.records import Usage
from clc.runs.database import Database

# What `clc solve` imports when it runs, so that a fork need not.
for _module in ("clc.analysis.export", "clc.cli.interrupts", "clc.cli.progress",
                "clc.cli.score_tables", "clc.cli.solve", "clc.datasets", "clc.runs.store",
                "clc.solving.run"):  # fmt: skip
    __import__(_module)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATHS = 6


def say(messages: Sequence[Any], seed: int) -> str:
    """Translate by framing the question, or reason to a number that the seed chooses."""
    content = messages[-1]["content"]
    if content.startswith("Translate"):
        return f"[{content.split('. ')[0].split()[-1]}] {content.rsplit(chr(10) * 2, 1)[-1]}"
    return f"Step by step.\n\nAnswer: {random.Random(seed).choice([7, 7, 8, 9])}"


class Arithmetic:
    """An engine that answers by ``say``; ``lost`` is the share of requests without a reply."""

    fingerprint = "arithmetic"
    window = 8

    def __init__(self, lost: float, seed: int) -> None:
        self._lost, self._chance = lost, random.Random(seed)

    async def start(self) -> None:
        await asyncio.sleep(0)

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(self._chance.random() / 500)
        if self._chance.random() < self._lost:
            return Completion.lost("the engine lost it")
        text = say(request.messages, request.seed)
        return Completion(text, "stop", Usage(11, len(text.split())))

    async def close(self) -> None:
        await asyncio.sleep(0)


class Points:
    """Places of the program, counted; an action is taken when one is reached for the n-th time."""

    def __init__(self) -> None:
        self._reached: Counter[str] = Counter()
        self._actions: dict[tuple[str, int], Callable[[], None]] = {}

    def at(self, place: str, number: int, action: Callable[[], None]) -> None:
        self._actions[place, number] = action

    def reach(self, place: str) -> None:
        self._reached[place] += 1
        if (action := self._actions.pop((place, self._reached[place]), None)) is not None:
            action()


def hook(owner: Any, name: str, before: Callable[..., None], after: Callable[..., None]) -> None:
    """Call functions before and after a method."""
    real = getattr(owner, name)

    def hooked(*args: Any, **kwargs: Any) -> Any:
        before(*args)
        result = real(*args, **kwargs)
        after(*args)
        return result

    setattr(owner, name, hooked)


def signals(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def fails(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def plant(kinds: Sequence[str], chance: random.Random, points: Points) -> None:
    """Plant faults in this process, whose parent has the others."""
    places = [("request", 60), ("before commit", 6), ("after commit", 6), ("before replace", 5),
              ("after replace", 5), ("fsync", 5), ("write", 90)]  # fmt: skip
    for kind in kinds:
        place, most = chance.choice(places)
        number = chance.randrange(1, most)
        if kind == "kill at a place":
            points.at(place, number, signals(signal.SIGKILL))
        elif kind in {"SIGTERM", "SIGINT"}:
            sent = signal.SIGTERM if kind == "SIGTERM" else signal.SIGINT
            points.at(place, number, signals(sent))
            if chance.random() < 0.3:
                points.at(place, number + 1, signals(sent))
        elif kind == "SQLite full":
            limit = partial(_limit_pages, more=chance.randrange(1, 25))
            hook(Database, "_prepare", lambda *_, **__: None, limit)
        elif kind == "commit fails":
            points.at("before commit", chance.randrange(1, 5), fails(StoreError("a full disk")))
        elif kind == "file size":
            size = chance.choice([0, 100, 4096, 30_000, 100_000, 200_000])
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        elif kind == "export fails":
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            points.at("fsync", chance.randrange(1, 6), fails(full))
        elif kind == "clock jumps":
            jump = chance.choice([-1e9, -3600.0, 3600.0, 1e9])
            points.at("request", number, partial(_jump, jump))


def _jump(seconds: float) -> None:
    real = time.time
    time.time = lambda: real() + seconds


def _limit_pages(store: Database, more: int) -> None:
    (pages,) = store.connection.execute("PRAGMA page_count").fetchone()
    store.connection.execute(f"PRAGMA max_page_count={pages + more}")


def solve(folder: Path, port: int, kinds: Sequence[str], seed: int, log: int) -> None:
    """Be `clc solve` with faults, and end; never returns."""
    chance, points = random.Random(seed), Points()
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    real_commit = Database.commit

    def commit(store: Database) -> None:
        try:
            points.reach("before commit")
        except StoreError:
            store.connection.rollback()
            raise
        real_commit(store)
        points.reach("after commit")

    setattr(Database, "commit", commit)  # noqa: B010 - its argument has another name
    hook(Path, "replace", lambda *_: points.reach("before replace"),
         lambda *_: points.reach("after replace"))  # fmt: skip
    hook(os, "fsync", lambda *_: points.reach("fsync"), nothing)
    hook(Database, "write", lambda *_: points.reach("write"), nothing)

    def asked(_: object, request: Request) -> None:
        os.write(log, f"{request.key}\n".encode())
        points.reach("request")

    for kind in (Arithmetic, OpenAIEngine):
        hook(kind, "complete", asked, nothing)
    plant(kinds, chance, points)
    argv = ["clc", "solve", str(folder.parent / "questions.jsonl"), "--out", str(folder),
            "--languages", "en,de,sw", "--paths", str(PATHS), "--no-cache"]  # fmt: skip
    if port:
        dropped = 30 if "connections dropped" in kinds else 0
        url = f"http://127.0.0.1:{port}/{dropped}/v1"
        argv += ["--base-url", url, "--model", "m", "--window", "8", "--attempts", "1"]
    else:
        lost = 0.2 if "paths lost" in kinds else 0.0
        engine = Arithmetic(lost, seed)
        EngineOptions.open = lambda *_: (engine, None)  # type: ignore[method-assign]
    sys.argv = argv
    code: object = 0
    try:
        clc()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - reported by its traceback
        sys.excepthook(*sys.exc_info())
        code = 99
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)
