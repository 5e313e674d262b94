"""Greedy accuracy on new problems: ``python -m benchmarks.training.evaluate --model clc-tiny``.

By language: plain, with the thinking mode on, and with a thought that the prompt begins. It is what
a training run looks at as it goes; `measure` has the figures of the model card.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

import click
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.training.examples import LANGUAGE_SHARES
from benchmarks.training.kinds import problems
from benchmarks.training.language import load
from benchmarks.training.render import question
from benchmarks.training.thinking import OPEN
from benchmarks.training.tokenizer import THINK_MARK, THOUGHT_ENDS
from clc.answers import extract_answer
from clc.engines.models import resolve_model
from clc.languages.identification import written_language
from clc.prompts.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from benchmarks.training.instance import Instance, Split

__all__ = ["greedy_accuracy", "greedy_replies"]

BATCH = 48


class Mode(NamedTuple):
    """How a question is put: behind the mark or not, and how much of a thought it starts."""

    marked: bool = False
    opening: Literal["nothing", "thought", "cue"] = "nothing"
    language: str = ""  # of the thought; the question's own by default

    @property
    def thinks(self) -> bool:
        """Whether a thought is expected."""
        return self.marked or self.opening != "nothing"

    def beginning(self, code: str) -> str:
        """Return what begins the reply to a question in a language."""
        if self.opening == "nothing":
            return ""
        cue = Templates().cues(self.language or code).think
        return f"{OPEN}{cue}" if self.opening == "cue" else OPEN


MODES: Mapping[str, Mode] = {
    "plain": Mode(),
    "thinking": Mode(marked=True),
    "opened": Mode(marked=True, opening="thought"),
    "opened, unmarked": Mode(opening="thought"),
    "cue": Mode(marked=True, opening="cue"),
    "cue, unmarked": Mode(opening="cue"),
    **{
        f"cue in {code}": Mode(marked=True, opening="cue", language=code)
        for code in ("en", "es", "ja", "bn", "sw")
    },
}


def greedy_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    *,
    per_language: int,
    split: Split = "dev",
    thinking: bool = False,
) -> Mapping[str, float]:
    """Share of problems solved greedily in the question's own language, by language."""
    mode = MODES["thinking" if thinking else "plain"]
    sample = list(islice(problems(split, 1), per_language))
    accuracy = {}
    for code in LANGUAGE_SHARES:
        replies = greedy_replies(model, tokenizer, sample, code, mode)
        accuracy[code] = round(sum(_right(sample, replies, code)) / per_language, 3)
    return accuracy


@torch.no_grad()  # type: ignore[untyped-decorator]
def greedy_replies(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    sample: Sequence[Instance],
    code: str,
    mode: Mode,
) -> Sequence[str]:
    """Reply to problems in a language, each reply with its opening."""
    templates = Templates()
    opening = mode.beginning(code)
    was_training, side = model.training, tokenizer.padding_side
    model.eval()
    tokenizer.padding_side = "left"
    prompts = []
    for problem in sample:
        (message,) = templates.render(
            "cot", question=question(problem, load(code)), question_language=code, language=code
        )
        mark = THINK_MARK if mode.marked else ""
        prompts.append(f"<|user|>{message['content']}{mark}<|assistant|>{opening}")
    replies = []
    for start in range(0, len(prompts), BATCH):
        part = prompts[start : start + BATCH]
        batch = tokenizer(part, return_tensors="pt", padding=True).to(model.device)
        made = model.generate(
            **batch, max_new_tokens=140, do_sample=False, use_cache=True,
            pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        new = made[:, batch["input_ids"].shape[1] :]
        replies += [
            opening + text for text in tokenizer.batch_decode(new, skip_special_tokens=True)
        ]
    tokenizer.padding_side = side
    model.train(was_training)
    return replies


def _right(sample: Sequence[Instance], replies: Sequence[str], code: str) -> list[bool]:
    read = (extract_answer(reply, language=code) for reply in replies)
    return [
        getattr(answer, "value", None) == str(problem.answer)
        for problem, answer in zip(sample, read, strict=True)
    ]


@click.command()
@click.option("--model", default="clc-tiny", show_default=True, help="Name or folder.")
@click.option("--per-language", default=96, show_default=True, help="Problems a language.")
@click.option("--split", type=click.Choice(["dev", "test"]), default="dev", show_default=True)
@click.option("--mode", "modes", multiple=True, type=click.Choice(list(MODES)))
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
def main(model: str, per_language: int, split: Split, modes: Sequence[str], threads: int) -> None:
    """Print % right by mode and language, then % that end a thought and % in its language."""
    torch.set_num_threads(threads)
    folder = resolve_model(model)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    sample = list(islice(problems(split, 1), per_language))
    click.echo(" ".join([f"{'mode':18}", *(f"{code:>11}" for code in LANGUAGE_SHARES), "   mean"]))
    for name in modes or MODES:
        mode = MODES[name]
        cells = []
        total = 0
        for code in LANGUAGE_SHARES:
            replies = greedy_replies(loaded, tokenizer, sample, code, mode)
            right = sum(_right(sample, replies, code))
            total += right
            cell = f"{100 * right / len(sample):.0f}"
            if mode.thinks:
                ended = [reply for reply in replies if THOUGHT_ENDS in reply]
                kept = sum(_written(reply, mode.language or code) for reply in ended)
                cell += f"/{100 * len(ended) / len(sample):.0f}/{100 * kept / len(sample):.0f}"
            cells.append(f"{cell:>11}")
        mean = 100 * total / len(sample) / len(LANGUAGE_SHARES)
        click.echo(" ".join([f"{name:18}", *cells, f"{mean:7.1f}"]))


def _written(reply: str, code: str) -> bool:
    thought = reply.partition(THOUGHT_ENDS)[0].removeprefix(OPEN)
    return written_language(thought, code, list(LANGUAGE_SHARES)) in (code, None)


if __name__ == "__main__":
    main()
