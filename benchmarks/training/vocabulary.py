"""The persons and nouns of the problems: ids that every language file gives words for.

A slot's name says what may fill it, so that a kind only lists its slots.
"""

from collections.abc import Mapping, Sequence

# No name begins with a vowel, which spares French its elisions (`de Nina`, never `d'Anna`).
PERSONS = (
    "ben", "clara", "daniel", "david", "fatima", "hana", "jonas", "julia",
    "karim", "kenji", "laila", "leo", "lina", "lucas", "maria", "mei",
    "mina", "nadia", "nina", "paul", "priya", "rosa", "sara", "tom",
)  # fmt: skip

# What somebody can own dozens of.
THINGS = (
    "apple", "orange", "banana", "lemon", "mango", "egg", "cookie", "candy",
    "book", "pencil", "pen", "notebook", "card", "stamp", "sticker", "photo",
    "flower", "balloon", "ball", "marble", "button", "stone", "shell", "key",
)  # fmt: skip

# What costs a few dollars.
GOODS = ("book", "ball", "cup", "plate", "cake", "shirt", "hat", "lamp", "doll", "ticket")

# Animals and their legs.
ANIMALS: Mapping[str, int] = {
    "dog": 4, "cat": 4, "cow": 4, "horse": 4, "goat": 4,
    "hen": 2, "duck": 2, "parrot": 2, "ant": 6, "spider": 8,
}  # fmt: skip

# Nouns that wordings name themselves: `{a:page}`.
UNITS = (
    "money", "percent", "hour", "minute", "day", "week", "year", "degree", "meter",
    "square_meter", "kilometer", "liter", "page", "box", "bag", "row", "tree", "child",
    "student", "bus", "leg", "point",
)  # fmt: skip

SLOTS: Mapping[str, Sequence[str]] = {
    "name": PERSONS,
    "friend": PERSONS,
    "third": PERSONS,
    "obj": THINGS,
    "good": GOODS,
    "good2": GOODS,
    "animal": tuple(ANIMALS),
    "animal2": tuple(ANIMALS),
}

NOUNS = tuple(dict.fromkeys((*THINGS, *GOODS, *ANIMALS, *UNITS)))
