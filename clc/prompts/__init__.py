"""Prompts: from a question to chat messages.

::

    templates   the templates of a folder, with cue words    template  one template
    demonstrations, candidates   other contents of prompts   replies   parsers of planning replies

``clc.prompt_files`` finds the files.

The templates themselves are in prompts/ at the top of the source tree, and in ``bundled`` beside
these modules in the wheel.
"""
