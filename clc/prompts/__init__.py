"""Prompts: a question in, chat messages out.

::

    templates   all of a folder's templates, with cue words     template  one of them
    demonstrations, candidates   what else stands in prompts    files     of them: clc.prompt_files
    replies     what a model answers to the planning prompts

The templates themselves lie in prompts/ at the top of the source tree, and in ``bundled`` beside
these modules in the wheel.
"""
