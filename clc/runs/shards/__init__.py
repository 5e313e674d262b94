"""The run folder of a cluster: Parquet shards in the place of one SQLite file.

::

    shards/FIRST-LAST-HASH.parquet   one row a problem, with all that was sampled for it
    manifest.json, verdicts.jsonl, ...   as in any run folder

Many processes write at once, each its own shards; nothing is ever appended to. A shard appears
under its name when it is whole, and the same problems have the same name, so that work done twice
is stored once. The folder is local or a URI that pyarrow knows (``s3://``, ``gs://``, ``file://``).

``answer``, ``agreement``, ``tied`` and ``lost`` are derived, for DuckDB or pandas; clc
takes the vote from ``plan`` and ``paths``, as everywhere.
"""

from clc.runs.shards.codec import ShardRow
from clc.runs.shards.filesystem import has_shards
from clc.runs.shards.folder import Shards
from clc.runs.shards.shard_files import Span
from clc.runs.shards.tables import done_rows

__all__ = ["ShardRow", "Shards", "Span", "done_rows", "has_shards"]
