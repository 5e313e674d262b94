"""Requests and replies of OpenAI's API."""
