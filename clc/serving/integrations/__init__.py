"""Adapters: clc as a model of other frameworks, in the same process.

::

    local       an engine in a thread, used by the adapters
    lm_eval     a model of lm-evaluation-harness
    inspect_ai  a model provider of Inspect
    langchain   a chat model of LangChain
    dspy        an engine of DSPy, and an adapter that reads answers

Each needs its framework and
``pip install 'crosslingual-consistency[server]'``.
"""
