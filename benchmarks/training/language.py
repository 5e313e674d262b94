"""One language's words: `languages/<code>.toml`, read and checked.

A wording is text with placeholders of one shape, `{what:noun.form}`:

    {name}  {name.gen}      what fills an entity slot, or one of its other forms
    {obj.other}             a form of the noun in a slot; `{hour.other}`: of a noun by its id
    {a}                     a number
    {a:obj}  {a:hour}       a number counted with a noun: 1 apple, 2 apples
    {a:obj.dat}             the same in another case, or by another pattern
    {eq}  {eq:obj}          in a step, its equation: 5 + 3 = 8, or 5 + 3 = 8 apples
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, NamedTuple

from babel import Locale
from babel.numbers import format_decimal

from benchmarks.training.instance import Kind
from benchmarks.training.kinds import KINDS
from benchmarks.training.vocabulary import NOUNS, PERSONS, SLOTS

_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?(?:\.([\w.]+))?\}")
_IN_PATTERN = re.compile(r"\{(\w+)\}")
_SECTIONS = {"patterns", "digits", "names", "nouns", "kinds"}


class WordingError(ValueError):
    """A language file that lacks something or has something that cannot be filled in."""


class Field(NamedTuple):
    """A placeholder."""

    what: str
    noun: str
    form: str

    def __str__(self) -> str:
        noun = f":{self.noun}" if self.noun else ""
        form = f".{self.form}" if self.form else ""
        return f"{{{self.what}{noun}{form}}}"


Wording = tuple[str | Field, ...]


@dataclass(frozen=True)
class Word:
    """A noun or a name: its forms, and those of its cases as `dat.one`, `dat.other`."""

    id: str
    forms: Mapping[str, str]

    def form(self, name: str) -> str:
        if name not in self.forms:
            known = ", ".join(self.forms)
            raise WordingError(f"{self.id} has no form {name!r}; it has {known}")
        return self.forms[name]

    def has_case(self, name: str) -> bool:
        return f"{name}.other" in self.forms


@dataclass(frozen=True)
class Wordings:
    """What a kind says: questions to choose from, and for each step sentences to choose from."""

    questions: tuple[Wording, ...]
    steps: tuple[tuple[Wording, ...], ...]


@dataclass(frozen=True)
class Language:
    """The words of a language and how it counts."""

    code: str
    patterns: Mapping[str, str]
    native_digits: str
    native_share: float
    names: Mapping[str, Word]
    nouns: Mapping[str, Word]
    kinds: Mapping[str, Wordings]

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(self.code)

    @cached_property
    def plurals(self) -> tuple[str, ...]:
        """The plural categories that its whole numbers use, in CLDR's names."""
        used = {self.locale.plural_form(n) for n in range(1001)}
        return tuple(c for c in ("zero", "one", "two", "few", "many", "other") if c in used)

    def number(self, n: int) -> str:
        """A number as the language writes it."""
        return str(n) if n < 1000 else str(format_decimal(n, locale=self.locale))

    def word(self, entity: str) -> Word:
        """A person or a noun by its id."""
        return self.names.get(entity) or self.nouns[entity]

    def counted(self, noun: str, n: int, text: str, form: str, pattern: str) -> str:
        """`text`, which says n, together with a noun in the case or by the pattern `form`."""
        word = self.nouns[noun]
        case = f"{form}." if form and word.has_case(form) else ""
        if form and not case:
            pattern = form
        # A noun's own pattern goes before the language's; an equation has none: as a number.
        template = next(
            (
                found
                for name in (pattern, "counted" if pattern == "equation" else pattern)
                for found in (word.forms.get(name), self.patterns.get(name))
                if found is not None
            ),
            None,
        )
        if template is None:
            raise WordingError(f"{noun} has no case and the language no pattern {form!r}")
        parts = {"n": text, "noun": self._plural(word, case, n)}
        return _IN_PATTERN.sub(
            lambda m: parts[m[1]] if m[1] in parts else word.form(m[1]), template
        )

    def _plural(self, word: Word, case: str, n: int) -> str:
        category = case + self.locale.plural_form(n)
        return word.forms.get(category) or word.form(f"{case}other")


@cache
def load(code: str) -> Language:
    """The language of a code, complete and checked against every kind."""
    source = files("benchmarks.training") / "languages" / f"{code}.toml"
    try:
        table = tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        raise WordingError(f"no language file {source}") from None
    except tomllib.TOMLDecodeError as error:
        raise WordingError(f"{source}: {error}") from None
    try:
        return _parse(code, table)
    except WordingError as error:
        raise WordingError(f"{code}.toml: {error}") from None


