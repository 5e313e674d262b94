"""``clc prompts``: read what a model will be told."""

from __future__ import annotations

import click

__all__ = ["command"]

_FOLDER = click.option("--prompts", "folder", metavar="DIR", help="Your templates, before ours.")
_QUESTION = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"


@click.group("prompts")
def command() -> None:
    """List, show and check prompt templates.

    \b
    Examples:
      clc prompts list
      clc prompts show cot --language sw
      clc prompts check --prompts my-prompts
    """  # noqa: D301


@command.command("list")
@_FOLDER
def list_templates(folder: str | None) -> None:
    """List templates and the languages with cue words.

    A line is a template's name, its content hash and its file. Languages without cue words of
    their own are told in English in which language to reason.
    """
    from clc.templates import Templates

    templates = Templates(folder)
    for name in templates.names():
        template = templates.get(name)
        click.echo(f"{name:12} {template.hash}  {template.path}")
    click.echo(f"cue words: {' '.join(templates.languages())}; others are told in English")


@command.command("show")
@click.argument("name")
@click.option("--language", default="en", show_default=True,
              help="Language to reason in, or to translate into.")  # fmt: skip
@click.option("--question", default=_QUESTION, help="The question.")
@click.option("--question-language", default=None,
              help="Language of the question.  [default: --language]")  # fmt: skip
@_FOLDER
def show(
    name: str, language: str, question: str, question_language: str | None, folder: str | None
) -> None:
    """Print template NAME as a model is told it."""
    from clc.languages import normalize_language
    from clc.templates import Templates

    code = normalize_language(language)
    messages = Templates(folder).render(
        name,
        question=question,
        question_language=normalize_language(question_language or code),
        language=code,
    )
    for message in messages:
        click.echo(f"--- {message['role']}\n{message['content']}")


@command.command("check")
@_FOLDER
def check(folder: str | None) -> None:
    """Render every template in every language, and say what is wrong."""
    from clc.templates import Templates

    templates = Templates(folder)
    codes = [*templates.languages(), "ta"]  # Tamil stands for all languages without cue words
    for name in templates.names():
        for code in codes:
            templates.render(name, question=_QUESTION, question_language="en", language=code)
    click.echo(f"{len(templates.names())} templates are fine in {len(codes)} languages")
