"""Prompts: from a question to chat messages.

::

    templates            the templates of a folder, with all that they are rendered with
    template             one template; sandbox, budget, result_sizes bound what it may cost
    cues, candidates     cue words of languages, languages to choose from
    demonstrations, shots   solved problems, and examples of a prompt made from them
    replies              parsers of planning replies

``clc.prompt_files`` finds the files.

The templates themselves are in prompts/ at the top of the source tree, and in ``bundled`` beside
these modules in the wheel.
"""
