"""Runs: what stays on the disk.

::

    protocol            what solving and figures ask of whatever keeps a run
    store, database     one machine: SQLite            shards/    a cluster: Parquet
    codec, files        records as JSON; whole files   manifest   what may change in a run
    checks              rows without a checksum
    open, revote        a run folder for reading, and its votes taken anew
    unused              a new folder in which nothing was sampled goes
    translation_cache   translations kept over runs
"""
