"""Models behind endpoints of OpenAI's API."""
