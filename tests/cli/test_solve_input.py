"""Bad input of ``clc solve``: file, line, value, what to do, and exit code 2."""

import ctypes
import re
from importlib.util import find_spec

import pytest

from clc.runs.open import open_run
from tests.cli.solving import DEAD, options

from .running import call, clc

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
    assert not out.exists()  # all rows are read before anything is started


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
