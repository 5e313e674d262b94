"""What requests and replies look like in OpenAI's API."""
