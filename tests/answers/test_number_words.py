"""Number words by language: what the sources spell, composition, and words of no number."""

import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from babel import Locale
from babel.numbers import format_decimal

from benchmarks import number_words as generator
from clc.answers import extract_answer, numbers_in
from clc.answers.number_lexicon import Lexicon, fold_form
from clc.answers.number_words import NumberWords, all_tables, number_words, read_words
from clc.answers.vocabulary import own_vocabulary
from clc.errors import TemplateError
from clc.languages.files import read_language_files
from clc.prompt_files import bundled_prompts
from clc.records import Answer

FILES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted((bundled_prompts() / "languages").glob("*.toml"))
}
SPELLED = {path.stem: path for path in sorted((Path(__file__).parent / "spelled").glob("*.txt"))}


def test_every_file_names_the_sources_of_its_number_words():
    tables = {code: file["numbers"] for code, file in FILES.items() if "numbers" in file}
    assert all(table["sources"] for table in tables.values())
    unsourced = {code for code, table in tables.items() if table["sources"][0].startswith("none")}
    assert unsourced
    assert not any("cardinals" in tables[code] for code in unsourced)
    assert {code for code, table in tables.items() if "cardinals" in table} == set(SPELLED)
    assert len(SPELLED) >= 47


@pytest.mark.parametrize("code", SPELLED)
def test_reads_what_the_sources_spell(code):
    """Numbers from 0 to 100, and some larger ones, as ICU, num2words and others spell them."""
    lines = SPELLED[code].read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(generator.TESTED)
    for line in lines:
        number, *spellings = line.split("|")
        for spelled in spellings:
            assert read_words(spelled, code) == [(Fraction(number), 0, len(spelled))], spelled


@pytest.mark.parametrize("code", SPELLED)
def test_reads_a_spelled_number_as_an_answer(code):
    spelled = next(
        line.split("|")[1]
        for line in SPELLED[code].read_text(encoding="utf-8").splitlines()
        if line.startswith("45|")
    )
    outcome = extract_answer(f"Answer: {spelled}", code)
    assert isinstance(outcome, Answer)
    assert outcome.value == "45"


@pytest.mark.parametrize(
    ("code", "thousands"),
    [
        ("cs", {"few": "tisíce", "other": "tisíc"}),
        ("pl", {"few": "tysiące", "many": "tysięcy"}),
        ("ru", {"one": "тысяча", "few": "тысячи", "many": "тысяч"}),
        ("uk", {"one": "тисяча", "few": "тисячі", "many": "тисяч"}),
    ],
)
def test_scales_agree_with_the_plural_rules_of_the_language(code, thousands):
    plural = Locale(code).plural_form
    for line in SPELLED[code].read_text(encoding="utf-8").splitlines()[2:31]:
        number, *spellings = line.split("|")
        for spelled in spellings:
            text = f"{spelled} {thousands[plural(int(number))]}"
            assert read_words(text, code) == [(Fraction(1000 * int(number)), 0, len(text))], text


@pytest.mark.parametrize("code", [code for code in FILES if code != "und"])
def test_reads_the_digits_and_separators_of_a_language(code):
    """Babel formats numbers as the language's locale does, in Latin digits and in its own ones."""
    locale = Locale.parse(code, sep="-")
    native = locale.other_numbering_systems.get("native", "latn")
    for system in {"latn", locale.default_numbering_system, native} & set(locale.number_symbols):
        for value in (
            Fraction(7),
            Fraction(1234),
            Fraction(-608),
            Fraction(2345678),
            Fraction(5, 4),
        ):
            written = format_decimal(
                Decimal(value.numerator) / value.denominator,
                locale=locale,
                numbering_system=system,  # type: ignore[call-arg]
            )
            assert extract_answer(f"Answer: {written}", code).value == str(value), written


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        ("Es sind dreihundertfünfundzwanzig Schafe.", "de", ["325"]),
        ("drei und zwanzig", "de", ["3", "20"]),
        ("am zweiten und sechsten Tag", "de", []),
        ("anderthalb Stunden", "de", ["3/2"]),
        ("ten five-dollar notes", "en", ["10", "5"]),
        ("one thousand, two hundred and six", "en", ["1206"]),
        ("one thousand, five", "en", ["1000", "5"]),
        ("two billion", "en", ["2000000000"]),
        ("elfu kumi na mbili", "sw", ["12000"]),
        ("elfu moja na mia mbili", "sw", ["1200"]),
        ("ɗari biyu da hamsin", "ha", ["250"]),
        ("puku iri na abụọ", "ig", ["12000"]),
        ("pětadvacet ovcí a pět koz", "cs", ["25", "5"]),
        ("to hundrede og femogtyve", "da", ["225"]),
        ("خمسة وعشرون", "ar", ["25"]),
        ("خمسون ألفا", "ar", ["50000"]),
        ("एक लाख पच्चीस हजार", "hi", ["125000"]),
        ("삼백육십오 개", "ko", ["365"]),
        ("일곱 마리와 세 마리", "ko", ["7"]),
        ("이 사람은 일을 합니다", "ko", []),
        ("ওটা তিন নয়। তিনটি।", "bn", ["3", "3"]),
        ("không có năm nào", "vi", []),
        ("mười lăm con cừu", "vi", ["15"]),
        ("ten chłopiec ma dwanaście owiec", "pl", ["12"]),
        ("ten cuidado con las once ovejas", "es", ["11"]),
        ("mettez au four six gâteaux", "fr", ["6"]),
        ("once", "en", []),
        ("once", None, []),
        ("двадцать пять", None, ["25"]),
        ("ห้าม", "th", []),
        ("สองพันล้าน", "th", ["2000000000"]),
    ],
)
def test_numbers_of_a_language(text, language, values):
    assert [str(value) for value, *_ in read_words(text, language)] == values


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("Rp 75 ribu", "id", "75000"),
        ("2 พันล้าน", "th", "2000000000"),
        ("elfu 70", "sw", "70000"),
        ("5 tysięcy", "pl", "5000"),
        ("3 crore", "en", "30000000"),
        ("24만큼", "ko", "24"),
        ("24만 원", "ko", "240000"),
    ],
)
def test_words_that_scale_digits(text, language, value):
    assert [str(mention.value) for mention in numbers_in(text, language)] == [value]


