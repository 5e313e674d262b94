"""The wheel, the locks, the Makefile and the sample files."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import clc
from benchmarks.training import language, samples
from clc.datasets import load_problems
from clc.version import DISTRIBUTION, install_hint
from tests.conftest import GROUPS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODEL = Path("clc/models/clc-tiny")
# What a saved model's folder holds; the real one may hold more.
MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
               "tokenizer_config.json", "chat_template.jinja", "README.md")  # fmt: skip

needs_git = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="the files of a release are those that git knows"
)


def run(*command, cwd=ROOT, **environment):
    """Output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def released_files() -> list[str]:
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z").split("\0")
    return sorted(name for name in listed if name and (ROOT / name).is_file())


def locked(name: str) -> dict[str, str]:
    """Versions of a lock file by package."""
    pins: dict[str, str] = {}
    for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", " ")):
            pin = Requirement(line)
            (exact,) = pin.specifier
            assert exact.operator == "==", line
            pins[canonicalize_name(pin.name)] = exact.version
    return pins


def excluded() -> set[str]:
    lines = (ROOT / "requirements/excluded.txt").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


# The wheel


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A clean copy of the tree (no runs, no caches), with a stand-in for the model's files where they are not there."""
    copy = tmp_path_factory.mktemp("tree")
    for name in released_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    (copy / MODEL).mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        (copy / MODEL / name).touch()
    return copy


@pytest.fixture(scope="module")
def wheel(tree):
    command = ("-m", "build", "--wheel", "--no-isolation", "--outdir", "dist")
    run(sys.executable, *command, cwd=tree)
    (built,) = (tree / "dist").glob("*.whl")
    return built


