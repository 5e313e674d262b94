"""A user's marks of thoughts: they reach every engine, and count for recorded texts."""

import asyncio
import json
import re
import shutil

import httpx
import pytest

import clc as api
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError, TemplateError
from clc.runs.open import open_run
from clc.thoughts import load_marks
from clc.thoughts.mark_files import own_marks_key

from .running import call, clc
from .test_thinking import server

THOUGHT = "Is it 3? Answer: 3"
MULLED = f"<mull>{THOUGHT}</mull>\n"
MARKS = '[[marks]]\nname = "mull"\nopen = ["<mull>"]\nclose = ["</mull>"]\n'
ENGLISH = "Tom has 3 apples and buys 4 more. How many apples has he now?"
WRONG = {
    '[[marks]]\nname = "mull"\nopne = ["<mull>"]\n': r"[[marks]] 1: unknown 'opne'",
    '[[marks]]\nname = "mull"\nopen = 3\n': r"[[marks]] 1 (mull): open = 3 is no list",
    '[[marks]]\nname = "mull"\nopen = ["<m>"]\nclose = ["<M>"]\n': "'<m>' is in open and in close",
    f"{MARKS}{MARKS}": "[[marks]] 2: name = 'mull' is that of [[marks]] 1",
    '[[marks]]\nname = "mull\n': "(at line 2, column 13)",
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mgsm_de.tsv"
    path.write_text("".join(f"Wie viele sind {n + 20} und {n + 50}?\t7\n" for n in range(3)))
    return path


@pytest.fixture
def prompts(tmp_path):
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "thoughts.toml").write_text(MARKS, encoding="utf-8")
    return folder


def options(served, prompts):
    return ("--base-url", served.url, "--model", "m", "--prompts", prompts,
            "--languages", "de,sw", "--paths", 4)  # fmt: skip


def check(paths):
    paths = list(paths)
    assert paths
    assert {(path.thought, path.closed) for path in paths} == {(THOUGHT, True)}
    assert not any("mull" in path.text for path in paths)


def test_solve(file, tmp_path, prompts):
    out = tmp_path / "run"
    with server(before=MULLED) as served:
        command = ("solve", file, "--out", out, "--no-cache")
        done = call(*command, *options(served, prompts))
        assert done.returncode == 0, done.stderr
        sent = [one.body["messages"][-1]["content"] for one in served.requests]
        ours = call(*command, *options(served, prompts.parent))
    assert not any("mull" in text for text in sent)  # the translations were split, too
    with open_run(out) as run:
        check(path for one in run.finished() for path in one.paths.values())
    assert ours.returncode == 2  # other thoughts would be split off
    assert "engine: " in ours.stderr