def test_a_scale_before_digits():
    assert extract_answer("Jibu: elfu 70", "sw").value == "70000"


def test_one_more_half():
    assert number_words("th").half_more("2 ชั่วโมงครึ่ง", 1)
    assert number_words("zh").half_more("3个半小时", 1)
    assert not number_words("zh").half_more("3半径", 1)
    assert number_words("fr").half_more("2 heures et demie", 1)
    assert number_words("zh-Hant").half_more("3個半小時", 1)
    assert number_words("tr").half_more("2 buçuk saat", 1)


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        ("two thirds of the cake", "en", ["2/3"]),
        ("the twenty third day", "en", ["20"]),
        ("due terzi della torta", "it", ["2/3"]),
        ("trzy czwarte tortu", "pl", ["3/4"]),
        ("dua pertiga kue", "id", ["2/3"]),
        ("एक चौथाई केक", "hi", ["1/4"]),
        ("डेढ़ घंटे", "hi", ["3/2"]),
        ("anderhalf uur", "nl", ["3/2"]),
        ("metà della torta", "it", ["1/2"]),
        ("en halv tårta, det dubbla", "sv", ["1", "1/2", "2"]),
        ("ドーナツ二ダース", "ja", ["2", "12"]),
    ],
)
def test_parts_halves_and_multiples(text, language, values):
    assert [str(mention.value) for mention in numbers_in(text, language)] == values


class Counting:
    """Spellings of a language of our own: ones before tens, written together, and "mo" for and."""

    sources = ("rules of this test",)
    needs_node = False
    ones = ("nul", "pa", "ti", "ku", "ro", "se", "li", "fa", "go", "ne")

    def spell(self, number: int) -> list[str]:
        if number >= 10**6:
            return []
        if number >= 1000:
            rest = f" {self.spell(number % 1000)[0]}" if number % 1000 else ""
            return [f"{self.spell(number // 1000)[0]} wamba{rest}"]
        if number >= 100:
            rest = f" {self.spell(number % 100)[0]}" if number % 100 else ""
            return [f"{self.ones[number // 100]} zul{rest}"]
        tens, ones = divmod(number, 10)
        if not tens:
            return [self.ones[number]]
        ten = f"{self.ones[tens]}dek" if tens > 1 else "dek"
        return [f"{self.ones[ones]}mo{ten}" if ones else ten]


def test_the_generator_learns_few_words_and_all_numbers():
    learner = generator.Learner(
        {"order": "ones first", "together": True, "and": ["mo"]}, Counting()
    )
    learner.learn()
    assert all(learner.reads(Counting().spell(number)[0], number) for number in range(1000))
    assert learner.reads(Counting().spell(12345)[0], 12345)
    tens = {number for number in learner.cardinals if 20 <= number < 100}
    assert tens == set(range(20, 100, 10))
    assert learner.cardinals[100] == ["zul"]
    assert learner.cardinals[1000] == ["wamba"]


