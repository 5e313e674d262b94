"""Strategies: the paths of a question, their languages and their order.

::

    strategy  arms, planner and their checks    catalogue  the strategies that clc ships
    schedule  the paths in sampling order       files      strategies from TOML files
"""
