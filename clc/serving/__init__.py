"""The server: cross-lingual voting behind the OpenAI API.

::

    question     request -> question         reply       question -> reply
    plain_model  the model without a vote    settings    errors
    openai/      requests    bodies of requests          bodies     bodies of replies
                 sampling    sampling parameters         validation errors of a body
                 chat        /v1/chat/completions        responses  /v1/responses
    http/        server      start, serve, drain, end    app        routes, the OpenAPI document
                 middleware  keys, ids, log, statuses    service    request -> response
                 body        reads a request's body      proxy      a model behind an endpoint
                 admission   the queue                   streaming  events, disconnects
                 metrics, logs, history
    completions          chat requests in this process
    batch, batch_lines, batch_output   OpenAI's batch files: a batch, what is asked, the replies
    integrations/        clc as a model of other frameworks
"""
