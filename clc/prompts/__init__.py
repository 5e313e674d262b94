"""Prompts: a question in, chat messages out. The templates lie in the top-level prompts/."""
