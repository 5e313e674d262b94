"""Train clc-tiny: ``python -m benchmarks.training.train --out runs/clc-tiny --tokens 15500000``.

Generator -> tokenizer -> length-bucketed batches -> checkpoints. The same command goes on from the
last checkpoint, and another ``--seed`` goes on with fresh data. The learning rate rises over the
first 2 %, stays, and falls linearly to zero over the last 30 % of the tokens (so a longer run can
branch off before the fall); hidden matrices learn with Muon, the rest with AdamW. The loss counts
replies only.

``--from FOLDER`` begins with the weights of a model that an earlier run wrote, and ``--thinking``
is the share of the examples that teach it to think first. A GPU learns faster than one process
makes examples: ``--workers`` makes them in several, each from a seed of its own.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from benchmarks.training.batches import IGNORED, Plan, batches
from benchmarks.training.evaluate import greedy_accuracy
from benchmarks.training.tokenizer import make_tokenizer, with_thoughts
from benchmarks.training.weights import export, load_weights

LOG_SECONDS = 30
SAVE_SECONDS = 180


def make_model(plan: Plan, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """Make a fresh model: Qwen2, tied embeddings, grouped-query attention."""
    torch.manual_seed(plan.seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=plan.width,
            intermediate_size=plan.hidden,
            num_hidden_layers=plan.layers,
            num_attention_heads=plan.width // 64,
            num_key_value_heads=plan.width // 128,
            # Trained on less; few-shot prompts must fit.
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            use_cache=False,
            # On sequences this short, plain attention has a much faster backward on the CPU.
            attn_implementation="sdpa" if torch.cuda.is_available() else "eager",
        )
    )


def make_optimizers(model: Qwen2ForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings, norms and biases."""
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and "embed" not in name and "lm_head" not in name
        (matrices if is_matrix else others).append(parameter)
    return [
        torch.optim.Muon(
            matrices, lr=plan.matrix_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=plan.other_rate, weight_decay=0.0, betas=(0.9, 0.98)),
    ]


