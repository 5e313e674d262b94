"""Strategies: what a question draws, in which languages and in what order.

::

    strategy  arms, planner and their checks    catalogue  the strategies that clc ships
    schedule  the paths in drawing order        files      strategies from TOML files
"""
