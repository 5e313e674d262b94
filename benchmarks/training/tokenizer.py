"""The tokenizer of clc-tiny: byte-level BPE, one token a digit, a chat template.

Every cue sentence of the prompts is one token, because a small model's time is better spent on
the question than on spelling out the same instruction again. Other instructions still tokenize.
"""

from __future__ import annotations

from itertools import islice
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from benchmarks.training.examples import LANGUAGE_SHARES
from benchmarks.training.kinds import problems, trained
from benchmarks.training.language import load
from benchmarks.training.render import question, solution
from clc.prompts.templates import Templates

__all__ = [
    "THINK_MARK",
    "THOUGHT_ENDS",
    "THOUGHT_STARTS",
    "cue_sentences",
    "make_tokenizer",
    "with_thoughts",
]

VOCABULARY = 4096
PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
THOUGHT_STARTS, THOUGHT_ENDS = "<think>", "</think>"
THINK_MARK = " /think"  # behind the last question: the reply begins with a thought
TEXTS_PER_LANGUAGE = 3000

# Digits alone; words with the space before them; marks alone; white space.
_PIECES = r" ?\p{N}| ?[\p{L}\p{M}]+| ?[^\s\p{L}\p{M}\p{N}]|\s+"

# The plain mode is the default. With `enable_thinking` the last question bears the mark, and with
# `open_thought` besides the prompt itself begins the thought. Thoughts before the last question
# are left out, as Qwen3 does; one in a field of its own goes where the model writes it.
CHAT_TEMPLATE = r"""
{%- set last = namespace(question=-1) -%}
{%- for message in messages -%}
  {%- if message.role == 'user' -%}
    {%- set last.question = loop.index0 -%}
  {%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
  {%- set content = message.content or '' -%}
  {%- set thought = message.reasoning_content or message.reasoning -%}
  {%- if message.role == 'assistant' and loop.index0 < last.question -%}
    {%- if '</think>' in content -%}
      {%- set content = content.split('</think>')[-1].lstrip('\n') -%}
    {%- endif -%}
  {%- elif message.role == 'assistant' and thought -%}
    {%- set thought = '<think>\n' + thought.strip('\n') + '\n</think>\n\n' -%}
    {%- set content = thought + content.lstrip('\n') -%}
  {%- elif enable_thinking and loop.index0 == last.question -%}
    {%- set content = content + ' /think' -%}
  {%- endif -%}
  {{- '<|' + message.role + '|>' + content -}}
  {%- if message.role == 'assistant' -%}
    {{- '<|end|>' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|assistant|>' -}}
  {%- if enable_thinking and open_thought -%}
    {{- '<think>\n' -}}
  {%- endif -%}
{%- endif -%}
""".lstrip()


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


def with_thoughts(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """Add what begins and ends a thought: tokens that decoding keeps, as Qwen3's are."""
    tokenizer.add_tokens(
        [AddedToken(text, normalized=False) for text in (THOUGHT_STARTS, THOUGHT_ENDS)]
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


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
