"""Strategies: what a question draws, in which languages and in what order."""