@needs_git
@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_no_other(tree, wheel):
    expected = {
        path.relative_to(tree).as_posix()
        for path in (tree / "clc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    prompts = tree / "prompts"
    expected |= {
        f"clc/prompts/bundled/{p.relative_to(prompts).as_posix()}" for p in prompts.rglob("*.*")
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected
    bundled = "clc/prompts/bundled"
    assert held >= {"clc/py.typed", f"{bundled}/cot.jinja", f"{bundled}/languages/en.toml"}
    assert held >= {f"{MODEL.as_posix()}/{name}" for name in MODEL_FILES}


@needs_git
def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = f"{DISTRIBUTION.replace('-', '_')}-{clc.__version__}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert metadata["Name"] == PROJECT["name"] == DISTRIBUTION
    assert "Apache License" in licence
    assert "Version 2.0" in licence
    assert "clc = clc.cli:main" in scripts
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Version"] == clc.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])


@needs_git
@pytest.mark.slow
def test_the_wheel_runs_from_anywhere(wheel, tmp_path):
    target, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps",
        "--target", str(target), str(wheel))  # fmt: skip
    code = "import clc; print(clc.__file__, *clc.Templates().names())"
    path = str(target)
    where, *names = run(sys.executable, "-c", code, cwd=elsewhere, PYTHONPATH=path).split()
    assert Path(where).is_relative_to(target)
    assert names == sorted(path.stem for path in (ROOT / "prompts").glob("*.jinja"))
    assert "clc solve" in run(sys.executable, "-m", "clc", "--help", cwd=elsewhere, PYTHONPATH=path)
    listed = run(sys.executable, "-m", "clc", "prompts", "list", cwd=elsewhere, PYTHONPATH=path)
    assert "xcot" in listed


# The name


EXTRAS = "|".join(PROJECT["optional-dependencies"])
# On PyPI that is another package: whoever follows such a line runs a stranger's code.
STRANGER = re.compile(
    rf"pip install (?:-\S+ +)*[\\'\"]*clc(?![\w-])|(?<![\w.-])clc\\?\[(?:{EXTRAS})\b"
)


def test_the_hint_names_an_extra_that_is_there():
    assert install_hint("vllm") == f"pip install '{PROJECT['name']}[vllm]'"
    hints = re.compile(r"install_hint\(['\"]([\w-]+)")
    asked = {
        name
        for path in (ROOT / "clc").rglob("*.py")
        for name in hints.findall(path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 5
    assert asked <= set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("line", ["pip install {}", "pip install -U '{}[vllm]'", "`{}[server]`"])
def test_a_line_that_installs_the_stranger_is_found(line):
    assert STRANGER.search(line.format("clc"))
    assert not STRANGER.search(line.format(DISTRIBUTION))


@needs_git
def test_no_text_tells_to_install_the_stranger():
    found = []
    for name in released_files():
        if name.endswith((".safetensors", ".sqlite", ".parquet")):
            continue
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        found += [f"{name}:{n}: {line}" for n, line in enumerate(lines, 1) if STRANGER.search(line)]
    assert found == []


@needs_git
@pytest.mark.parametrize("overwritten", [True, False])
@pytest.mark.slow
def test_the_stranger_beside_us_is_told(wheel, tmp_path, overwritten):
    run(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps",
        "--target", str(tmp_path), str(wheel))  # fmt: skip
    (tmp_path / "clc-0.0.1.dist-info").mkdir()
    if overwritten:
        (tmp_path / "clc/__init__.py").write_text("def cli(): ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "clc", "--version"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (2 if overwritten else 0)
    assert bool(done.stdout) != overwritten
    assert "another package of that name" in done.stderr
    assert f"pip install --force-reinstall --no-deps {DISTRIBUTION}" in done.stderr


# The model


@needs_git
@pytest.mark.parametrize("name", MODEL_FILES)
def test_git_takes_the_model_in(name):
    command = ["git", "check-ignore", "--verbose", "--no-index", str(MODEL / name)]
    rule = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert ".gitignore:" not in rule  # a clone's own .git/info/exclude may say otherwise


# The locks


def test_the_locks_answer_to_pyproject():
    extras = PROJECT["optional-dependencies"]
    cpu, dev, adapters = locked("cpu.lock"), locked("dev.lock"), locked("adapters.lock")
    asked = [*PROJECT["dependencies"], *extras["transformers"], *extras["parquet"]]
    dev_lines = [
        line
        for line in [*extras["dev"], *extras["docs"]]
        if not line.startswith(f"{DISTRIBUTION}[")
    ]
    for lock, lines in (
        (cpu, [*asked, *extras["latex"], *extras["plot"]]),
        (cpu | dev, dev_lines),
        (adapters, [*PROJECT["dependencies"], *extras["dspy"][1:], *extras["inspect"][1:]]),
    ):
        for requirement in map(Requirement, lines):
            version = lock.get(canonicalize_name(requirement.name))
            assert version, f"{requirement} is not locked: run make lock"
            assert version in requirement.specifier, f"{requirement} and {version}: run make lock"


def test_the_locks_agree():
    cpu, dev = locked("cpu.lock"), locked("dev.lock")
    assert {name: dev[name] for name in cpu.keys() & dev} == {n: cpu[n] for n in cpu.keys() & dev}


def test_no_lock_brings_cuda():
    pins = locked("cpu.lock") | locked("dev.lock")
    assert excluded() == {"torchvision", "torchaudio", "torchcodec", "triton"}
    assert not excluded() & pins.keys()
    assert not [name for name in pins if re.match(r"nvidia|cuda|vllm$", name)]
    assert pins["torch"].endswith("+cpu")


@pytest.mark.skipif(
    not (ROOT / ".venv/clc-dev-installed").exists() or Path(sys.prefix) != ROOT / ".venv",
    reason="only in the environment that make dev made",
)
def test_the_environment_is_the_lock_and_nothing_is_missing():
    # By folder: setuptools, once imported, adds its own private packages to sys.path.
    folders = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    installed = {canonicalize_name(dist.name): dist for dist in distributions(path=folders)}
    pins = locked("cpu.lock") | locked("dev.lock")
    found: dict[str, str] = {name: dist.version for name, dist in installed.items()}
    del found[DISTRIBUTION]
    found.pop("pip", None)
    assert found == pins
    missing = set()
    for name, dist in installed.items():
        for requirement in map(Requirement, dist.requires or ()):
            needed = canonicalize_name(requirement.name)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            if needed in installed and requirement.specifier.contains(
                installed[needed].version, prereleases=True
            ):
                continue
            missing.add((name, needed))
    assert {needed for _, needed in missing} <= excluded(), missing


# The Makefile


def make(tmp_path, *arguments):
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return subprocess.run(
        ["make", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def test_make_explains_every_target(tmp_path):
    done = make(tmp_path)
    assert done.returncode == 0, done.stderr
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert re.findall(r"^  make (\w+)", done.stdout, re.MULTILINE) == phony


def test_make_refuses_an_old_python(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\n[ $1 = --version ] && echo Python 3.9.1 || exit 1\n")
    old.chmod(0o755)
    done = make(tmp_path, "install", f"PYTHON={old}")
    assert done.returncode == 2
    assert f"clc needs Python 3.11 or later; {old} is Python 3.9.1" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_names_a_missing_python(tmp_path):
    done = make(tmp_path, "install", "PYTHON=python3.99")
    assert done.returncode == 2
    assert "there is no python3.99" in done.stderr


# The tests


def test_the_groups_of_tests_name_files_and_tests_that_are_there():
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
    for member in (member for members in GROUPS.values() for member in members):
        name, _, test = member.partition("::")
        (file,) = [file for file in files if f"/{file}".endswith(f"/{name}")]
        assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8"), member


# The sample files


def test_the_samples_are_what_their_script_writes():
    there = {
        path.name: path.read_text(encoding="utf-8") for path in samples.EXAMPLES.glob("mgsm_*.tsv")
    }
    assert there == samples.files(), "run python -m benchmarks.training.samples"


def test_the_samples_are_one_set_in_eleven_languages():
    problems = list(load_problems(str(samples.EXAMPLES)))
    assert len(problems) == 12 * 11
    assert {problem.language for problem in problems} == set(language.languages())
    assert all(len(problem.translations) == 10 for problem in problems)
    assert len({problem.gold for problem in problems}) > 1
