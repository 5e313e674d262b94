"""``clc solve`` as people run it: a run folder, resume, progress."""

import json
import os
import pty
import re
import select
import subprocess

import pytest

from clc.runs.store import Store
from tests.cli.solving import DEAD, check_whole, lines, mgsm, options, stored

from .running import CLC, ROOT, call, clc, endpoint, environment


def test_a_file_of_problems_becomes_a_run_folder(quick, file, tmp_path):
    out = tmp_path / "run"
    done = clc("solve", file, "--out", out, *options(quick))
    assert done.returncode == 0, done.stderr
    check_whole(out, 8, 6)
    assert {p.name for p in out.iterdir()} >= {"run.sqlite", "manifest.json", "verdicts.jsonl",
                                               "results.json", "samples_clc.jsonl"}  # fmt: skip
    assert re.search(r"problems +8\b", done.stdout)
    assert re.search(r"paths sampled +48\b", done.stdout)
    assert "Chinese (zh)" in done.stdout
    assert "48 paths sampled now" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert max(map(len, (done.stdout + done.stderr).splitlines())) <= max(80, len(str(out)) + 20)


def test_a_finished_run_needs_no_engine(quick, file, tmp_path):
    out = tmp_path / "run"
    first = call("solve", file, "--out", out, *options(quick))
    before = (out / "verdicts.jsonl").read_bytes()
    (out / "verdicts.jsonl").unlink()
    again = call("solve", file, "--out", out, *options(DEAD))
    assert again.returncode == 0
    assert "finished: there is nothing to sample" in again.stderr
    assert again.stdout == first.stdout
    assert (out / "verdicts.jsonl").read_bytes() == before


def test_one_budget_over_all_problems(quick, file, tmp_path):
    out = tmp_path / "run"
    done = call("solve", file, "--out", out, "--total-paths", 20, *options(quick))
    assert done.returncode == 0, done.stderr
    verdicts = {row["id"]: row for row in lines(out)}
    assert sum(row["paths"] for row in verdicts.values()) == 20
    voted = call("vote", out, "--order", "en,de,zh")
    again = {row["id"]: row for row in map(json.loads, voted.stdout.splitlines())}
    assert {key: row["answer"] for key, row in again.items()} == {
        key: row["answer"] for key, row in verdicts.items()
    }
    before = (out / "verdicts.jsonl").read_bytes()
    finished = call("solve", file, "--out", out, "--total-paths", 20, *options(DEAD))
    assert "finished: there is nothing to sample" in finished.stderr
    assert (out / "verdicts.jsonl").read_bytes() == before
    other = call("solve", file, "--out", out, *options(DEAD))
    assert other.returncode == 2
    assert "total.paths: 20 -> null" in other.stderr or "total:" in other.stderr


def test_paths_of_an_earlier_spread_are_stated(quick, file, tmp_path, caplog):
    out = tmp_path / "run"
    command = ("solve", file, "--out", out, "--total-paths", 16)
    first = call(*command, "--limit", 2, *options(quick, paths=11))
    assert first.returncode == 0, first.stderr
    assert "spread anew" not in caplog.text
    assert "more than --total-paths" not in first.stderr
    grown = call(*command, *options(quick, paths=11))
    assert grown.returncode == 0, grown.stderr
    text = " ".join(grown.stderr.split())
    assert "is spread anew over all problems (limit: 2 -> null)" in caplog.text
    caplog.clear()
    count = len(stored(out))
    assert count > 16 == sum(row["paths"] for row in lines(out))
    assert f"{count} paths are stored, {count - 16} more than --total-paths 16" in text
    again = call(*command, *options(DEAD, paths=11))
    assert "spread anew" not in caplog.text
    assert f"{count - 16} more than --total-paths 16" in again.stderr


def test_a_budget_of_less_than_a_path_a_problem_is_refused(file, tmp_path):
    out = tmp_path / "run"
    small = call("solve", file, "--out", out, "--total-paths", 7, *options(DEAD))
    assert small.returncode == 2
    assert "total_paths (--total-paths) is 7, less than one path for each of 8" in small.stderr
    assert "fewer problems (--limit)" in small.stderr
    both = call("solve", file, "--out", out, "--total-paths", 9, "--total-tokens", 9,
                *options(DEAD))  # fmt: skip
    assert both.returncode == 2
    assert "in paths or in tokens" in both.stderr
    assert stored(out) == {}


def test_a_refused_run_leaves_no_new_folder(quick, file, tmp_path):
    out = tmp_path / "run"
    command = ("solve", file, "--out", out, "--total-paths", 7)
    assert call(*command, *options(DEAD)).returncode == 2
    assert not out.exists()
    out.mkdir()
    assert call(*command, *options(DEAD)).returncode == 2
    assert (out / "run.sqlite").is_file()
    assert call("solve", file, "--out", out, "--limit", 2, *options(quick)).returncode == 0
    before = stored(out)
    assert call(*command, *options(DEAD)).returncode == 2
    assert stored(out) == before != {}


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
    assert "174 paths sampled now, 18 reused" in grown.stderr
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
