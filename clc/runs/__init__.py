"""Runs: what stays on the disk.

::

    protocol            what solving and figures ask of whatever keeps a run
    store, database     one machine: SQLite            shards/    a cluster: Parquet
    completion_store, problem_store   the parts of a store: completions; problems with their plans
    codec, files        records as JSON; whole files   schema     the tables of SQLite
    manifest, resume    a run's settings as stored; what may change when it goes on
    checks, database_errors   rows without a checksum; damaged files
    open, revote        a run folder for reading, and its votes taken anew
    unused              a new folder in which nothing was sampled goes
    translation_cache   translations kept over runs
"""
