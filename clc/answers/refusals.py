"""Texts without an answer: refusals, and statements that there is none."""

from __future__ import annotations

import re

__all__ = ["is_refusal", "undetermined_at"]

_APOLOGY = re.compile(
    r"i(?:['’]m| am) sorry|i apologi[sz]e|apologies|sorry,|unfortunately|as an ai|as a language model|"  # noqa: E501
    r"entschuldigung|es tut mir leid|tut mir leid|leider|als (?:ki|ai)|"
    r"lo siento|lamento|disculp|como (?:modelo|asistente|ia)|"
    r"désolé|excusez|malheureusement|en tant (?:que|qu['’])|"
    r"извините|простите|к сожалению|прошу прощения|как (?:ии|языковая)|"
    r"samahani|\bpole sana|"
    r"抱歉|对不起|對不起|很遗憾|作为(?:一个|一名)?(?:ai|人工智能|语言)|"
    r"申し訳|すみません|残念ながら|ai言語モデル|"
    r"দুঃখিত|ক্ষমা|క్షమించ|ขออภัย|ขอโทษ|เสียใจ",
    re.IGNORECASE,
)
_UNABLE = re.compile(
    r"(?<!\bhe )(?<!\bshe )(?<!\bthey )can(?:not|['’]t| ?not| only)|unable|not (?:able|capable|equipped|programmed)|don['’]t have|do not have|"  # noqa: E501
    r"only (?:programmed|able|provide|communicate|understand)|my (?:expertise|area|previous)|specialized|specialize|please (?:provide|let me know|specify)|"  # noqa: E501
    r"did not provide|not fluent|"
    r"kann (?:ich |nur |leider )?|nicht in der lage|bitte geben|spezialisiert|programmiert|especializ|"  # noqa: E501
    r"no (?:puedo|soy|tengo|es posible)|solo puedo|mi (?:especialidad|habilidad|capacidad)|se limita|gustaría|"  # noqa: E501
    r"ne (?:peux|suis|peut|dispose)|n['’]ai pas|programmé|spécialisé|voulez-vous|pourriez-vous|reformul|souhaitez|könnten sie|podrías?|could you|"  # noqa: E501
    r"не (?:могу|умею|способ|в состоянии)|могу (?:только|помочь)|пожалуйста|"
    r"siwezi|sina uwezo|sielewi|tafadhali|"
    r"无法|不能|不会|只能|请提供|不支持|"
    r"できません|出来ません|対応して|ご提供|専門|いただけ|"
    r"পারি না|পারছি না|পারব না|অক্ষম|চేయలేను|లేను|దయచేసి|ไม่สามารถ|ไม่ได้|โปรด|กรุณา",
    re.IGNORECASE,
)
_UNDETERMINED = re.compile(
    # a mark in place of an answer
    r"(?<![a-z])n\s?/\s?a(?![a-z])|\bnot (?:applicable|available|determinable|solvable|computable|clear|known|defined|given|specified|provided|possible|enough)\b|"  # noqa: E501
    r"\b(?:unknown|undetermined|undefined|unsolvable|indeterminate|undeterminable|inconclusive|unspecified|unclear)\b|"
    r"\b(?:cannot|can['’]?t|can not|could not|couldn['’]t|unable to|impossible to|not able to|no way to)\b(?! (?:buy|afford|sell|fit|carry|ride|eat|drive|exceed|use (?:part|half)|have (?:a |part|half|negative)|be (?:split|negative|a fraction|half|less|more|greater)))|"  # noqa: E501
    r"\b(?:is|are) impossible\b|\binsufficient\b|\bno (?:solution|answer|unique|valid|definite|definitive|numerical|information|specific|correct)\b|"  # noqa: E501
    r"\bdoes ?n[o'’]t (?:provide|give|specify|exist|have(?! (?:enough |any |the )?(?:money|cash|funds|space|room|time|change|seats)))|\bthere is no\b|\bnone of\b|\A\W{0,4}none\b|\bany number\b|n['’]importe quel nombre|cualquier número|beliebig|любое (?:число|количество)|任意(?:数|的数)|任何数|"  # noqa: E501
    r"\b(?:no|not) (?:enough|sufficient|possible|posible|hay)\b|\bmissing information\b|\bdepends on\b|\bdon['’]t know\b|\bdo not know\b|"  # noqa: E501
    # German
    r"nicht (?:möglich|genug|genügend|bestimm|berechen|lösbar|eindeutig|bekannt|ermittel|definiert|gelöst|beantwort)|"  # noqa: E501
    r"unmöglich|unbekannt|unlösbar|unbestimm|\bkeine? (?:eindeutige |ausreichend\w* |genaue |gültige )?(?:lösung|antwort|angabe|information)|"  # noqa: E501
    r"nicht (?:\w+ ){0,4}(?:bestimmt|berechnet|gelöst|beantwortet|ermittelt)|fehlende[nr]? information|unzureichend|können (?:\w+ ){0,8}nicht|kann (?:\w+ ){0,8}nicht|\bweiß (?:es )?nicht\b|"  # noqa: E501
    # Spanish
    r"no (?:se |nos |lo |la |es |está )?(?:puede|podemos|posible|determin|hay|tiene solución|tenemos|sabemos|existe|calcul|responder|especific|proporcion|suficiente)|"  # noqa: E501
    r"imposible|desconocid|indetermin|insuficiente|sin solución|falta (?:de )?información|ninguna solución|"  # noqa: E501
    # French
    r"impossible|inconnue?\b|indétermin|insuffisan|ne (?:peut|peuvent|pouvons|permet|permettent|connaissons|savons|sait|puis) (?:\w+ ){0,3}pas|ne (?:peut|pouvons|permet|connaissons|savons) pas|on ne peut|"  # noqa: E501
    r"n['’](?:est|a|ai|y a|existe|avons) (?:pas|aucune?)|pas (?:assez|suffisamment|possible|de solution|de réponse)|aucune (?:solution|réponse|information)|non (?:déterminé|précisé|défini|applicable)|manque d|"  # noqa: E501
    # Russian
    r"невозможно|неизвестн|недостаточно|нельзя|неопредел|не определ|нет (?:ответа|решени|данных|информации|достаточн|однозначн)|"  # noqa: E501
    r"не (?:может быть|можем|могу|имеет решения|хватает|указан|известн|представляется|удалось|удаётся|дан)|нерешаем|ошибка в условии|"  # noqa: E501
    # Swahili
    r"haiwezekani|haijulikani|hatuwezi|siwezi|hakuna|haitoshi|haijatolewa|haiwezi|hatujui|haijabainishwa|"
    # Chinese
    r"无法|無法|不能(?:确定|確定|计算|得出|求|判断|解)|无解|無解|未知|不确定|不確定|信息不足|条件不足|没有(?:足够|答案|解|给出|提供|具体)|不知道|不足以|缺少|题目有误|无(?:答案|法|效)|不存在|"
    # Japanese
    r"できません|できない|出来ません|不明|不可能|わかりません|分かりません|情報が(?:不足|足り|ない|あり)|解なし|解けません|解けない|求められません|求めることが|未定|不足して|答えられません|決まりません|与えられていな|存在しません|"
    # Bengali
    r"নির্ধারণ (?:করা )?(?:সম্ভব নয়|সম্ভব নয়|যায় না|যায় না|যাবে না|যাচ্ছে না)|সম্ভব ন[য়য়]|অসম্ভব|অজানা|অনির্ধারিত|(?:করা|বলা|দেওয়া|জানা) (?:যায় না|যায় না|যাবে না|যাচ্ছে না|নেই)|যথেষ্ট তথ্য|পর্যাপ্ত তথ্য|তথ্য নেই|উত্তর নেই|সমাধান নেই|পারি না|পারছি না|"  # noqa: E501
    # Telugu
    r"సాధ్యం కాదు|సాధ్యపడదు|అసాధ్యం|తెలియదు|తెలియని|నిర్ణయించలేము|నిర్ధారించలేము|లెక్కించలేము|చెప్పలేము|సరిపోదు|సమాచారం లేదు|సమాధానం లేదు|పరిష్కారం లేదు|కనుగొనలేము|లేము|లేదు|"  # noqa: E501
    # Thai
    r"ไม่สามารถ|ไม่ทราบ|ไม่เพียงพอ|ไม่พอ|ไม่มี(?:คำตอบ|ข้อมูล|วิธี)|หาไม่ได้|คำนวณไม่ได้|ตอบไม่ได้|ระบุไม่ได้|เป็นไปไม่ได้|ไม่แน่นอน|ไม่ระบุ",
    re.IGNORECASE,
)


def undetermined_at(text: str, start: int = 0, end: int | None = None) -> int | None:
    """Return the position of a statement that the answer cannot be determined, or None.

    >>> undetermined_at("It cannot be determined."), undetermined_at("18 apples")
    (3, None)
    """
    match = _UNDETERMINED.search(text, start, len(text) if end is None else end)
    return match.start() if match else None


def is_refusal(text: str) -> bool:
    """Whether a text declines the task: an apology together with an inability.

    >>> is_refusal("Lo siento, solo puedo comunicarme en inglés."), is_refusal("Sorry, 18.")
    (True, False)
    """
    tail = max(0, len(text) - 300)
    apology = _APOLOGY.search(text, 0, 200) or _APOLOGY.search(text, tail)
    return apology is not None and _UNABLE.search(text, max(0, apology.start() - 100)) is not None
