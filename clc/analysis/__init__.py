"""Analysis: verdicts in, figures out.

::

    scoring, paired    a run against gold; two runs against each other
    scores, scoreboard   the figures of a score; the counts that they are made of
    intervals, resampling, comparison_charts   the statistics and charts under all of it
    comparison, comparison_records, compared_problems   several strategies at equal cost
    comparison_curves, comparison_entries   fewer paths and budgets; strategies from their runs
    portfolio, portfolio_rows, portfolio_search   languages learned where answers are known
    greedy_search, routes, prior_search           the search; by question language; bayes' prior
    language_ranking, alignment      languages ranked without gold
    fidelity           paths in the language that was asked for
    export             the derived files of a run folder
    report/            pages
"""
