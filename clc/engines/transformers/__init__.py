"""Hugging Face transformers in this process."""
