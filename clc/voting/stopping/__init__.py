"""Early stopping: rules that end sampling before the budget is spent.

A rule checks the votes in sampling order, after every path, and stops at the first prefix that
satisfies it. Abstentions use up budget but are no votes; without a vote nothing stops. The rules
count every vote once, as the ``majority`` vote does; ``cite`` and ``mmc`` also take weights.

::

    count_rules   fixed, lead, window              settings   the table of rules, Stopping
    adaptive      beta, dirichlet, crosslingual    rounds     where a rule stops; sizes of rounds
    bayes         bayes, with a learned prior      counts     running counts of votes
    certificates  cite, mmc                        rule       the shape of a rule

The module of a rule states its formula and its source, what it guarantees, and what it does not.
No rule knows the right answer: each looks for the model's most probable one.
"""

from clc.voting.stopping.rounds import Stop, first_stop, never_stops, next_round_size
from clc.voting.stopping.settings import RULES, Stopping

__all__ = ["RULES", "Stop", "Stopping", "first_stop", "never_stops", "next_round_size"]
