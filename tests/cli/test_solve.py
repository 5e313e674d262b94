"""``clc solve`` as people run it: as a process, against an endpoint that is slow, sick or dead."""

import ctypes
import json
import os
import pty
import random
import re
import resource
import select
import signal
import subprocess
import time
from importlib.util import find_spec
from itertools import chain

import pytest

from clc.analysis.export import verdict_row
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.solving.running import rows

from .running import CLC, ROOT, call, clc, endpoint, environment, fork, start

DEAD = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def quick():
    with endpoint("--delay", 0) as (url, _):
        yield url


@pytest.fixture
def file(tmp_path):
    return mgsm(tmp_path, 8)


def mgsm(folder, count):
    path = folder / "mgsm_de.tsv"
    path.write_text(
        "".join(f"Wie viele sind {n + 20} und {n + 50}?\t{7 + n % 2}\n" for n in range(count))
    )
    return path


def options(url, *more, languages="en,de,zh", paths=6):
    return ["--base-url", url, "--model", "m", "--languages", languages, "--paths", paths, *more]


def lines(folder):
    return [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]


def stored(folder):
    if not (folder / "run.sqlite").exists():
        return {}
    with Store(folder, read_only=True) as store:
        made = store._connection.execute("PRAGMA user_version").fetchone() != (0,)
        return rows(store) if made else {}  # else killed before the tables were there


