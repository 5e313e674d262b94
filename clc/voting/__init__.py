"""Votes: values in, a verdict out; what a vote weighs, and when to stop.

::

    tally      the rules of the vote          verdict    from paths to votes to a verdict
    weighting  weights from confidences       stopping   when the votes say enough
    outcomes   what a path states, read once
    posterior  what the stopping rules ask
"""
