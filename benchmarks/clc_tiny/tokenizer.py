"""The tokenizer of clc-tiny: byte-level BPE, one token a digit, a chat template.

Every cue sentence of the prompts is one token, because a small model's time is better spent on
the question than on spelling out the same instruction again. Other instructions still tokenize.
"""

from __future__ import annotations

from itertools import islice
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from benchmarks.clc_tiny.examples import LANGUAGE_SHARES
from benchmarks.clc_tiny.kinds import problems, trained
from benchmarks.clc_tiny.language import load
from benchmarks.clc_tiny.render import question, solution
from clc.prompts.templates import Templates

__all__ = ["cue_sentences", "make_tokenizer"]

VOCABULARY = 4096
PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEXTS_PER_LANGUAGE = 3000

# Digits alone; words with the space before them; marks alone; white space.
_PIECES = r" ?\p{N}| ?[\p{L}\p{M}]+| ?[^\s\p{L}\p{M}\p{N}]|\s+"

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}"
    "{% if message.role == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def cue_sentences() -> list[str]:
    """Every instruction that clc's templates put around a question in a known language."""
    templates = Templates()
    found: dict[str, None] = {}
    for language in LANGUAGE_SHARES:
        cue = templates.cues(language)
        found |= dict.fromkeys((cue.think, cue.final, cue.reason_in, cue.only))
        for name in ("translate", "xcot"):
            (message,) = templates.render(
                name, question="\n", question_language="en", language=language
            )
            english = templates.cues("en").final
            found[message["content"].strip().removesuffix(english).strip()] = None
    return list(found)


def make_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Train the tokenizer on the generator's text, as much of each language as of any other."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    specials = [PAD, END, *ROLES]
    cues = cue_sentences()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(cues),
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed), trainer)
    tokenizer.add_tokens([AddedToken(cue, normalized=False) for cue in cues])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )


def _texts(seed: int) -> list[str]:
    templates = Templates()
    texts = []
    for code in LANGUAGE_SHARES:
        language, label = load(code), templates.cues(code).label
        rng = Random(f"tokenizer/{seed}/{code}")
        for problem in islice(problems("train", seed), TEXTS_PER_LANGUAGE):
            if not trained(problem.kind, code):
                continue
            native = bool(language.native_digits) and rng.random() < language.native_share
            texts.append(question(problem, language, rng.randrange(6), native=native))
            texts.append(solution(problem, language, label, rng.randrange(6), native=native))
    return texts