def check_whole(folder, problems, paths):
    """No planned path is missing, none is there twice, and the verdicts are those of the store."""
    with open_run(folder) as store:
        solved = list(revote(store))
        keys = list(chain.from_iterable(one.plan.keys() for one in solved))
        assert len(solved) == problems
        assert len(keys) == len(set(keys)) == problems * paths
        assert set(keys) == set(rows(store))
        twice = store._connection.execute(  # type: ignore[attr-defined]
            "SELECT prompt_key, idx FROM paths GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
        assert twice == []
        again = [verdict_row(one.verdict, gold=one.problem.gold, kind="number") for one in solved]
    assert lines(folder) == json.loads(json.dumps(again))


def test_a_file_of_problems_becomes_a_run_folder(quick, file, tmp_path):
    out = tmp_path / "run"
    done = clc("solve", file, "--out", out, *options(quick))
    assert done.returncode == 0, done.stderr
    check_whole(out, 8, 6)
    assert {p.name for p in out.iterdir()} >= {"run.sqlite", "manifest.json", "verdicts.jsonl",
                                               "results.json", "samples_clc.jsonl"}  # fmt: skip
    assert re.search(r"problems +8\b", done.stdout)
    assert re.search(r"paths drawn +48\b", done.stdout)
    assert "Chinese (zh)" in done.stdout
    assert "48 paths drawn now" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert max(map(len, (done.stdout + done.stderr).splitlines())) <= max(80, len(str(out)) + 20)


def test_a_finished_run_needs_no_engine(quick, file, tmp_path):
    out = tmp_path / "run"
    first = call("solve", file, "--out", out, *options(quick))
    before = (out / "verdicts.jsonl").read_bytes()
    (out / "verdicts.jsonl").unlink()
    again = call("solve", file, "--out", out, *options(DEAD))
    assert again.returncode == 0
    assert "finished: there is nothing to draw" in again.stderr
    assert again.stdout == first.stdout
    assert (out / "verdicts.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_run_grows_in_paths_and_problems_and_redraws_nothing(quick, file, tmp_path):
    out = tmp_path / "run"
    assert call("solve", file, "--out", out, "--limit", 3, *options(quick)).returncode == 0
    small = stored(out)
    assert len(small) == 18
    grown = call("solve", file, "--out", out, *options(quick, paths=24))
    assert grown.returncode == 0, grown.stderr
    assert small.items() <= stored(out).items()
    check_whole(out, 8, 24)
    assert "174 paths drawn now, 18 reused" in grown.stderr
    whole = tmp_path / "whole"
    call("solve", file, "--out", whole, *options(quick, paths=24))
    assert stored(whole) == stored(out)
    assert (whole / "verdicts.jsonl").read_bytes() == (out / "verdicts.jsonl").read_bytes()
    shrunk = call("solve", file, "--out", out, *options(DEAD, paths=6))
    assert shrunk.returncode == 2
    assert "paths: 24 -> 6" in shrunk.stderr


def test_gold_and_order_change_no_verdict(quick, file, tmp_path):
    call("solve", file, "--out", tmp_path / "a", *options(quick))
    other = tmp_path / "mgsm_de.tsv"
    text = file.read_text().splitlines()
    other.write_text("".join(f"{line.split(chr(9))[0]}\t99\n" for line in reversed(text)))
    call("solve", other, "--out", tmp_path / "b", *options(quick))
    strip = ("id", "gold", "correct")

    def exported(folder):
        return sorted(
            json.dumps({k: v for k, v in row.items() if k not in strip}) for row in lines(folder)
        )

    assert exported(tmp_path / "a") == exported(tmp_path / "b")


def test_json_for_machines(quick, file, tmp_path):
    done = call("solve", file, "--out", tmp_path / "run", "--json", *options(quick))
    assert done.returncode == 0
    assert json.loads(done.stdout)["problems"] == 8
    again = call("solve", file, "--out", tmp_path / "run", "--json", *options(DEAD))
    assert again.stdout == done.stdout


def test_from_standard_input(quick, tmp_path):
    given = '{"question": "Wie viele sind 2 und 5?", "language": "de"}\n' * 2
    for url in (quick, DEAD):
        done = call("solve", "-", "--out", tmp_path / "run", *options(url), stdin=given)
        assert done.returncode == 0, done.stderr
    assert len(lines(tmp_path / "run")) == 2
    changed = call("solve", "-", "--out", tmp_path / "run", *options(quick),
                   stdin=given.replace("5", "6"))  # fmt: skip
    assert changed.returncode == 2
    assert "number 1 of the input" in changed.stderr
    other = call("solve", "-", "--out", tmp_path / "more", *options(quick), stdin=given + "{\n")
    assert other.returncode == 2
    assert ":3: " in other.stderr
    assert len(stored(tmp_path / "more")) == 6  # both questions are one, and were solved before it


# Kill


@pytest.mark.slow
def test_a_run_survives_twenty_kills(tmp_path):
    """Killed at 20 random moments and started again: whole, unchanged and the same as undisturbed."""
    problems, paths = 60, 9
    file, out, log = mgsm(tmp_path, problems), tmp_path / "run", tmp_path / "asked"
    rng = random.Random(20)
    window = 8
    hit = 0
    with endpoint("--delay", 0.05, "--log", log) as (url, _):
        command = ["solve", file, "--out", out, *options(url, "--window", window, paths=paths)]
        before = {}
        for round_ in range(20):
            process = fork(*command)
            if round_ % 5 == 4:  # while it starts; else in the middle of its work
                time.sleep(rng.uniform(0, 0.3))
            else:
                until = len(log.read_bytes().splitlines()) + rng.randint(1, 80)
                while process.is_alive() and len(log.read_bytes().splitlines()) < until:
                    time.sleep(0.005)
                time.sleep(rng.uniform(0, 0.05))
            process.kill()
            process.join()
            process.close()
            now = stored(out)
            assert before.items() <= now.items()  # nothing went, and nothing changed
            hit += 0 < len(now) < problems * paths
            before = now
        assert hit > 10
    with endpoint("--delay", 0, "--log", log) as (url, _):
        command = ["solve", file, *options(url, "--window", window, paths=paths)]
        last = clc(*command, "--out", out)
        assert last.returncode == 0, last.stderr
        assert before.items() <= stored(out).items()
        asked = log.read_text().split("\n")[:-1]
        # What was asked for twice was in flight, or not yet committed, when its process was killed.
        assert len(asked) - len(set(asked)) <= 20 * window * 4
        undisturbed = clc(*command, "--no-cache", "--out", tmp_path / "undisturbed")
        assert undisturbed.returncode == 0
    check_whole(out, problems, paths)
    assert stored(tmp_path / "undisturbed") == stored(out)
    for name in ("verdicts.jsonl", "results.json", "samples_clc.jsonl"):
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()


def wait_for_paths(out, count, seconds=240):
    until = time.monotonic() + seconds
    while len(stored(out)) < count:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_an_endpoint_that_dies_and_comes_back(tmp_path):
    file, out = mgsm(tmp_path, 20), tmp_path / "run"
    with endpoint("--delay", 0.1) as (url, _):
        command = ["solve", file, "--out", out]
        process = start(*command, *options(url, "--attempts", 2, "--window", 8))
        wait_for_paths(out, 10)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 1, errors
    assert url in errors
    assert "Traceback" not in errors
    before = stored(out)
    assert 10 <= len(before) < 120
    with endpoint("--port", url.split(":")[2].split("/")[0], "--delay", 0) as (same, _):
        assert same == url
        done = call(*command, *options(url))
    assert done.returncode == 0, done.stderr
    assert before.items() <= stored(out).items()
    check_whole(out, 20, 6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on(number, tmp_path):
    file, out = mgsm(tmp_path, 30), tmp_path / "run"
    with endpoint("--delay", 0.1) as (url, _):
        process = start("solve", file, "--out", out, *options(url, "--window", 8))
        wait_for_paths(out, 5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 130
        assert f"What was drawn is in {out}; the same command goes on." in errors
        assert "Traceback" not in errors
        before = stored(out)
        scored = call("score", out)
        assert "problems are not done: clc solve goes on" in scored.stderr
        assert scored.returncode == 0
    with endpoint("--delay", 0) as (url, _):
        done = call("solve", file, "--out", out, *options(url))
    assert before.items() <= stored(out).items()
    assert f"{len(before)} reused" in done.stderr
    check_whole(out, 30, 6)


# Faults


@pytest.mark.slow
def test_a_sick_endpoint_ends_in_abstentions_with_reasons_and_they_are_drawn_again(tmp_path):
    file, out = mgsm(tmp_path, 10), tmp_path / "run"
    settings = ["--strategy", "sc", "--paths", 4, "--model", "m", "--out", out]
    chaos = ("--chaos", 0.6, "--seed", 3)
    with endpoint(*chaos, module="tests.engines.faulty_server") as (url, _):
        sick = call("solve", file, *settings, "--base-url", url, "--timeout", 1, "--attempts", 2)
    assert sick.returncode == 0, sick.stderr
    with open_run(out) as store:
        keys = list(chain.from_iterable(one.plan.keys() for one in revote(store)))
        lost = store.failures(keys)  # type: ignore[attr-defined]
        before = rows(store)
    assert lost
    assert all(reason.strip() for reason in lost.values())
    abstained = sum(row["abstentions"].get("engine_failure", {}).get("de", 0) for row in lines(out))
    assert abstained == len(lost)
    assert f"{len(lost)} paths or translations were lost" in sick.stderr
    with endpoint("--delay", 0) as (url, _):
        well = call("solve", file, *settings, "--base-url", url)
    assert well.returncode == 0
    assert f"{len(lost)} paths drawn now, {len(before)} reused" in well.stderr
    assert before.items() <= stored(out).items()
    check_whole(out, 10, 4)


def test_an_endpoint_that_answers_nothing_right_is_a_failed_run(tmp_path):
    file = mgsm(tmp_path, 2)
    with endpoint("--chaos", 1, module="tests.engines.faulty_server") as (url, _):
        done = call("solve", file, "--strategy", "sc", "--paths", 2, "--model", "m", "--base-url", url,
                   "--timeout", 0.3, "--attempts", 1, "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 1
    assert "attempt 1, the last" in done.stderr.partition("every path was lost: ")[2]
    assert [row["answer"] for row in lines(tmp_path / "run")] == [None, None]


def test_no_endpoint(file, tmp_path):
    done = clc("solve", file, "--out", tmp_path / "run", *options(DEAD, "--attempts", 1))
    assert done.returncode == 1
    assert DEAD in done.stderr
    assert "Traceback" not in done.stderr


# The run folder


def test_two_processes_on_one_run_folder(file, tmp_path):
    out = tmp_path / "run"
    with Store(out):
        done = call("solve", file, "--out", out, *options(DEAD))
    assert done.returncode == 2
    assert f"{out}: another process is working on this run" in done.stderr


def test_another_configuration_is_refused_with_the_differences(quick, file, tmp_path):
    out = tmp_path / "run"
    call("solve", file, "--out", out, *options(quick))
    before = stored(out)
    done = call("solve", file, "--out", out, "--seed", 5, "--top-p", 0.5, *options(DEAD))
    assert done.returncode == 2
    assert "  seed: 0 -> 5\n" in done.stderr
    assert "  sampling.top_p: 1.0 -> 0.5\n" in done.stderr
    file.write_text(file.read_text() + "Neu 1 und 2?\t3\n")
    done = call("solve", file, "--out", out, *options(DEAD))
    assert done.returncode == 2
    assert re.search(r'dataset.fingerprint: "sha256:\w{12}…" -> "sha256:\w{12}…"', done.stderr)
    assert stored(out) == before


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_store_stays_readable(tmp_path):
    file, out = mgsm(tmp_path, 60), tmp_path / "run"
    with endpoint("--delay", 0) as (url, _):
        command = ["solve", file, "--out", out, "--no-cache", *options(url)]
        full = clc(
            *command,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)),
        )
        assert full.returncode == 2, full.stderr
        assert str(out) in full.stderr
        assert "the same command goes on" in full.stderr
        assert "Traceback" not in full.stderr
        assert re.search(r"full|disk I/O error", full.stderr)
        before = stored(out)
        assert clc(*command).returncode == 0
    assert before.items() <= stored(out).items()
    check_whole(out, 60, 6)


# Bad input: file, line, value, what to do, and exit code 2

DE = "Wie viele sind 1 und 2?\t3\n"
BAD_FILES: dict = {
    "empty": ("mgsm_de.tsv", b"", ["mgsm_de.tsv", "no problems|empty"]),
    "no tab": ("mgsm_de.tsv", f"{DE}Wie viele?\n", ["mgsm_de.tsv:2: ", "tab", "Wie viele"]),
    "three columns": ("mgsm_de.tsv", f"{DE}{DE}a\tb\t3\n", ["mgsm_de.tsv:3: ", "3|three"]),
    "not UTF-8": ("mgsm_de.tsv", DE.encode() + b"\xff\xfe?\t3\n", ["mgsm_de.tsv:2: ", "UTF-8"]),
    "gold no number": ("mgsm_de.tsv", f"{DE}Wie?\tviele\n", ["mgsm_de.tsv:2: ", "'viele'"]),
    "twice": ("x.jsonl", '{"id": "a", "question": "1?"}\n{"id": "a", "question": "2?"}\n',
              ["x.jsonl:2: ", "'a'", "duplicate"]),
    "broken JSON": ("x.jsonl", '{"question": "1?"}\n\n{"question": \n', ["x.jsonl:3: "]),
    "no question": ("x.jsonl", '{"question": "1?"}\n{"text": "2?"}\n', ["x.jsonl:2: ", "'question'"]),
    "language": ("x.jsonl", '{"question": "1?", "language": "xx"}\n', ["x.jsonl:1: ", "'xx'"]),
    "file name": ("mgsm_xx.tsv", DE, ["mgsm_xx.tsv", "'xx'"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file(case, tmp_path):
    name, content, words = BAD_FILES[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    out = tmp_path / "run"
    done = call("solve", path, "--out", out, *options(DEAD))
    error = done.stderr
    assert done.returncode == 2
    assert error.startswith("clc: ")
    assert "Traceback" not in error
    for word in words:
        assert re.search(word, error), error
    assert not out.exists()  # all rows are read before anything is begun


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.tsv"], ["none.tsv"]),
        (["{file}", "--languages", "en,xx"], ["'xx'", "BCP-47"]),
        (["{file}", "--languages", ""], ["language"]),
        (["{file}", "--strategy", "best"], ["'best'", "there are: direct"]),
        (["{file}", "--paths", "0"], ["from 1 to 10000, not 0"]),
        (["{file}", "--paths", "-4"], ["from 1 to 10000, not -4"]),
        (["{file}", "--paths", "many"], ["'many'"]),
        (["{file}", "--limit", "0"], ["limit", "not 0"]),
        (["{file}", "--temperature", "0", "--paths", "44"], ["temperature 0", "44 paths"]),
        (["{file}", "--temperature", "-1"], ["temperature", "-1"]),
        (["{file}", "--top-p", "2"], ["--top-p", "2"]),
        (["{file}", "--max-tokens", "0"], ["--max-tokens"]),
        (["{file}", "--window", "0"], ["window", "0"]),
        (["{file}", "--timeout", "0"], ["timeout"]),
        (["{file}", "--attempts", "0"], ["--attempts", "0"]),
        (["{file}", "--tensor-parallel-size", "2"], ["--tensor-parallel-size", "--base-url"]),
        (["{file}", "--max-model-len", "64"], ["--max-model-len", "--base-url"]),
        (["{file}", "--out", ""], ["--out is empty"]),
        (["{file}", "--prompts", "nowhere"], ["nowhere", "no such folder"]),
        (["{file}", "--prompts", "{prompts}"], ["cot.jinja", "'qestion' is undefined", "question"]),
        (["{file}", "--base-url", "ftp://x"], ["ftp://x"]),
        (["{file}", "--engine", "vllm"], ["base URL"]),
        (["{file}", "--language", "fr"], ["fr", "de"]),
        (["{file}", "--out", "/dev/null/x"], ["/dev/null/x", "cannot open the run folder"]),
        (["{file}", "--out", "{file}"], ["mgsm_de.tsv: cannot open the run folder"]),
        (["{file}", "--out", "/proc/x"], ["/proc/x"]),
        (["{file}", "--pipeline-parallel-size", "2"], ["--pipeline-parallel-size", "--base-url"]),
        (["{file}", "--replicas", "2"], ["--replicas goes with --cluster ray"]),
        (["{file}", "--gpus-per-replica", "1"], ["--gpus-per-replica goes with --cluster ray"]),
        (["{file}", "--cluster", "slurm"], ["'slurm'", "'ray'"]),
        (["{file}", "--cluster", "ray", "--replicas", "0"], ["--replicas", "0"]),
        (["{file}", "--cluster", "ray", "--out", "/dev/null/x"], ["cannot open the run folder"]),
        (["{file}", "--cluster", "ray", "--out", "nowhere://x"], ["nowhere://x: no place"]),
        (["{file}", "--cluster", "ray", "--languages", "en,xx"], ["'xx'", "BCP-47"]),
        (["none.tsv", "--cluster", "ray"], ["none.tsv", "No such file"]),
        (["-", "--cluster", "ray"], ["name a file, not -"]),
        (["{file}", "--nonsense"], ["--nonsense"]),
        ([], ["FILE"]),
    ],
)
def test_bad_options(arguments, words, file, tmp_path):
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "cot.jinja").write_text("--- user\n{{ qestion }}\n")
    given = [text.format(file=file, prompts=prompts) for text in arguments]
    if "--out" not in given:
        given += ["--out", tmp_path / "run"]
    done = call("solve", "--base-url", DEAD, "--model", "m", *given)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr


def test_a_model_folder_without_a_tokenizer(file, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    for engine in ("vllm", "transformers"):
        if find_spec(engine) is None:
            continue
        done = call("solve", file, "--out", tmp_path / "run", "--model", model, "--engine", engine)
        assert done.returncode == 2
        assert str(model) in done.stderr
        assert "tokenizer" in done.stderr


def without_privilege():
    """Give up writing everywhere, which root may (CAP_DAC_OVERRIDE), for the process to come."""
    prctl, drop_from_bounding_set, dac_override = ctypes.CDLL(None).prctl, 24, 1
    prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


def test_a_run_folder_without_permission(file, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    done = clc("solve", file, "--out", locked / "run", *options(DEAD), preexec_fn=without_privilege)
    assert done.returncode == 2
    assert f"{locked}/run: cannot open the run folder: " in done.stderr
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("content", ["\ufeff" + DE * 2, DE.replace("\n", "\r\n") * 2])
def test_a_bom_and_crlf_are_fine(content, quick, tmp_path):
    path = tmp_path / "mgsm_de.tsv"
    path.write_bytes(content.encode())
    done = call("solve", path, "--out", tmp_path / "run", *options(quick))
    assert done.returncode == 0, done.stderr
    with open_run(tmp_path / "run") as store:
        assert {problem.question for problem in store.problems()} == {"Wie viele sind 1 und 2?"}  # type: ignore[attr-defined]
        assert {problem.gold for problem in store.problems()} == {"3"}  # type: ignore[attr-defined]


# What a person sees


def on_a_terminal(*arguments):
    """Run with a terminal for standard error; give (exit code, what was shown)."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [*CLC, *map(str, arguments)], cwd=ROOT, env=environment(TERM="xterm-256color"),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=secondary,
    )  # fmt: skip
    os.close(secondary)
    shown = b""
    while select.select([primary], [], [], 240)[0]:
        try:
            part = os.read(primary, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(primary)
    return process.wait(), shown.decode()


@pytest.mark.slow
def test_progress_on_a_terminal(tmp_path):
    file = mgsm(tmp_path, 12)
    with endpoint("--delay", 0.1) as (url, _):
        code, shown = on_a_terminal(
            "solve", file, "--out", tmp_path / "run", *options(url, "--window", 8)
        )
    assert code == 0
    assert "starting the engine" in shown
    assert re.search(r"\d+/12", shown)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"\d+ paths, \d+ translations, \d+ tokens/s, agreement \d+%", plain)
    assert "12/12 problems, 72 paths" in plain
    screen = plain.replace(str(tmp_path), "")  # a folder's name is as long as it is
    assert max(map(len, re.split(r"[\r\n]+", screen))) <= 80


def test_plain_lines_elsewhere(quick, file, tmp_path):
    done = call("solve", file, "--out", tmp_path / "run", *options(quick))
    (line,) = [line for line in done.stderr.splitlines() if "agreement" in line]
    assert line.startswith("8/8 problems, 48 paths, ")