def languages() -> tuple[str, ...]:
    """The codes of the languages that have a file."""
    folder = files("benchmarks.training") / "languages"
    names = (item.name for item in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def _parse(code: str, table: Mapping[str, Any]) -> Language:
    _same("sections", table, _SECTIONS, optional={"digits"})
    _same("[names]", table["names"], PERSONS)
    _same("[nouns]", table["nouns"], NOUNS)
    _same("[kinds]", table["kinds"], KINDS)
    if "counted" not in table["patterns"]:
        raise WordingError('[patterns] lacks counted, such as counted = "{n} {noun}"')
    digits = table.get("digits", {})
    if len(digits.get("native", "")) not in {0, 10}:
        raise WordingError("[digits]: native is the ten digits from zero to nine in one text")
    language = Language(
        code=code,
        patterns=table["patterns"],
        native_digits=digits.get("native", ""),
        native_share=digits.get("share", 0.0),
        names={key: _word(key, value, "base") for key, value in table["names"].items()},
        nouns={key: _word(key, value, "other") for key, value in table["nouns"].items()},
        kinds={
            key: _wordings(KINDS[key], value, f"[kinds.{key}]")
            for key, value in table["kinds"].items()
        },
    )
    _check_nouns(language)
    _check_kinds(language)
    return language


def _same(where: str, got: Mapping[str, Any], want: Any, optional: Any = ()) -> None:
    missing = [name for name in want if name not in got and name not in optional]
    unknown = [name for name in got if name not in want]
    if missing:
        raise WordingError(f"{where}: lacks {', '.join(missing)}")
    if unknown:
        raise WordingError(f"{where}: does not know {', '.join(unknown)}")


def _word(key: str, value: object, base: str) -> Word:
    """A word from text, or from a table of forms that may hold a table for each case."""
    forms: dict[str, str] = {}
    for name, form in (value if isinstance(value, dict) else {base: value}).items():
        for sub, text in form.items() if isinstance(form, dict) else [("", form)]:
            if not isinstance(text, str):
                raise WordingError(f"{key}: the form {name} is no text")
            forms[f"{name}.{sub}" if sub else name] = text
    if base not in forms:
        raise WordingError(f"{key}: lacks the form {base!r}")
    return Word(key, forms)


def _wordings(kind: Kind, table: Mapping[str, Any], where: str) -> Wordings:
    _same(where, table, {"question", "steps"})
    if len(table["steps"]) != len(kind.steps):
        raise WordingError(f"{where}: {len(table['steps'])} steps, not {len(kind.steps)}")
    if not isinstance(table["question"], list) or len(table["question"]) < 2:
        raise WordingError(f"{where}: question is a list of two wordings or more")
    choices = [[step] if isinstance(step, str) else step for step in table["steps"]]
    return Wordings(
        tuple(_wording(text, f"{where} question") for text in table["question"]),
        tuple(
            tuple(_wording(text, f"{where} step {i}") for text in texts)
            for i, texts in enumerate(choices, start=1)
        ),
    )


def _wording(text: str, where: str) -> Wording:
    pieces: list[str | Field] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        pieces += [text[end : match.start()], Field(match[1], match[2] or "", match[3] or "")]
        end = match.end()
    pieces.append(text[end:])
    for piece in pieces:
        if isinstance(piece, str) and re.search(r"[{}]", piece):
            raise WordingError(f"{where}: a broken placeholder in {piece!r}")
    return tuple(piece for piece in pieces if piece)


def _check_nouns(language: Language) -> None:
    for word in language.nouns.values():
        cases = {name.rpartition(".")[0] for name in word.forms if "." in name}
        for case in ("", *sorted(cases)):
            for category in language.plurals:
                name = f"{case}.{category}" if case else category
                # One form for all counts is a pattern's business: money, percent.
                if name not in word.forms and ("counted" not in word.forms or case):
                    raise WordingError(f"[nouns.{word.id}]: lacks {name}")


def _check_kinds(language: Language) -> None:
    for kind in KINDS.values():
        wordings = language.kinds[kind.name]
        for wording in wordings.questions:
            where = f"[kinds.{kind.name}] question"
            fields = _check_fields(language, kind, wording, {*kind.visible}, where)
            used = {name for f in fields for name in (f.what, f.noun)}
            for name in (*kind.visible, *kind.entities):
                if name not in used:
                    raise WordingError(f"{where}: does not say {{{name}}}: {text(wording)}")
        for i, choices in enumerate(wordings.steps, start=1):
            for wording in choices:
                where = f"[kinds.{kind.name}] step {i}"
                known = {"eq", *kind.numbers, *(f"r{j}" for j in range(1, i + 1))}
                fields = _check_fields(language, kind, wording, known, where)
                if sum(f.what == "eq" for f in fields) != 1:
                    raise WordingError(f"{where}: needs {{eq}} once: {text(wording)}")


def _check_fields(
    language: Language, kind: Kind, wording: Wording, numbers: set[str], where: str
) -> list[Field]:
    fields = [piece for piece in wording if isinstance(piece, Field)]
    for f in fields:
        is_number = f.what in numbers
        subject = f.noun if is_number else f.what
        if is_number and not f.noun:
            if f.form:
                raise WordingError(f"{where}: {f}: a bare number has no forms")
            continue
        if (f.noun and not is_number) or not (subject in kind.entities or subject in NOUNS):
            slots = ", ".join([*sorted(numbers), *kind.entities])
            raise WordingError(f"{where}: {f} is unknown; there are {slots} and the noun ids")
        try:
            for entity in SLOTS[subject] if subject in kind.entities else (subject,):
                _try_field(language, f, entity, is_number=is_number)
        except WordingError as error:
            raise WordingError(f"{where}: {f}: {error}") from None
    return fields


def _try_field(language: Language, f: Field, entity: str, *, is_number: bool) -> None:
    if not is_number:
        spoken(language, entity, f.form)
        return
    if entity in PERSONS:
        raise WordingError(f"{entity} is a person and not counted")
    for n in (1, 2, 5, 11):
        language.counted(entity, n, str(n), f.form, "equation" if f.what == "eq" else "counted")


def spoken(language: Language, entity: str, form: str) -> str:
    """A name or noun in a form; by default the name as it is, the noun in the plural."""
    return language.word(entity).form(form or ("base" if entity in PERSONS else "other"))


def text(wording: Wording) -> str:
    """A wording as the file has it."""
    return "".join(map(str, wording))


def all_wordings(language: Language) -> Iterator[tuple[str, Wording]]:
    """Every wording with its place, for tools that count or list them."""
    for name, wordings in language.kinds.items():
        for wording in wordings.questions:
            yield f"{name} question", wording
        for i, choices in enumerate(wordings.steps, start=1):
            for wording in choices:
                yield f"{name} step {i}", wording