def test_the_generator_writes_the_same_file_again(monkeypatch):
    monkeypatch.setattr(generator, "Spellings", lambda *_: Counting())
    text = '# Our language\n\n[numbers]\norder = "ones first"\ntogether = true\nand = ["mo"]\n'
    first, lines, unread = generator.generate(text, "xx")
    assert not unread
    assert lines[25] == "25|semotidek"
    assert tomllib.loads(first)["numbers"]["sources"] == ["rules of this test"]
    again, *_ = generator.generate(first, "xx")
    assert again == first
    lexicon = Lexicon(tomllib.loads(first)["numbers"])
    assert lexicon.read(fold_form("Pa zul semotidek"), 0, 16) == [(Fraction(125), 0, 16)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('order = "small first"', "order is 'small first'; there are: large first"),
        ("together = 1", "together is 1; write true or false"),
        ('endin = ["x"]', "unknown key 'endin'; did you mean 'endings'"),
        ('and = "y"', "and is 'y'; write a list of texts"),
        (
            '[numbers.cardinals]\none = ["huk"]',
            "[numbers.cardinals] has the key 'one'; write a number",
        ),
        ('[numbers.cardinals]\n1 = ["huk"]\n2 = ["Huk"]', "'Huk' for 1 and for 2"),
        ('[numbers.scales]\n1500 = ["x"]', "write a power of ten"),
        ('[numbers.parts]\n1 = ["x"]', "write a whole number from 2"),
        ("cardinals = 3", "[numbers.cardinals] is 3; write a table"),
    ],
)
def test_a_fault_in_a_file_is_named(tmp_path, table, message):
    folder = tmp_path / "languages"
    folder.mkdir()
    (folder / "qu.toml").write_text(f"[numbers]\n{table}\n", encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        read_language_files(tmp_path)
    assert message in str(caught.value)
    assert "qu.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("الإجابة: ثلاث مئة", "ar", "300"),
        ("الإجابة: خمس مائة وعشرون", "ar", "520"),
        ("விடை: இருபத்தி ஐந்து", "ta", "25"),
        ("ഉത്തരം: ഇരുപത്തി അഞ്ച്", "ml", "25"),
    ],
)
def test_reads_words_of_one_number_written_apart(text, language, value):
    assert extract_answer(text, language).value == value


@pytest.mark.parametrize("text", ["Answer: five ten", "Answer: two five-dollar notes"])
def test_abstains_on_adjacent_number_words_that_compose_no_number(text):
    assert extract_answer(text, "en").reason == "unresolved"


@pytest.mark.parametrize(("multiply", "value"), [(True, "20"), (False, None)])
def test_a_language_of_a_user_states_whether_ten_multiplies(multiply, value):
    words = {"2": ["iskay"], "10": ["chunka"]}
    own = own_vocabulary({"qu": {"numbers": {"tens_multiply": multiply, "cardinals": words}}})
    outcome = extract_answer("Answer: iskay chunka", "qu", vocabulary=own)
    assert getattr(outcome, "value", None) == value


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("Antwort: ein Dutzend", "de", "12"),
        ("Antwort: ein halbes Dutzend", "de", "6"),
        ("Answer: two dozen", "en", "24"),
        ("Answer: a dozen eggs", "en", "12"),
        ("Answer: 2 dozen eggs", "en", "24"),
        ("Answer: half a dozen", "en", "6"),
        ("Answer: two and a half dozen", "en", "30"),
        ("Answer: two and a half million", "en", "2500000"),
        ("Answer: half a million", "en", "500000"),
        ("Réponse : deux douzaines", "fr", "24"),
        ("Ответ: две дюжины", "ru", "24"),
        ("คำตอบ: สองโหล", "th", "24"),
        ("答え: 2ダース", "ja", "24"),
    ],
)
def test_multiplies_a_number_by_the_dozen_or_million_after_it(text, language, value):
    assert extract_answer(text, language).value == value


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("उत्तर: साढ़े तीन", "hi", "7/2"),
        ("उत्तर: साढ़े 3 घंटे", "hi", "7/2"),
        ("उत्तर: साढ़े तीन सौ", "hi", "350"),
        ("उत्तर: सवा दो", "hi", "9/4"),
        ("उत्तर: पौने दो", "hi", "7/4"),
        ("جواب: ساڑھے تین", "ur", "7/2"),
        ("Đáp án: hai trăm rưỡi", "vi", "250"),
        ("Đáp án: hai triệu rưỡi", "vi", "2500000"),
        ("คำตอบ: 2 ร้อยห้าสิบ", "th", "250"),
        ("คำตอบ: 2 พันห้าร้อย", "th", "2500"),
        ("Answer: 2 thousand five hundred", "en", "2500"),
        ("답: 두 시간 반", "ko", "5/2"),
        ("답: 2시간 반입니다", "ko", "5/2"),
        ("답: 3반", "ko", "3"),
    ],
)
def test_reads_the_part_beside_a_number(text, language, value):
    assert extract_answer(text, language).value == value


def test_dozens_without_a_number_are_no_number():
    assert extract_answer("Answer: dozens of eggs", "en").reason == "no_answer"


def test_a_dutch_box_is_no_english_dozen():
    assert extract_answer("Antwoord: 5 dozen", "nl").value == "5"


def test_words_of_a_language_are_compiled_where_one_may_begin():
    made: dict = {}
    words = NumberWords(all_tables(), made)
    assert words.continued("12 §", 12, 2) is None
    assert made == {}
    assert words.continued("2 hundred fifty", 2, 1) == (250, 15)
    assert "en" in {code for code, _ in made}
    assert len(made) < len(all_tables())
