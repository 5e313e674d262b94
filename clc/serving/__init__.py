"""The server: cross-lingual voting behind the OpenAI API.

::

    question     a request to a question     reply       a question to a reply
    plain_model  the model, without a vote   settings    errors
    openai/      what requests and replies look like: requests, bodies, and the two dialects
                 chat (/v1/chat/completions) and responses (/v1/responses)
    http/        server      start, serve, drain, end    app        routes, the OpenAPI document
                 middleware  keys, ids, log, statuses    service    from a request to its answer
                 body        the body of a request       proxy      a model behind an endpoint
                 admission   how many at once            streaming  while the client is there
                 metrics, logs, history
    completions, batch   OpenAI's files of requests and of replies
    integrations/        clc as a model of other frameworks
"""
