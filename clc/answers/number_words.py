"""Number words of the eleven languages of the prompts, from zero to the thousands."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

__all__ = ["AND_HALF", "HALF", "HALVES", "SCALE", "WITH_HALF", "held_numbers", "part_value",
           "read_words"]  # fmt: skip

# One line per language: words in order from zero, "/" between forms of one number.
_TO_TWENTY = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty",
    "de": "null eins/ein/eine/einen/einem/einer/eines zwei/zwo drei vier fünf sechs sieben acht "
    "neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
    "es": "cero uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece "
    "catorce quince dieciséis/dieciseis diecisiete dieciocho diecinueve veinte",
    "fr": "zéro un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze "
    "quinze seize dix-sept dix-huit dix-neuf vingt",
    "ru": "ноль/нуль один/одна/одно/одного/одной/одну/одному/одним "
    "два/две/двух/двум/двумя/двое три/трёх/трех/трём/трем/трое/тремя "
    "четыре/четырёх/четырех/четырём/четырем/четверо пять/пяти/пятью/пятеро шесть/шести/шестью "
    "семь/семи/семью восемь/восьми девять/девяти/девятью десять/десяти/десятью "
    "одиннадцать/одиннадцати двенадцать/двенадцати тринадцать/тринадцати "
    "четырнадцать/четырнадцати пятнадцать/пятнадцати шестнадцать/шестнадцати "
    "семнадцать/семнадцати восемнадцать/восемнадцати девятнадцать/девятнадцати "
    "двадцать/двадцати",
    "sw": "sifuri moja/mmoja mbili/wawili/mawili/viwili/miwili tatu/watatu/matatu/vitatu/mitatu "
    "nne/wanne/manne/vinne/minne tano/watano/matano/vitano/mitano sita saba "
    "nane/wanane/manane/vinane/minane tisa kumi",
    "th": "ศูนย์ หนึ่ง/เอ็ด สอง/ยี่ สาม สี่ ห้า หก เจ็ด แปด เก้า",
    "bn": "শূন্য এক/একটি/একটা/একজন দুই/দুটি/দুটো/দুইটি/দুজন/দুইজন তিন চার পাঁচ ছয়/ছয় সাত আট "
    "নয়টি/নয়টা/নয়জন/নয়টি/নয়টা/নয়জন দশ এগারো/এগার বারো/বার তেরো/তের চৌদ্দ পনেরো/পনের "
    "ষোলো/ষোল সতেরো/সতের আঠারো/আঠার উনিশ বিশ/কুড়ি/কুড়ি",
    "te": "సున్నా ఒకటి/ఒక/ఒక్క/ఒకరు రెండు/ఇద్దరు/రెండింటి మూడు/ముగ్గురు నాలుగు/నలుగురు "
    "ఐదు/అయిదు/ఐదుగురు ఆరు/ఆరుగురు ఏడు/ఏడుగురు ఎనిమిది/ఎనిమిదిమంది తొమ్మిది పది/పదిమంది "
    "పదకొండు పన్నెండు పదమూడు/పదముడు పద్నాలుగు/పధ్నాలుగు పదిహేను పదహారు పదిహేడు "
    "పద్దెనిమిది/పదునెనిమిది పంతొమ్మిది/పందొమ్మిది ఇరవై",
}
_TENS = {
    "en": "thirty forty/fourty fifty sixty seventy eighty ninety",
    "de": "dreißig/dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "es": "treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "trente quarante cinquante soixante septante quatre-vingts/quatre-vingt nonante",
    "ru": "тридцать/тридцати сорок/сорока пятьдесят/пятидесяти шестьдесят/шестидесяти "
    "семьдесят/семидесяти восемьдесят/восьмидесяти девяносто/девяноста",
    "sw": "thelathini arobaini hamsini sitini sabini themanini tisini",
    "bn": "ত্রিশ/তিরিশ চল্লিশ পঞ্চাশ ষাট সত্তর আশি নব্বই",
    "te": "ముప్పై/ముప్ఫై నలభై యాభై అరవై డెబ్బై/డెబ్భై ఎనభై తొంభై",
}
_MORE = {
    "en": {"hundred": 100, "thousand": 1000, "million": 10**6},
    "de": {"hundert": 100, "tausend": 1000},
    "es": {
        **dict(zip(["veintiuno", "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho", "veintinueve"], range(21, 30), strict=True)),  # noqa: E501
        "veintiún": 21, "veintiuna": 21, "cien": 100, "ciento": 100, "doscientos": 200,
        "doscientas": 200, "trescientos": 300, "trescientas": 300, "cuatrocientos": 400,
        "cuatrocientas": 400, "quinientos": 500, "quinientas": 500, "seiscientos": 600,
        "seiscientas": 600, "setecientos": 700, "setecientas": 700, "ochocientos": 800,
        "ochocientas": 800, "novecientos": 900, "novecientas": 900, "mil": 1000,
    },
    "fr": {"cent": 100, "cents": 100, "mille": 1000},
    "ru": {
        "сто": 100, "ста": 100, "двести": 200, "триста": 300, "четыреста": 400, "пятьсот": 500,
        "шестьсот": 600, "семьсот": 700, "восемьсот": 800, "девятьсот": 900, "тысяча": 1000,
        "тысячи": 1000, "тысяч": 1000,
    },
    "sw": {"ishirini": 20, "mia": 100, "elfu": 1000},
    "th": {"สิบ": 10, "ร้อย": 100, "พัน": 1000, "หมื่น": 10**4, "แสน": 10**5, "ล้าน": 10**6},
    "bn": {
        "শত": 100, "শো": 100, "একশ": 100, "একশো": 100, "হাজার": 1000, "লাখ": 10**5, "লক্ষ": 10**5
    },
    "te": {
        "వంద": 100, "వందలు": 100, "వందల": 100, "నూట": 100, "నూరు": 100, "వెయ్యి": 1000,
        "వేలు": 1000, "వేల": 1000,
    },
}  # fmt: skip
# Words that include a half.
_AND_HALF = {
    "de": {"eineinhalb": 3, "anderthalb": 3, "zweieinhalb": 5, "dreieinhalb": 7, "viereinhalb": 9},
    "ru": {"полтора": 3, "полторы": 3, "полутора": 3},
    "bn": {
        "\u09a6\u09c7\u09dc": 3,
        "\u09a6\u09c7\u09a1\u09bc": 3,
        "\u0986\u09dc\u09be\u0987": 5,
        "\u0986\u09a1\u09bc\u09be\u0987": 5,
    },
    "te": {"ఒకటిన్నర": 3, "రెండున్నర": 5, "మూడున్నర": 7, "నాలుగున్నర": 9},
}
WITH_HALF = {
    word: Fraction(twice, 2) for words in _AND_HALF.values() for word, twice in words.items()
}
HALVES = re.compile(
    rf"(?<![\w\u0900-\u0dff])(?:{'|'.join(sorted(WITH_HALF, key=len, reverse=True))})(?![\w\u0900-\u0dff])",  # noqa: E501
    re.IGNORECASE,
)
# After a number with or without its unit: 2 hours and a half.
AND_HALF = re.compile(
    r"(?:[ ][^\W\d_]{1,12})?[ ](?:and (?:a|one) half|und eine? halbe?|y medi[ao]|et demie?|с половиной|na nusu)(?!\w)"  # noqa: E501
    r"|[ ]?(?:个|個)?(?:小时|小時|時間|时|時|点|点钟|天|日|年|か月|ヶ月|月|週間|周|斤|公斤|公里|里|杯|倍|米|元|块|吨|升|箱|页|千克|千米|キロ|メートル|リットル)?半"  # noqa: E501
    r"(?![径圓圆数額额价球分減减])"
    r"|[ ]?[\u0e00-\u0e7f]{0,14}?ครึ่ง(?!หนึ่ง)",
    re.IGNORECASE,
)
# Words after a number word that make it a fraction: two thirds, drei Viertel.
_PARTS = {
    2: "half halves halbe demi demis demie medio medios media",
    3: "third thirds drittel tercio tercios tercera tiers треть трети третьих theluthi",
    4: "quarter quarters fourth fourths viertel cuarto cuartos quart quarts четверть четверти robo",
    5: "fifth fifths fünftel quinto quintos cinquième cinquièmes пятая пятых",
    6: "sixth sixths sechstel sexto sextos sixième sixièmes шестая шестых",
    8: "eighth eighths achtel octavo octavos huitième huitièmes восьмая восьмых",
    10: "tenth tenths zehntel décimo décimos dixième dixièmes десятая десятых",
}
_PART = re.compile(
    r"[ -](" + "|".join(word for words in _PARTS.values() for word in words.split()) + r")(?!\w)",
    re.IGNORECASE,
)
_PART_VALUE = {word: number for number, words in _PARTS.items() for word in words.split()}
_BARE_PART = re.compile(
    r"(?:an?[ ]|ein[ ]|une?[ ]|un[ ]|одн\w{2,3}[ ])?("
    + "|".join(word for number, words in _PARTS.items() if number > 2 for word in words.split())  # noqa: PLR2004
    + r"|четвертью|третью)(?!\w)",
    re.IGNORECASE,
)
HALF = re.compile(
    r"(?<!\w)(?:(?:one[ -]|a )?half|(?:die )?hälfte|ein halb\w*|(?:la )?mitad|(?:la )?moitié|половин[аыу]|nusu)(?!\w)|"  # noqa: E501
    r"অর্ধেক|আধা|సగం|ครึ่ง|一半|半分",
    re.IGNORECASE,
)
# Words that contain a number without being one: a translation may write it as a number.
_HOLDS = (
    (Fraction(1, 2), HALF),
    (Fraction(1, 2), re.compile(r"(?<!\w)(?:halb\w*|medi[ao]|demie?)(?!\w)", re.IGNORECASE)),
    (
        Fraction(2),
        re.compile(
            r"(?<!\w)(?:twice|doubl\w{0,3}|doppel\w{1,3}|zweimal|doble|вдвое|дважды|удво\w{1,5})(?!\w)"
            r"|দ্বিগুণ|రెట్టింపు|สองเท่า|倍增|翻倍|两倍|二倍",
            re.IGNORECASE,
        ),
    ),
    (
        Fraction(3),
        re.compile(
            r"(?<!\w)(?:thrice|tripl\w{0,3}|dreimal|dreifach\w?|втрое|трижды)(?!\w)", re.IGNORECASE
        ),
    ),
    (
        Fraction(12),
        re.compile(
            r"(?<!\w)(?:dozens?|dutzend|docenas?|douzaines?|дюжин\w?)(?!\w)|ダース|一打|ডজন|డజను|โหล",
            re.IGNORECASE,
        ),
    ),
)
_AND = {"en": "and", "es": "y", "fr": "et", "sw": "na", "de": "und"}
# Words after digits that scale them: 2 million, 20 тысяч, 5 lakh.
_SCALES = {
    100: "hundred hundert ร้อย",
    1000: "thousand tausend tsd mil mille mila тысяча тысячи тысяч тыс тисяча тисячі тисяч elfu "
    "พัน হাজার వేలు వేల हज़ार हजार ribu rb nghìn ngàn bin tysiąc tysiące tysięcy tys "
    "duizend ألف ألفا ألفًا آلاف χιλιάδες هزار tusen tusind אלף libo tisíc tisíce ezer "
    "tuhatta mii ہزار ஆயிரம்",
    10**4: "หมื่น",
    10**5: "lakh lakhs แสน লাখ লক্ষ లక్ష లక్షలు लाख لاکھ லட்சம்",
    10**6: "million millions millionen millón millones milione milioni milhão milhões миллион "
    "миллиона миллионов млн мільйон мільйони мільйонів mio ล้าน మిలియన్ মিলিয়ন juta "
    "triệu milyon milion miliony milionów milionů miljoen مليون مليونا ملايين εκατομμύριο "
    "εκατομμύρια میلیون miljon miljoner millioner מיליון milioane millió miljoonaa",
    10**7: "crore crores কোটি కోటి కోట్లు करोड़ کروڑ கோடி",
    10**9: "billion billions milliard milliards milliarden mrd миллиард миллиарда миллиардов "
    "млрд мільярд мільярди мільярдів พันล้าน miliar tỷ tỉ milyar miliard miliardy "
    "miliardów miljard مليار مليارات δισεκατομμύρια میلیارد miljarder מיליארד miliardo "
    "miliardi",
    10**12: "trillion trillions триллион триллиона триллионов трлн ล้านล้าน triliun",
}
SCALE = {word: value for value, words in _SCALES.items() for word in words.split()}
# Thai has no spaces between words: continuations that make a number word another word.
_NOT_THAI = {"สาม": "ารถ", "เก้า": "อี้", "ห้า": "ม", "หก": "ล้ม", "สี่": "เหลี่ยม", "พัน": "ธ", "สอง": "แง่"}
_ROUND = (100, 1000, 10**4, 10**5, 10**6)
_INDIC = "\u0900-\u0dff"


def _lexicon(language: str) -> dict[str, int]:
    words: dict[str, int] = {}
    for number, forms in enumerate(_TO_TWENTY.get(language, "").split()):
        words.update(dict.fromkeys(forms.split("/"), number))
    for number, forms in enumerate(_TENS.get(language, "").split(), start=3):
        words.update(dict.fromkeys(forms.split("/"), number * 10))
    words.update(_MORE.get(language, {}))
    if language == "de":
        small = {"ein" if number == 1 else form.split("/")[0]: number
                 for number, form in enumerate(_TO_TWENTY["de"].split()) if 1 <= number <= 9}  # fmt: skip  # noqa: E501, PLR2004
        tens = {"zwanzig": 20} | {
            form: number * 10
            for number, forms in enumerate(_TENS["de"].split(), start=3)
            for form in forms.split("/")
        }
        words |= {f"{a}und{b}": m + n for a, m in small.items() for b, n in tens.items()}
        words |= {f"{a}hundert": m * 100 for a, m in small.items()}
        words |= {f"{a}tausend": m * 1000 for a, m in small.items()}
    if language == "bn":
        words |= {word + suffix: value for word, value in tuple(words.items()) if value <= 20  # noqa: PLR2004
                  for suffix in ("টি", "টা", "জন") if not word.endswith(("টি", "টা", "জন", "টো"))}  # fmt: skip  # noqa: E501
    return words


@lru_cache(maxsize=64)
def _reader(language: str | None) -> tuple[re.Pattern[str], dict[str, int]]:
    base = (language or "").split("-")[0]
    words = dict(_lexicon("en"))
    if base in _TO_TWENTY:
        words.update(_lexicon(base))
    else:
        # Without a language: unique scripts are unambiguous, Latin words are not (once, elf).
        for other in ("ru", "bn", "te", "th"):
            words.update(_lexicon(other))
    both = {_AND.get("en", ""), _AND.get(base, "")} - {""}
    joined = "|".join(
        re.escape(word) + (f"(?!{_NOT_THAI[word]})" if word in _NOT_THAI else "")
        for word in sorted(words, key=len, reverse=True)
    )
    thai = any("ก" <= word[0] <= "๛" for word in words)
    letters = rf"[\w{_INDIC}]"
    joins = thai or base == "de"  # einhundertzwanzig
    gap = rf"(?:[ \u00a0-]|\ (?:{'|'.join(sorted(both))})\ |{'' if joins else r'(?!)'})"
    edge = rf"(?<!{letters})" if not thai else rf"(?<![A-Za-z\u0400-\u04ff{_INDIC}])"
    end = rf"(?!{letters})" if not thai else rf"(?![A-Za-z\u0400-\u04ff{_INDIC}])"
    return (
        re.compile(rf"{edge}(?:{joined})(?:{gap}(?:{joined})){{0,12}}{end}", re.IGNORECASE),
        words,
    )


@lru_cache(maxsize=64)
def _atom(language: str | None) -> re.Pattern[str]:
    words = _reader(language)[1]
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def read_words(
    text: str, language: str | None, start: int = 0, end: int | None = None
) -> list[tuple[Fraction, int, int]]:
    """Return the numbers written as words, with their spans.

    >>> read_words("twenty-five sheep and three dogs", "en")
    [(Fraction(25, 1), 0, 11), (Fraction(3, 1), 22, 27)]
    >>> read_words("soixante-douze", "fr"), read_words("mia mbili", "sw")
    ([(Fraction(72, 1), 0, 14)], [(Fraction(200, 1), 0, 9)])
    """
    pattern, words = _reader(language)
    stop = len(text) if end is None else end
    found = []
    for match in pattern.finditer(text, start, stop):
        spoken = match[0].lower()
        if len(spoken) != len(match[0]):  # a capital that lowers to two characters
            continue
        base = match.start()
        atoms = [
            (words[item[0]], base + item.start(), base + item.end())
            for item in _atom(language).finditer(spoken)
        ]
        if "ก" <= spoken[0] <= "๛":
            found.append((_thai([value for value, *_ in atoms]), atoms[0][1], atoms[-1][2]))
        else:
            found += _compose(atoms, swahili=(language or "").startswith("sw"))
        part = _PART.match(text, found[-1][2], stop)
        if part:
            value, start, _ = found[-1]
            below = _PART_VALUE[part[1].lower()]
            if 0 < value < below:  # "twenty third" is an ordinal
                found[-1] = (value / below, start, part.end())
    return found


def part_value(text: str, start: int) -> tuple[Fraction, int] | None:
    """Read one part of a whole in words at ``start``; None without one.

    >>> part_value("a quarter", 0)
    (Fraction(1, 4), 9)
    """
    match = _BARE_PART.match(text, start)
    if match is None:
        return None
    word = match[1].lower()
    below = {"четвертью": 4, "третью": 3}.get(word) or _PART_VALUE[word]
    return Fraction(1, below), match.end()


def held_numbers(text: str) -> list[tuple[Fraction, int, int]]:
    """Return the numbers in words such as half, twice and dozen, with their spans.

    >>> held_numbers("twice a dozen")
    [(Fraction(2, 1), 0, 5), (Fraction(12, 1), 8, 13)]
    """
    return [(value, *match.span()) for value, pattern in _HOLDS for match in pattern.finditer(text)]


def _compose(
    atoms: list[tuple[int, int, int]], *, swahili: bool
) -> list[tuple[Fraction, int, int]]:
    """Combine adjacent words of one number; other words remain separate numbers."""
    found: list[tuple[Fraction, int, int]] = []
    total = current = 0
    begin = finish = -1
    skip_multiplier = False
    for index, (value, start, end) in enumerate(atoms):
        if skip_multiplier:
            skip_multiplier = False
            finish = end
            continue
        if begin < 0:
            begin = start
        elif value in _ROUND and not swahili and current % 1000 > 0 and current < value:
            current *= value
            if value >= 1000:  # noqa: PLR2004
                total, current = total + current, 0
            finish = end
            continue
        elif not _adds(total + current, value):
            found.append((Fraction(total + current), begin, finish))
            total = current = 0
            begin = start
        if swahili and value in (100, 1000) and index + 1 < len(atoms) and atoms[index + 1][0] < 10:  # noqa: PLR2004
            value *= atoms[index + 1][0]  # noqa: PLW2901  mia mbili: the hundred stands first
            skip_multiplier = True
        current += value
        finish = end
    if begin >= 0:
        found.append((Fraction(total + current), begin, finish))
    return found


def _thai(values: list[int]) -> Fraction:
    """Compose a Thai number, whose units follow their digits: สามร้อยยี่สิบห้า is 3 100 2 10 5.

    >>> _thai([3, 100, 2, 10, 5])
    Fraction(325, 1)
    """
    total = section = 0
    digit: int | None = None
    for value in values:
        if value < 10:  # noqa: PLR2004
            digit = value
        elif value == 10**6:
            total, section, digit = (total + section + (digit or 0) or 1) * value, 0, None
        else:
            section, digit = section + (1 if digit is None else digit) * value, None
    return Fraction(total + section + (digit or 0))


def _adds(sofar: int, value: int) -> bool:
    """Whether ``value`` may follow ``sofar``: twenty five, one hundred twenty, soixante douze."""
    if value == 0 or sofar == 0:
        return False
    if sofar % 100 in (60, 80) and 10 <= value < 20:  # noqa: PLR2004
        return True
    return value < sofar and sofar % 10 ** len(str(value)) == 0
