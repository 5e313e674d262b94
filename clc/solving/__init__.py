"""Solving: one problem to its verdict, and many problems in one process.

::

    configure, configuration   plain arguments, checked; frozen settings
    run, identity, runner      one run, what it is, many problems through a window
    stopping_check             whether a stopping rule can stop at all
    pool                       several strategies over one store
    solver, problem_run        one problem, its paths until the vote may stop
    rounds                     how many paths to start next, and where the votes may stop
    prompt_builder, translation, model_choice   what is asked of the model before a path
    sampler                    each completion once, from the store, the cache or the engine
    accounting, concurrency
"""
