"""Voting: from canonical answers to a verdict; weights of votes, and early stopping.

::

    tally      the rules of the vote          verdict    from paths to votes to a verdict
    weighting  weights from confidences       stopping   rules of early stopping
    outcomes   answers of paths, read once    posterior  posteriors for the stopping rules
"""
