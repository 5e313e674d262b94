"""Words that make a number a part of a power, a root or a factorial: to the power of, hoch."""

from __future__ import annotations

import re

__all__ = ["POWER_OF", "POWER_WORDS"]

_FLAT = r"(?![ ](?:m|f|k|c|in|y|unit))"  # 5 squared metres is no power
_SQUARED = (
    rf"squared{_FLAT}|al[ ]cuadrado|au[ ]carré|в[ ]квадрате|im[ ]Quadrat|的平方(?![根米公厘千分])"
)
_CUBED = rf"cubed{_FLAT}|al[ ]cubo|au[ ]cube|в[ ]кубе|的立方(?![根米公厘千分])"
_ORDINALS = "second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|twelfth|hundredth|nth|n"
POWER_WORDS = re.compile(
    r"[ \u00a0]?(?:"
    r"raised[ ]to[ ](?:the[ ])?(?P<raised>-?\d{1,9})(?!\w)"
    r"|(?:raised[ ])?to[ ]the[ ](?:power(?:[ ]of)?[ ]?(?P<en>-?\d{1,9})?"
    r"|(?P<nth>\d{1,9})(?:st|nd|rd|th)[ ]power|(?:minus|negative)[ ]\d|\w{1,20}[ ]power\b"
    rf"|(?:\d{{1,9}}(?:st|nd|rd|th)?|{_ORDINALS})(?=[ ]?(?:[.,;:=)!]|\Z|is\b|equals)))"
    rf"|raised[ ]to\b|(?P<square>{_SQUARED})|(?P<cube>{_CUBED})|[的の](?:平方|立方)根"
    r"|hoch[ ](?:(?P<de>-?\d{1,9})|(?:minus[ ])?[a-zü]{3,12}\b)"
    r"|a[ ]la[ ][a-zé]{4,10}(?:[ ]potencia\b|(?=[ ]?(?:[.,;:=)]|\Z)))"
    r"|elevado[ ]a(?:[ ]la)?(?:[ ]potencia(?:[ ]de)?)?[ ](?P<es>-?\d{1,9})?"
    r"|(?:à[ ]la[ ])?puissance[ ](?:(?P<fr>-?\d{1,9})|[a-z]{2,10}\b)"
    r"|в[ ][а-яё]{4,14}[ ]степени|в[ ]степени[ ](?P<ru>-?\d{1,9})?"
    r"|в[ ](?P<ru_nth>\d{1,9})-?[а-я]{0,3}[ ]степени"
    r"|的[ ]?(?P<zh>\d{1,9})?[ ]?[一二三四五六七八九十百n]{0,4}次[方幂冪]"
    r"|の(?:(?P<ja>\d{1,9})|[二三四五六七八九十百n])[乗乘](?!根)"
    r"|ยกกำลัง[ ]?(?P<th>-?\d{1,9})?|kwa[ ]kipeo[ ]cha[ ](?P<sw>\d{1,9})?"
    r"|(?:-?এর )?ঘাত (?P<bn>\d{1,9})|టు ది పవర్ (?P<te>\d{1,9})?"
    r"|(?P<factorial>factorial\b|Fakultät\b|factorielle\b|的阶乘|的階乘|の階乗)"
    r")"
)
"""Words after a base that make it a power, a root or a factorial."""

POWER_OF = (
    "power of", "raised to", "raised to the", "elevado a", "elevado a la", "puissance",
    "в степени", "factorial of", "factorial de", "factorielle de", "fakultät von", "факториал",
    "root of", "wurzel aus", "raíz cuadrada de", "racine carrée de", "корень из",
)  # fmt: skip
"""Words before an exponent, or before the argument of a factorial or a root, in lower case."""
