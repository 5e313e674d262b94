"""Runs: what stays on the disk."""
