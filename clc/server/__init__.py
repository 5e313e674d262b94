"""The server: cross-lingual voting behind the OpenAI API.

::

    settings  defaults and limits            schema     what crosses the wire
    asking    a body to a question           answering  a question to a reply
    plain     the model without voting       upstream   the model behind another endpoint
    chat      /v1/chat/completions           responses  /v1/responses
    app       routes, health, models         guard      keys, request ids, logs, every status
    admission how many at once               serving    start, serve, drain, end
"""
