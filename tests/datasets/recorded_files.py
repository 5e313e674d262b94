"""Files of recorded generations, written for a test and read again."""

import json

from clc.datasets.generations import read_generations


def write(folder, *rows, name="g.jsonl"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def paths(*files):
    return [path for _, _, found in read_generations(files) for path in found]


def request(custom_id, content="Answer: 5", **body):
    choices = [{"message": {"content": content}, "finish_reason": "stop"}]
    return {"custom_id": custom_id, "response": {"body": body or {"choices": choices}}}
