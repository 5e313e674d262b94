import json

from benchmarks.thoughts import count, main

GERMAN = "Zuerst zählen wir alle Äpfel im Korb zusammen, und dann ziehen wir die verschenkten ab."
ENGLISH = "First we count all of the apples in the basket, and then we take away those given away."
TEXTS = (
    ("de", f"<think>\n{GERMAN}\n</think>\n\nAntwort: 7", "7"),
    ("de", f"<think>\n{ENGLISH}\n</think>\n\nAntwort: 8", "7"),
    ("de", f"<think>\n{GERMAN} Die Antwort ist 7. Aber", "7"),
    ("en", "Answer: 7", "7"),
)


def test_thoughts_are_counted_by_language(tmp_path, capsys):
    file = tmp_path / "recorded.jsonl"
    rows = [{"language": code, "response": text, "gold": gold} for code, text, gold in TEXTS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    german = {"texts": 3, "ended": 2, "open": 1, "right": 1, "asked": 2, "other": 1}
    english = {"texts": 1, "right": 1}
    assert {code: dict(+own) for code, own in count(file).items()} == {"de": german, "en": english}
    assert main([str(file)]) == 0
    totals = capsys.readouterr().out.splitlines()[-1].split()
    assert totals == ["all", "4", "2", "1", "0", "50", "2", "1", "0", "0"]
