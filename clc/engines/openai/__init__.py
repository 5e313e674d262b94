"""Models behind endpoints of OpenAI's API.

::

    engine           the engine: settings, start, notes
    dispatch, endpoints, retries   which endpoint is next, and when an attempt follows another
    attempt          one attempt: a request sent, its reply read
    wire, adaptation               the body of a request, and what an endpoint takes of it
    reply, reply_fields, sse       replies, whole and streamed
    error_response, error_bodies, failures, refusals   errors, and what follows from them
    model_list       the models that an endpoint lists
    settings, endpoint_spec, secrets, connections, limits   URLs, keys, HTTP clients, bounds
"""
