"""Analysis: verdicts in, figures out."""
