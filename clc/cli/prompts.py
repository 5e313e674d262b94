"""``clc prompts``: list, show and check prompt templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clc import bounds
from clc.cli.options import NumberType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.prompts.templates import Templates
    from clc.records import Message

__all__ = ["command"]

_FOLDER = click.option(
    "--prompts", "folder", metavar="DIR", help="Folder of templates that override the bundled ones."
)
_QUESTION = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
_REPLY = "<the model's reply>"
_LANGUAGES = "en,de,zh"
_RESPONSES = ("3 + 4 = 7", "3 + 4 = 7", "3 × 4 = 12")
_SHOTS = 8


@click.group("prompts")
def command() -> None:
    """List, show and check prompt templates.

    \b
    Examples:
      clc prompts list
      clc prompts show cot --language sw
      clc prompts show few-shot --language sw --shots 4 --switch 0.5
      clc prompts check --prompts my-prompts
    """  # noqa: D301


@command.command("list")
@_FOLDER
def list_templates(folder: str | None) -> None:
    """List templates and the languages with cue words.

    A line is a template's name, its content hash and its file. For languages without cue words,
    the prompt names the language to reason in in English.
    """
    from clc.cli.text import visible
    from clc.prompts.templates import Templates

    templates = Templates(folder)
    for name in templates.names():
        template = templates.get(name)
        click.echo(visible(f"{name:14} {template.hash}  {template.path}"))
    codes = visible(" ".join(templates.languages()))
    click.echo(f"cue words: {codes}; others use English ones")


@command.command("show")
@click.argument("name")
@click.option("--language", default="en", show_default=True,
              help="Language to reason in, or to translate into.")  # fmt: skip
@click.option("--question", default=_QUESTION, help="The question.")
@click.option("--question-language", default=None,
              help="Language of the question.  [default: --language]")  # fmt: skip
@click.option("--shots", type=NumberType(bounds.SOME), default=_SHOTS, show_default=True,
              metavar="N", help="Demonstrations, for templates that have some.")  # fmt: skip
@click.option("--switch", type=NumberType(bounds.SHARE), default=0.0, show_default=True,
              metavar="P", help="Probability that a demonstration's sentence is in another "
              "language.")  # fmt: skip
@click.option(
    "--seed", type=NumberType(bounds.SEED), default=0, show_default=True, help="Seed of --switch."
)
@click.option("--languages", default=_LANGUAGES, show_default=True, metavar="CODES",
              help="Languages that reason together, or that are weighed.")  # fmt: skip
@_FOLDER
def show_template(name: str, folder: str | None, **options: Any) -> None:
    """Print template NAME as the model gets it.

    Sample values stand for those of a run: three short responses to choose from, and
    "<the model's reply>" between the turns of a template.
    """
    from clc.cli.text import visible
    from clc.languages.codes import read_language
    from clc.prompts.templates import Templates

    code = read_language(options["language"])
    messages = _sample(
        Templates(folder),
        name,
        code,
        question=options["question"],
        question_language=read_language(options["question_language"] or code),
        languages=[read_language(one) for one in options["languages"].split(",")],
        shots=options["shots"],
        switch=options["switch"],
        seed=options["seed"],
    )
    for message in messages:
        click.echo(visible(f"--- {message['role']}\n{message['content']}", lines=True))


@command.command("check")
@_FOLDER
def check_templates(folder: str | None) -> None:
    """Render every template in every language; report errors and cue words in English."""
    from clc.cli.text import visible
    from clc.prompts.templates import Templates

    templates = Templates(folder)
    codes = [*templates.languages(), "ta"]  # Tamil stands for all languages without cue words
    for name in templates.names():
        for code in codes:
            _sample(templates, name, code)
    for code, lacking in templates.missing_cues().items():
        click.echo(visible(f"[{code}] has no {', '.join(lacking)}: English ones are used"))
    click.echo(f"{len(templates.names())} templates are fine in {len(codes)} languages")


def _sample(
    templates: Templates,
    name: str,
    language: str,
    *,
    question: str = _QUESTION,
    question_language: str = "en",
    languages: Sequence[str] = tuple(_LANGUAGES.split(",")),
    shots: int = _SHOTS,
    switch: float = 0.0,
    seed: int = 0,
) -> tuple[Message, ...]:
    """Render a template to its last turn, with sample values."""
    return templates.render(
        name,
        question=question,
        question_language=question_language,
        language=language,
        replies=(_REPLY,) * (templates.get(name).turns - 1),
        languages=languages,
        shots=templates.shots(
            question_language, language, shots, switch=switch, languages=languages, seed=seed
        ),
        responses=[
            f"{steps}\n{templates.cues(code).label} {steps.split()[-1]}"
            for steps, code in zip(_RESPONSES, _LANGUAGES.split(","), strict=True)
        ],
    )
