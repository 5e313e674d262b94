"""The server: cross-lingual voting behind the OpenAI API.

::

    serving    start, serve, drain, end      app        routes, and the OpenAPI document
    guard      keys, ids, log, statuses      service    from a request to its answer
    receiving  the body                      schema     what a request may say
    asking     a request to a question       answering  a question to a reply
    plain      the model, without a vote     upstream   the model behind another endpoint
    chat       /v1/chat/completions          responses  /v1/responses
    admission  how many at once              streaming  answers while the client is there
    settings, errors, replies, metrics, logs, history
"""