def step_loss(model: Qwen2ForCausalLM, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean loss over the reply tokens; only their logits are computed."""
    device = model.device
    inputs, targets = inputs.to(device), targets.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        states = model.model(input_ids=inputs, use_cache=False).last_hidden_state
        wanted = targets != IGNORED
        logits = model.lm_head(states[wanted])
    return cross_entropy(logits.float(), targets[wanted])


class Training:
    """A training run in a folder: started, or continued from its checkpoint."""

    def __init__(
        self, folder: Path, plan: Plan, *, compiled: bool, begin: Path | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.plan = plan
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        if (folder / "tokenizer").is_dir():
            self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer")
        else:
            self.tokenizer = (
                with_thoughts(PreTrainedTokenizerFast.from_pretrained(begin))
                if begin
                else make_tokenizer(plan.seed)
            )
            self.tokenizer.save_pretrained(folder / "tokenizer")
        self.model = make_model(plan, self.tokenizer).to(self.device)
        if begin:
            load_weights(self.model, self.tokenizer, begin)
        self.optimizers = make_optimizers(self.model, plan)
        self.step = self.seen = self.drawn = 0
        self._restore()
        if compiled:
            self.model.model.compile(dynamic=True)

    def run(self, seconds_between_checks: float) -> None:
        """Train to the end of the plan; log every half minute, check now and then."""
        self.note(parameters=sum(p.numel() for p in self.model.parameters()),
                  vocabulary=len(self.tokenizer), plan=asdict(self.plan))  # fmt: skip
        losses: list[float] = []
        started = checked = logged = saved = time.monotonic()
        seen_at_start = self.seen
        for inputs, targets in batches(self.tokenizer, self.plan, self.drawn):
            losses.append(self.learn(inputs, targets))
            now = time.monotonic()
            done = self.seen >= self.plan.tokens
            if now - logged > LOG_SECONDS or done:
                speed = (self.seen - seen_at_start) / (now - started)
                self.note(step=self.step, seen=self.seen,
                          loss=round(sum(losses) / len(losses), 4),
                          tokens_per_second=round(speed),
                          rate=round(self.plan.rate(self.seen), 3))  # fmt: skip
                losses.clear()
                logged = now
            if now - checked > seconds_between_checks or done:
                self.check()
                checked = saved = time.monotonic()
            elif now - saved > SAVE_SECONDS:
                self.save()
                saved = time.monotonic()
            if done:
                return

    def learn(self, inputs: torch.Tensor, targets: torch.Tensor) -> float:
        """Take one step and return its loss."""
        peaks = (self.plan.matrix_rate, self.plan.other_rate)
        for optimizer, peak in zip(self.optimizers, peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * self.plan.rate(self.seen)
        loss = step_loss(self.model, inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.drawn += 1
        self.seen += inputs.numel()
        return float(loss.item())

    def save(self) -> None:
        """Save a checkpoint."""
        state = {
            "model": self.model.state_dict(),
            "step": self.step,
            "seen": self.seen,
            "seed": self.plan.seed,
            "drawn": self.drawn,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        part = self.folder / "checkpoint.part"
        torch.save(state, part)
        part.replace(self.folder / "checkpoint.pt")

    def check(self) -> None:
        """Save a checkpoint, export the model, and log its dev accuracy by language."""
        self.save()
        copy = export(self.folder, self.model, self.tokenizer)
        for thinking in (False, True) if self.plan.thinking else (False,):
            accuracy = greedy_accuracy(copy, self.tokenizer, per_language=48, thinking=thinking)
            self.note(step=self.step, **{"thinking" if thinking else "dev": accuracy})

    def note(self, **values: Any) -> None:
        """Log one line, to the screen and to log.jsonl."""
        line = orjson.dumps({"time": round(time.time()), **values})
        click.echo(line)
        with (self.folder / "log.jsonl").open("ab") as log:
            log.write(line + b"\n")

    def _restore(self) -> None:
        checkpoint = self.folder / "checkpoint.pt"
        if not checkpoint.is_file():
            return
        state = torch.load(checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seen = state["step"], state["seen"]
        if state["seed"] == self.plan.seed:  # another seed is fresh data
            self.drawn = state["drawn"]


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--tokens", default=15_500_000, show_default=True, help="Tokens to train on.")
@click.option("--batch-tokens", default=3072, show_default=True, help="Tokens in a batch.")
@click.option("--seed", default=0, show_default=True)
@click.option("--matrix-rate", default=0.002, show_default=True, help="Peak rate of Muon.")
@click.option("--other-rate", default=0.0015, show_default=True, help="Peak rate of AdamW.")
@click.option("--layers", default=6, show_default=True)
@click.option("--width", default=256, show_default=True)
@click.option("--hidden", default=640, show_default=True)
@click.option("--drills", default=0.2, show_default=True, help="Share of bare equations.")
@click.option("--fall", default=0.3, show_default=True, help="Share in which the rate falls.")
@click.option("--thinking", default=0.0, show_default=True, help="Share that thinks first.")
@click.option("--rare", default=1.0, show_default=True, help="Times the rare languages' shares.")
@click.option("--workers", default=0, show_default=True, help="Processes that make examples.")
@click.option(
    "--from", "begin", type=click.Path(path_type=Path, exists=True), help="Model to begin with."
)
@click.option("--minutes-between-checks", default=10.0, show_default=True)
@click.option("--compile/--no-compile", "compiled", default=True, help="Two minutes for +40 %.")
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
def main(
    out: Path,
    begin: Path | None,
    minutes_between_checks: float,
    compiled: bool,  # noqa: FBT001
    threads: int,
    **options: Any,
) -> None:
    """Train clc-tiny, or go on with a training run."""
    torch.set_num_threads(threads)
    training = Training(out, Plan(**options), compiled=compiled, begin=begin)
    training.run(minutes_between_checks * 60)


if __name__ == "__main__":
    main()
