"""vLLM, inside this process or in its own.

::

    engine        the engine
    launch, device, tokenizer   the start: chat, arguments, driver
    drivers, in_process_driver, process_driver   how vLLM is run
    requests      requests to vLLM's parameters, its outputs to completions
    fingerprint   the model and the arguments that change its texts
"""
