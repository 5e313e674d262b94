"""Rules that count votes and know no probability: ``fixed``, ``lead`` and ``window``.

``fixed``
    Never stops: the whole budget is sampled.
``lead``
    The leading answer has more votes than any other, or a new one, can still reach with all
    remaining paths. Guarantee: the vote over the whole budget has the same answer, under any
    tie order. It says nothing about a larger budget.
``window``
    ESC, arXiv 2401.10480, section 3: the votes are divided into consecutive windows of ``window``
    votes, and all of one window agree. An abstention neither fills a window nor breaks it. No
    guarantee; the paper bounds the chance of a unanimous window under a uniform distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clc.voting.stopping.rule import Judgement, Rule

if TYPE_CHECKING:
    from clc.voting.stopping.counts import VoteCounts
    from clc.voting.stopping.settings import Stopping

__all__ = ["FIXED", "LEAD", "WINDOW"]


def _never(_: Stopping, __: VoteCounts) -> Judgement:
    return Judgement(stops=False, probability=None)


def _leads(_: Stopping, counts: VoteCounts) -> Judgement:
    first, second = counts.top_two()
    return Judgement(first > second + counts.left, None)


def _window(stopping: Stopping, counts: VoteCounts) -> Judgement:
    is_whole = counts.votes % stopping.window == 0
    return Judgement(is_whole and counts.run >= stopping.window, None)


FIXED = Rule(_never)
LEAD = Rule(_leads)
WINDOW = Rule(_window, ("window",))
