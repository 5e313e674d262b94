"""Votes: values in, a verdict out; what a vote weighs, and when to stop."""
