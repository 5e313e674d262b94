"""``clc languages``: list, show and check what is known of languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clc.languages.files import LanguageFile

__all__ = ["command"]

_FOLDER = click.option(
    "--prompts", "folder", metavar="DIR", help="Folder whose languages/CODE.toml override ours."
)
_PARTS = ("prompt", "answers", "numbers", "units", "options", "demonstrations")
# What a file without these lists costs.
_LISTS = (
    (("copula",), 'a statement such as "the answer is 18" is read only where it has a label'),
    (("undetermined",), "a statement that there is no answer is not known as one"),
    (("sorry", "unable"), "a refusal is not known as one"),
    (("error", "pause"), "a corrected answer may be taken for the first one"),
    (("alternative",), 'of two answers left open ("3 or 4") the first is taken'),
    (("so", "total"), "a conclusion without a label is found by its numbers alone"),
)


@click.group("languages")
def command() -> None:
    """List, show and check what is known of languages.

    \b
    Examples:
      clc languages list
      clc languages show sw
      clc languages check my-prompts
    """  # noqa: D301


@command.command("list")
@_FOLDER
def list_languages(folder: str | None) -> None:
    """List languages and what is known of each.

    A line is a language's code, its English name and the tables of its file: cue words (prompt),
    words around answers, number words, units, letters of options, demonstrations.
    """
    from clc.cli.text import visible
    from clc.languages.codes import english_name

    files: dict[str, set[str]] = {}
    for file in _files(folder):
        files.setdefault(file.code, set()).update(file.tables)
    for code in sorted(files):
        parts = " ".join(part for part in _PARTS if part in files[code])
        click.echo(visible(f"{code:8} {english_name(code):24} {parts}".rstrip()))


@command.command("show")
@click.argument("code")
@_FOLDER
def show_language(code: str, folder: str | None) -> None:
    """Print what is known of language CODE, the files of --prompts first."""
    from clc.cli.text import visible
    from clc.errors import InputError
    from clc.languages.codes import read_language

    wanted = read_language(code)
    found = [file for file in _files(folder) if file.code == wanted]
    if not found:
        known = sorted({file.code for file in _files(folder)})
        raise InputError(f"there is no file of {wanted!r}; there are: {', '.join(known)}")
    for file in found:
        text = file.path.read_text(encoding="utf-8-sig")
        click.echo(visible(f"# {file.path}\n{text.rstrip()}", lines=True))


@command.command("check")
@click.argument("folder", required=False, metavar="[DIR]")
def check_languages(folder: str | None) -> None:
    """Check the languages of folder DIR, or ours: report errors, and what a file lacks.

    Each line names a file, what it lacks and what that costs.
    """
    from clc.answers.vocabulary import folder_vocabulary
    from clc.cli.text import visible
    from clc.errors import InputError
    from clc.languages.files import FOLDER, language_files
    from clc.prompt_files import bundled_prompts, prompt_folder
    from clc.prompts.templates import Templates

    chosen = bundled_prompts() if folder is None else prompt_folder(folder)
    found = language_files(chosen)
    files = [file for file in found if file.code != "und"]
    if not found:
        raise InputError(f"{chosen / FOLDER}: no files CODE.toml of languages")
    folder_vocabulary(chosen)
    templates = Templates(folder)
    problems = [one.name for one in templates.demonstrations]
    for file in files:
        for lack in _lacks(file, problems, own=folder is not None):
            click.echo(visible(f"{file.path}: {lack}"))
    click.echo(f"{len(files)} languages are read without error")


def _lacks(file: LanguageFile, problems: list[str], *, own: bool) -> Iterator[str]:
    """Yield what a file lacks, with what that costs."""
    tables = _completed(file, own=own)
    cues, answers = tables.get("prompt", {}), tables.get("answers", {})
    missing = [name for name in ("label", "think", "final", "reason_in", "only")
               if name not in cues]  # fmt: skip
    if missing:
        yield f"[prompt] has no {', '.join(missing)}: English ones are used"
    if "label" not in cues and "answer" not in answers:
        yield "[answers] has no answer: labels of answers in this language are not known"
    for names, cost in _LISTS:
        lacking = [name for name in names if name not in answers]
        if lacking:
            yield f"[answers] has no {', '.join(lacking)}: {cost}"
    yield from _lacking_numbers(tables.get("numbers", {}))
    if "units" not in tables:
        yield "no [units]: amounts in two units (2 hours 30 minutes) are not joined"
    shown = tables.get("demonstrations", {})
    if untold := [name for name in problems if name not in shown]:
        yield f"no demonstrations {', '.join(untold)}: English ones are shown"
    if tables.get("readers", "none") == "none":
        yield "readers is none: no speaker has read it"
    if "sources" not in tables:
        yield "no sources: the origin of its words is not stated"


def _lacking_numbers(table: dict[str, object]) -> Iterator[str]:
    """Yield what a table of number words lacks; Chinese and Japanese need no cardinals."""
    if not table or str(table.get("sources", "")).startswith("['none"):
        yield "[numbers] has no cardinals: numbers in words are not read, digits are"
    elif "half" not in table:
        yield "[numbers] has no half: a half in words is not read"


def _completed(file: LanguageFile, *, own: bool) -> dict[str, dict[str, object]]:
    """Return a file's tables over those of its language without script and region, and of ours."""
    from clc.answers.vocabulary import merged
    from clc.languages.files import language_files
    from clc.prompt_files import bundled_prompts

    bundled = {one.code: one.tables for one in language_files(bundled_prompts())}
    tables = bundled.get(file.code.partition("-")[0], {}) if own or "-" in file.code else {}
    if own:
        tables = merged(tables, bundled.get(file.code, {}))
    return merged(tables, file.tables)


def _files(folder: str | None) -> Iterator[LanguageFile]:
    """Yield the files of languages, a user's first."""
    from clc.languages.files import language_files
    from clc.prompt_files import bundled_prompts, prompt_folder

    folders: list[Path] = [bundled_prompts()]
    if folder is not None:
        folders.insert(0, prompt_folder(folder))
    for one in folders:
        yield from (file for file in language_files(one) if file.code != "und")
