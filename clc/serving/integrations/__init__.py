"""Adapters: clc as a model of other frameworks, in their own process.

::

    local       an engine in a thread, which all of them share
    lm_eval     a model of lm-evaluation-harness
    inspect_ai  a model provider of Inspect
    langchain   a chat model of LangChain
    dspy        an engine of DSPy, and an adapter that reads its answers

Each needs its framework, and for the bodies of requests
``pip install 'crosslingual-consistency[server]'``.
"""
