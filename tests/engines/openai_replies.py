"""Replies with a thought, whole and as a stream."""

from .faulty_replies import completion, events, value

THOUGHT = "Nine twos are 16? No. The answer is 99.\nWait: 9 × 2 = 18.\n"
USAGE = {"prompt_tokens": 11, "completion_tokens": 40,
         "completion_tokens_details": {"reasoning_tokens": 30}}  # fmt: skip


def whole(message, finish_reason):
    reply = completion(usage=USAGE)
    reply["choices"] = [{"index": 0, "message": message, "finish_reason": finish_reason}]
    return value(reply)


def in_pieces(message, finish_reason, *, usage=USAGE, **options):
    """Stream a message in small deltas, its thought first."""
    deltas = []
    for name in ("reasoning", "reasoning_content", "content", "refusal"):
        text = message.get(name)
        if isinstance(text, list):
            deltas += [{name: [part]} for part in text]
        elif text:
            deltas += [{name: text[at : at + 3]} for at in range(0, len(text), 3)]
    if message.keys() >= {"reasoning", "reasoning_content"}:  # both in each delta
        deltas = [{**one, "reasoning_content": one["reasoning"]} if "reasoning" in one else one
                  for one in deltas if "reasoning_content" not in one]  # fmt: skip
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    return events(*({"choices": [choice]} for choice in choices),
                  {"choices": [], "usage": usage}, **options)  # fmt: skip