@pytest.mark.slow
def test_ask_and_python(prompts, tmp_path):
    with server(before=MULLED) as served:
        done = call("ask", ENGLISH, "--show-paths", *options(served, prompts))
        engine = OpenAIEngine("m", [served.url], marks=load_marks(prompts))
        api.solve(ENGLISH, engine=engine, prompts=prompts, store=tmp_path / "run", paths=4,
                  languages=["de", "sw"], cache=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("thought: 5 words") == 4
    assert "mull" not in done.stdout
    with open_run(tmp_path / "run") as run:
        check(path for one in run.finished() for path in one.paths.values())


def test_the_python_calls_give_a_folders_marks_to_the_model_that_they_load(prompts, monkeypatch):
    seen = {}

    def opened(model, **options):
        seen.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("clc.engines.factory.open_engine", opened)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(api.asolve("1 + 2?", prompts=prompts))
    assert seen["marks"] == load_marks(prompts)
    with pytest.raises(ConfigurationError, match="give one of them"):
        api.solve("1 + 2?", prompts=prompts, templates=api.Templates(prompts))


def test_batch(prompts, tmp_path):
    pytest.importorskip("starlette")
    body = {"model": "clc", "messages": [{"role": "user", "content": ENGLISH}]}
    line = {"custom_id": "q", "method": "POST", "url": "/v1/chat/completions", "body": body}
    source, out = tmp_path / "requests.jsonl", tmp_path / "replies.jsonl"
    source.write_text(json.dumps(line) + "\n")
    with server(before=MULLED) as served:
        done = call("batch", source, "--out", out, *options(served, prompts), "--languages", "en")
    assert done.returncode == 0, done.stderr
    message = json.loads(out.read_text())["response"]["body"]["choices"][0]["message"]
    assert message["reasoning_content"] == THOUGHT
    assert "mull" not in message["content"]


@pytest.mark.slow
def test_serve(prompts, tmp_path):
    from tests.serving.serving import ask, process

    with server(before=MULLED) as served:
        asked = {"model": "clc", "messages": ask(ENGLISH)}
        with process("--base-url", served.url, "--model", "m", "--prompts", prompts,
                     "--languages", "en", "--paths", "4") as (base, _):  # fmt: skip
            reply = httpx.post(f"{base}/chat/completions", json=asked, timeout=60).json()
    message = reply["choices"][0]["message"]
    assert message["reasoning_content"] == THOUGHT
    assert "mull" not in message["content"]


@pytest.mark.ray
def test_replicas_on_ray(file, prompts, tmp_path, ray_address, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", ray_address)
    out = tmp_path / "run"
    with server(before=MULLED) as served:
        done = clc("solve", file, "--out", out, *options(served, prompts),
                   "--cluster", "ray", "--replicas", 1)  # fmt: skip
    assert done.returncode == 0, done.stderr
    with open_run(out) as run:
        check(path for one in run.finished() for path in one.paths.values())


# Recorded texts


@pytest.fixture
def recorded(tmp_path):
    path = tmp_path / "samples.jsonl"
    rows = [
        {"id": f"q{n}", "language": code, "response": f"{MULLED}It is {n}.", "gold": str(n)}
        for n in range(5, 25)
        for code in ("en", "de")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def accuracies(done):
    assert done.returncode == 0, done.stderr
    return {json.loads(line)["correct"] for line in done.stdout.splitlines()}


def test_vote_and_extract(recorded, prompts):
    assert accuracies(call("vote", recorded)) == {False}  # the thought's answer
    assert accuracies(call("vote", recorded, "--prompts", prompts)) == {True}
    done = call("extract", recorded, "--prompts", prompts)
    answers = [json.loads(line)["answer"] for line in done.stdout.splitlines()]
    assert answers == [str(n) for n in range(5, 25) for _ in range(2)]


def right(done):
    return {one["right"] for one in json.loads(done.stdout)["accuracy"].values()}


@pytest.mark.slow
def test_calibrate_and_report(recorded, prompts, tmp_path):
    done = call("calibrate", recorded, "--json", "--prompts", prompts)
    assert right(done) == {20}
    assert right(call("calibrate", recorded, "--json")) == {0}
    page = tmp_path / "page.html"
    done = call("report", recorded, "--out", page, "--prompts", prompts)
    assert done.returncode == 0, done.stderr
    assert not re.search("mull&gt;|</?mull>", page.read_text(encoding="utf-8"))


def test_votes_of_a_run_that_was_sampled_without_the_marks(file, prompts, tmp_path):
    out = tmp_path / "run"
    with server(before=MULLED, say=lambda *_: "It is 7.") as served:
        given = [one for one in options(served, prompts) if one not in {"--prompts", prompts}]
        done = call("solve", file, "--out", out, "--no-cache", "--languages", "de", *given)
        assert done.returncode == 0, done.stderr

    copy = shutil.copytree(out, tmp_path / "copy")
    for more, share in (((), 0), (("--prompts", prompts), 1)):
        assert accuracies(call("vote", out, *more)) == {bool(share)}
        compared = json.loads(call("compare", out, copy, "--json", *more).stdout)
        assert {one["accuracy"]["value"] for one in compared["strategies"]} == {share}


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("command", ["solve", "ask", "compare", "batch", "serve"])
def test_a_wrong_file_ends_it_before_anything_is_sampled(file, prompts, tmp_path, text, command):
    (prompts / "thoughts.toml").write_text(text, encoding="utf-8")
    arguments = {"ask": ("1 + 2?",), "serve": ()}.get(command, (file, "--out", tmp_path / "out"))
    with server() as served:
        done = call(command, *arguments, "--base-url", served.url, "--model", "m",
                    "--prompts", prompts)  # fmt: skip
    assert done.returncode == 2
    assert re.search(rf"{re.escape(str(prompts / 'thoughts.toml'))}(:2)?: ", done.stderr)
    assert WRONG[text] in done.stderr
    assert served.requests == []


@pytest.mark.parametrize("command", ["vote", "extract", "calibrate", "report"])
def test_a_wrong_file_ends_the_reading_of_recorded_texts(recorded, prompts, tmp_path, command):
    for text, words in WRONG.items():
        (prompts / "thoughts.toml").write_text(text, encoding="utf-8")
        done = call(command, recorded, "--prompts", prompts, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert words in done.stderr
    assert not (tmp_path / "out").exists()
    (prompts / "thoughts.toml").unlink()
    (prompts / "thoughts.toml").mkdir()
    assert "it is a folder" in call(command, recorded, "--prompts", prompts).stderr
    done = call(command, recorded, "--prompts", tmp_path / "none")
    assert f"{tmp_path / 'none'}: no such folder" in done.stderr


def test_the_key_of_bundled_marks_is_empty_and_of_a_users_own_stays(prompts):
    assert own_marks_key(load_marks()) == ""
    own = load_marks(prompts)
    assert own_marks_key(own)
    with pytest.raises(TemplateError):
        load_marks(prompts / "none")
