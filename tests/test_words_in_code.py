"""Words of languages stand in their files, and none in the code."""

import ast
import unicodedata
from pathlib import Path

import pytest

import clc

CODE = Path(clc.__file__).parent
# Characters, and no words: numerals with the characters that tell them from words; letters by which
# case or spelling is folded, or that bound a range; a sign.
CHARACTERS = {
    "answers/cjk_numerals.py": "零〇一二三四五六七八九十廿卅百千万萬亿億兆两兩弐参壹貳贰叁參肆伍陸陆柒捌玖拾佰仟"
    "点點第统統唯同进逐米克瓦卡帕赫伏焦牛升",
    "answers/number_suffixes.py": "一百千万萬십백천만억步큼은을이의개명鿿",
    "answers/numerals.py": "分",
    "answers/region.py": "分분",
    "answers/plain_regions.py": "ʼ",
    "answers/spelled.py": "分",
    "answers/expressions.py": "ˆ",
    "answers/word_lists.py": "İıſςσ",
    "answers/number_lexicon.py": "\u0130\u02bc\u0915\u091c\u0921\u0922\u092b\u0958\u095b\u095c"
    "\u095d\u095e\u09a1\u09a2\u09af\u09dc\u09dd\u09df\u0a1c\u0a5b\u0a5c",
    "answers/number_scales.py": "ßɏͰӿۿธ",
}


def literals(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = getattr(node, "value", None)
        if isinstance(node, ast.Constant) and isinstance(text, str) and id(node) not in docstrings:
            yield node.lineno, text


@pytest.mark.parametrize("path", sorted(CODE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_literal_holds_a_word_of_a_language(path):
    known = set(CHARACTERS.get(path.relative_to(CODE).as_posix(), ""))
    found = [
        (line, text)
        for line, text in literals(path)
        if any(
            not c.isascii() and unicodedata.category(c)[0] == "L" and c not in known for c in text
        )
    ]
    assert found == []


@pytest.mark.parametrize("name", CHARACTERS)
def test_an_exception_is_in_use(name):
    held = {character for _, text in literals(CODE / name) for character in text}
    assert held & set(CHARACTERS[name])


def test_a_word_is_found(tmp_path):
    file = tmp_path / "code.py"
    file.write_text('"""Größe."""\nLABEL = "größe"\n', encoding="utf-8")
    assert list(literals(file)) == [(2, "größe")]
