"""What a release is checked for, and that workflows and hooks say what the project says."""

import re
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import clc

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / ".github/release.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="only in a checkout")


@pytest.fixture(scope="module")
def release():
    spec = spec_from_file_location("release", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "clc").mkdir()
    (tmp_path / "clc/version.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 1.2.3\n")
    (tmp_path / "CHANGELOG.md").write_text(
        "## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n## [1.2.2] - 2025-01-02\n"
    )
    return tmp_path


def test_a_release_of_one_piece(release, tree):
    assert release.faults(tree, "v1.2.3") == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("clc/version.py", '__version__ = "1.2.4"\n', "CITATION.cff: the version is not 1.2.4"),
        ("clc/version.py", '__version__ = "1.2.x"\n', "clc/version.py: 1.2.x is no version"),
        ("CITATION.cff", "cff-version: 1.2.0\n", "CITATION.cff: the version is not 1.2.3"),
        ("CHANGELOG.md", "## [Unreleased]\n", "CHANGELOG.md: the newest heading is not ## [1.2.3]"),
        ("CHANGELOG.md", "## [1.2.3] - soon\n", "CHANGELOG.md: 1.2.3 has no date"),
        ("CHANGELOG.md", "## [1.2.3]\n", "CHANGELOG.md: 1.2.3 has no date"),
    ],
)
def test_what_does_not_agree_is_named(release, tree, file, text, fault):
    (tree / file).write_text(text)
    assert [found for found in release.faults(tree) if found.startswith(fault)]


def test_a_tag_of_another_version(release, tree):
    assert release.faults(tree, "v1.2.2") == ["the tag is v1.2.2, the version 1.2.3"]


def test_between_releases_the_tree_agrees():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--unreleased"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{clc.__version__}: all of one piece\n"


def test_the_workflows_run_the_pythons_of_the_classifiers():
    yaml = pytest.importorskip("yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["light"]["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("name", ["ci.yml", "publish.yml"])
def test_what_a_workflow_makes_is_there(name):
    text = (ROOT / ".github/workflows" / name).read_text(encoding="utf-8")
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert set(re.findall(r"run: make (\w+)", text)) <= {*targets, "adapters"}
    for path in re.findall(r"(?:python|pytest) ([.\w]+/[\w./]+)", text):
        assert (ROOT / path).exists(), path


def test_the_hooks_have_the_linter_of_the_lock():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    lock = (ROOT / "requirements/dev.lock").read_text(encoding="utf-8")
    assert re.search(r"ruff-pre-commit\n    rev: v(\S+)", hooks)[1] in re.findall(
        r"(?m)^ruff==(\S+)$", lock
    )
