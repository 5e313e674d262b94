"""The public namespace: what it holds, and what it loads."""

import inspect
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import clc
from clc.cli import COMMANDS, cli

ROOT = Path(__file__).parents[1]
STUB = Path(clc.__file__).with_suffix(".pyi")
HEAD = "# Made by: python -m tests.test_namespace\n\n"
TABLES = "_PUBLIC: dict[str, tuple[str, ...]]\n_MODULE_OF: dict[str, str]\n"

# A few of these come with clc, others with its extras; none is needed to say what clc is.
HEAVY = (
    "accelerate", "ahocorasick_rs", "asyncio", "babel", "datasets", "fastapi", "httpx", "jinja2",
    "math_verify",
    "matplotlib", "numpy", "orjson", "pandas", "py3langid", "pyarrow", "pydantic", "ray", "rich",
    "sqlite3", "sympy", "tenacity", "tokenizers", "torch", "transformers", "uvicorn", "vllm",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running ``code``."""
    report = "import sys; print('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def stub() -> str:
    """Contents of clc/__init__.pyi, in which type checkers see the names of ``clc._PUBLIC``."""
    imports = [
        f"from {module} import {name} as {name}\n"
        for module, names in sorted({**clc._PUBLIC, "clc.version": ("__version__",)}.items())
        for name in sorted(names)
    ]
    names = "".join(f'    "{name}",\n' for name in clc.__all__)
    return f"{HEAD}{''.join(imports)}\n{TABLES}__all__ = [  # noqa: RUF022\n{names}]\n"


@pytest.mark.parametrize("name", clc.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(clc, name)
    assert not isinstance(value, ModuleType), f"{name} is a module: a submodule hides the name"
    if callable(value):
        assert inspect.getdoc(value), f"clc.{name} has no docstring"
        assert value.__module__.startswith("clc."), f"clc.{name} is not ours"


def test_a_submodule_never_hides_a_public_name():
    # `import clc.voting` binds clc.voting; a public name like a module's would change its meaning.
    modules = {path.stem for path in Path(clc.__file__).parent.iterdir()}
    assert not modules & set(clc.__all__)


def test_all_is_exactly_what_is_exported():
    assert len(clc.__all__) == len(set(clc.__all__))
    assert sorted(dir(clc)) == sorted(clc.__all__)
    star: dict[str, object] = {}
    exec("from clc import *", star)
    assert set(star) - {"__builtins__"} == set(clc.__all__)


def test_the_stub_has_the_same_names():
    assert STUB.read_text(encoding="utf-8") == stub(), "run: python -m tests.test_namespace"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'clc' has no attribute 'sovle'"):
        clc.sovle  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import clc",
        "from clc import ClcError",
        "from clc.cli import cli; cli.main(['--help'], standalone_mode=False)",
        "from clc.cli import cli; cli.main(['--version'], standalone_mode=False)",
    ],
)
def test_starting_loads_nothing_heavy(code):
    assert not loaded_by(code) & set(HEAVY)


def test_help_loads_no_library_that_prints_nothing_of_it():
    code = "from clc.cli import cli; cli.main(['--help'], standalone_mode=False)"
    unused = {"difflib", "hashlib", "json", "logging", "shutil"}
    assert not (loaded_by(code) - loaded_by("import click")) & unused


@pytest.mark.parametrize("width", ["30", "70", "100", "300", "none"])
def test_help_is_as_wide_as_click_makes_it(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    columns = min(shutil.get_terminal_size().columns, 100)
    printed = CliRunner().invoke(cli, ["--help"]).output
    wanted = CliRunner().invoke(cli, ["--help"], terminal_width=max(columns - 2, 50)).output
    assert printed == wanted
    assert "Solve a file of problems" in printed


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.slow
def test_a_command_explains_itself_without_a_model(command):
    code = f"from clc.cli import cli; cli.main([{command!r}, '--help'], standalone_mode=False)"
    engines = {"torch", "vllm", "transformers", "ray", "fastapi", "matplotlib", "pyarrow", "numpy"}
    assert not loaded_by(code) & engines


def test_plain_voting_loads_no_engine():
    code = (
        "import clc; clc.vote; clc.canonical; clc.STRATEGIES\n"
        "assert clc.extract_answer('Answer: 7', language='en').value == '7'"
    )
    assert not loaded_by(code) & {"torch", "vllm", "transformers", "httpx", "numpy", "sqlite3"}


def test_the_first_reading_parses_no_file_again(monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    code = "import clc; assert clc.extract_answer('It cost 3.5 dollars. Answer: 7').value == '7'"
    loaded_by(code)  # makes the compiled form
    assert not loaded_by(code) & {"tomllib", "babel", "hashlib"}


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
