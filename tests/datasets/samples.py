"""Small files of problems."""

import json
from pathlib import Path

GERMAN = "Anna hat 3 Äpfel und kauft 4. Wie viele hat sie?\t7\nEin Buch hat 2.125 Seiten.\t2,125\n"
ENGLISH = "Anna has 3 apples and buys 4. How many has she?\t7\nA book has 2,125 pages.\t2125\n"
SWAHILI = "Anna ana matofaa 3 na ananunua 4. Ana mangapi?\t7\nKitabu kina kurasa 2,125.\t2,125\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
