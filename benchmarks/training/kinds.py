"""The kinds of problem: 1 to 4 steps of everyday arithmetic.

A kind's words are in `languages/*.toml`; what a question must state are the kind's entities and
its numbers that are not hidden. `r1`, `r2`, … are the results of the steps before.
"""

from collections.abc import Iterator, Mapping
from random import Random

from benchmarks.training.instance import Fact, Instance, Kind, Split, kind
from benchmarks.training.vocabulary import ANIMALS

FACTOR = range(2, 13)
MANY = range(10, 100)
FEW = range(3, 40)
PRICE = range(2, 13)

_KINDS = (
    # One step.
    kind("buy_more", "name obj", "a + b", a=range(5, 100), b=range(5, 100)),
    kind("give_away", "name friend obj", "a - b", a=MANY, b=FEW),
    kind("compare", "name friend obj", "a - b", a=MANY, b=MANY),
    kind("rows", "obj", "a × b", a=range(3, 13), b=range(3, 41)),
    kind("share_equally", "name obj", "a ÷ b", a=range(10, 200), b=FACTOR),
    kind("drive", "name", "a × b", a=range(10, 100, 5), b=FACTOR, limit=600),
    # Two steps: a store that grows and shrinks.
    kind("lose_and_find", "name obj", "a - b", "r1 + c", a=MANY, b=FEW, c=FEW),
    kind("bus_riders", "", "a - b", "r1 + c", a=range(8, 60), b=range(2, 30), c=range(2, 30)),
    kind("temperature", "", "a + b", "r1 - c",
         a=range(3, 20), b=range(2, 18), c=range(2, 18)),
    kind("scores", "name friend", "a + b", "r1 - c", a=FEW, b=FEW, c=FEW),
    # Two steps: one person has more, fewer, twice, half, some times as many.
    kind("more_together", "name friend obj", "a + b", "a + r1", a=range(3, 80), b=range(2, 40)),
    kind("fewer_together", "name friend obj", "a - b", "a + r1", a=range(6, 90), b=range(2, 40)),
    kind("twice_together", "name friend obj", "a × 2", "a + r1", a=range(3, 67)),
    kind("half_together", "name friend obj", "a ÷ 2", "a + r1", a=range(6, 134)),
    kind("times_more", "name friend obj", "a × b", "r1 - a", a=range(3, 21), b=range(3, 10)),
    kind("half_given", "name friend obj", "a ÷ 2", "r1 - b", a=range(8, 100), b=range(2, 20)),
    # Two steps: boxes, bags, groups.
    kind("boxes_and_loose", "name obj", "a × b", "r1 + c",
         a=FACTOR, b=range(3, 21), c=range(2, 30)),
    kind("boxes_sold", "name obj", "a × b", "r1 - c", a=FACTOR, b=range(3, 21), c=range(2, 50)),
    kind("pack_together", "name friend obj", "a + b", "r1 ÷ c",
         a=range(3, 90), b=range(3, 90), c=FACTOR),
    kind("keep_and_share", "name obj", "a - b", "r1 ÷ c", a=MANY, b=FEW, c=FACTOR),
    kind("left_over", "name obj", "b × q", "a - r1", hidden="q",
         a=range(10, 120), b=range(3, 13), q=FACTOR, where=lambda v: v["r2"] < v["b"]),
    kind("student_groups", "", "a × b", "r1 ÷ c", a=range(2, 9), b=range(10, 31), c=FACTOR),
    kind("percent_of", "name obj", "100 ÷ p", "a ÷ r1", p=(10, 20, 25, 50), a=range(8, 201)),
    kind("recipe", "name", "c ÷ a", "r1 × b", a=range(2, 9), b=range(2, 13), c=range(4, 50)),
    # Two steps: money.
    kind("change", "name good", "a × p", "d - r1", a=range(2, 10), p=PRICE, d=(20, 50, 100),
         where=lambda v: v["r2"] < 50),
    kind("unit_price", "name friend good", "p ÷ a", "r1 × c",
         p=range(4, 109), a=range(2, 10), c=FACTOR),
    kind("profit", "name good", "q - p", "r1 × a", a=FACTOR, p=range(2, 20), q=range(4, 30)),
    kind("savings", "name", "a × b", "r1 + c", a=range(2, 13), b=FACTOR, c=range(5, 60)),
    kind("savings_goal", "name", "c - a", "r1 ÷ b", c=range(20, 150), a=range(5, 80), b=FACTOR),
    kind("wages", "name", "a × b", "r1 × p",
         a=range(2, 9), b=range(2, 8), p=range(5, 21), limit=800),
    # Two steps: time, distance, measures.
    kind("pages_left", "name", "a × b", "c - r1", a=range(3, 21), b=FACTOR, c=range(30, 200)),
    kind("pages_days", "name", "c - a", "r1 ÷ b", c=range(30, 200), a=range(5, 80), b=FACTOR),
    kind("daily_weeks", "name obj", "b × 7", "r1 × a", a=range(2, 31), b=range(2, 13), limit=600),
    kind("older_later", "name friend", "a + b", "r1 + c",
         a=range(3, 50), b=range(2, 15), c=range(2, 20)),
    kind("age_gap", "name friend", "a × b", "r1 - a", a=range(3, 25), b=range(2, 10), limit=90),
    kind("perimeter", "name", "a + b", "r1 × 2", a=range(3, 60), b=range(2, 50),
         where=lambda v: v["a"] > v["b"]),
    kind("garden_area", "name", "a × b", "r1 - c", a=range(3, 31), b=FACTOR, c=range(3, 60)),
    kind("trip", "name", "a × b", "r1 + c",
         a=range(10, 91, 10), b=range(2, 9), c=range(5, 50), limit=600),
    kind("tank", "", "b × c", "a - r1", a=range(30, 200), b=FACTOR, c=range(2, 13)),
    # Three steps.
    kind("two_prices", "name good good2", "a × p", "b × q", "r1 + r2",
         a=range(2, 10), p=PRICE, b=range(2, 10), q=PRICE),
    kind("average", "name", "a + b", "r1 + c", "r2 ÷ 3", a=FEW, b=FEW, c=FEW),
    kind("discount", "name good", "100 ÷ p", "a ÷ r1", "a - r2",
         p=(10, 20, 25, 50), a=range(8, 201, 2)),
    kind("buses", "", "b × q", "a - r1", "q + 1", hidden="q",
         a=range(20, 200), b=range(8, 41), q=range(2, 9), where=lambda v: v["r2"] < v["b"]),
    kind("legs", "animal animal2", "a × l", "b × m", "r1 + r2",
         a=range(2, 21), b=range(2, 21), l=Fact("animal", ANIMALS), m=Fact("animal2", ANIMALS)),
    kind("orchard", "", "a × b", "c × d", "r1 + r2",
         a=range(2, 10), b=range(3, 13), c=range(2, 10), d=range(3, 13)),
    kind("eggs_sold", "name", "a × b", "r1 × c", "r2 - d",
         a=range(2, 11), b=range(2, 8), c=range(2, 8), d=range(4, 40)),
    # Four steps.
    kind("two_prices_change", "name good good2", "a × p", "b × q", "r1 + r2", "d - r3",
         a=range(2, 8), p=PRICE, b=range(2, 8), q=PRICE, d=(50, 100, 200),
         where=lambda v: v["r4"] < 100),
    kind("three_together", "name friend third obj", "a × b", "r1 - c", "a + r1", "r3 + r2",
         a=range(3, 21), b=range(2, 6), c=range(2, 15)),
)  # fmt: skip

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}

# Kinds that some languages never see in training, to measure what crosses between languages.
HELD_OUT: Mapping[str, frozenset[str]] = {
    "boxes_and_loose": frozenset({"de", "ja", "sw"}),
    "pages_left": frozenset({"fr", "th", "te"}),
}

_TRIES = 1000  # dev is 1 % of the problems


def trained(kind: str, language: str) -> bool:
    """Whether a language's training text may hold a kind."""
    return language not in HELD_OUT.get(kind, frozenset())


def problems(split: Split, seed: int | str) -> Iterator[Instance]:
    """Distinct problems of a split without end, the kinds in turn; a spent kind is passed over."""
    rng = Random(f"{split}/{seed}")
    seen: set[str] = set()
    while True:
        for of_kind in rng.sample(list(KINDS.values()), len(KINDS)):
            for _ in range(_TRIES):
                problem = of_kind.sample(rng)
                if problem.split == split and problem.key not in seen:
                    seen.add(problem.key)
                    yield problem
                    break
