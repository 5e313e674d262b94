"""Other people's clients, unmodified: LangChain's ChatOpenAI and lm-evaluation-harness.

They run in a process of their own, with the Python that CLC_CLIENTS_PYTHON names or with ours.
"""

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from .harness import harness
from .serving import FRAGE, QUESTION, serving

PYTHON = os.environ.get("CLC_CLIENTS_PYTHON", sys.executable)
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OPENAI_API_KEY": "unused"}


@cache
def has(module):
    found = subprocess.run([PYTHON, "-c", f"import {module}"], check=False, capture_output=True)
    return found.returncode == 0


def run(command, **more):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=280,
        env=os.environ | OFFLINE, **more,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def need(module):
    if not has(module):
        pytest.skip(f"needs {module} in {PYTHON}")


LANGCHAIN = """
import asyncio, json, sys
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

url, question = sys.argv[1:]
model = ChatOpenAI(base_url=url, model="clc:sc", seed=1, max_retries=0)
talk = [SystemMessage("Be brief."), HumanMessage(question)]
whole = model.invoke(talk)
streamed = list(model.stream(talk))
later = asyncio.run(model.ainvoke(talk))
responses = ChatOpenAI(base_url=url, model="clc:sc", max_retries=0, use_responses_api=True)
print(json.dumps({
    "text": whole.text,
    "usage": whole.usage_metadata["total_tokens"],
    "finish": whole.response_metadata["finish_reason"],
    "streamed": "".join(chunk.text for chunk in streamed),
    "later": later.text,
    "responses": responses.invoke(talk).text,
}))
"""


def check_langchain(url):
    told = json.loads(run([PYTHON, "-c", LANGCHAIN, url, QUESTION]))
    assert told["text"] == told["streamed"] == told["later"]
    assert told["responses"]
    assert told["usage"] > 0
    assert told["finish"] == "stop"
    return told["text"]


TASK = """
task: tiny_de
dataset_path: json
dataset_kwargs:
  data_files: {file}
test_split: train
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer_number}}}}"
generation_kwargs:
  until: ["\\n\\n\\n"]
  do_sample: false
  temperature: 0.0
  max_gen_toks: 128
filter_list:
  - name: last-number
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[0-9]+)"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""


def check_lm_eval(url, folder, rows, model="clc"):
    """Run a local task of MGSM's fields against the server; returns the accuracy."""
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "tiny_de.yaml").write_text(TASK.format(file=file), encoding="utf-8")
    out = folder / "out"
    command = harness(
        "lm_eval", "--model", "local-chat-completions", "--apply_chat_template",
        "--model_args", f"model={model},base_url={url}/chat/completions,num_concurrent=4,seed=9",
        "--tasks", "tiny_de", "--include_path", folder, "--output_path", out, "--log_samples",
        python=PYTHON,
    )  # fmt: skip
    run(command, cwd=folder)
    (results,) = out.rglob("results_*.json")
    scores = json.loads(results.read_text())["results"]["tiny_de"]
    return scores["exact_match,last-number"]


@pytest.mark.slow
def test_langchain():
    need("langchain_openai")
    with serving() as it:
        assert "Answer: 7" in check_langchain(it.url)


@pytest.mark.slow
def test_lm_evaluation_harness(tmp_path):
    need("lm_eval")
    rows = [{"question": FRAGE, "answer_number": 7, "answer": None, "equation_solution": None}] * 6
    with serving(defaults={"paths": 3}) as it:  # one a language: it asks for temperature 0
        assert check_lm_eval(it.url, tmp_path, rows) == 1.0
