"""Solving: one problem to its verdict, and many problems in one process."""
