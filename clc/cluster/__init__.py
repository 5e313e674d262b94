"""Beyond one machine: the same run on Ray (the extra ``ray``).

::

    driver.py      one call: the manifest, the pipeline, the export
    ray_session.py the Ray that is there, or one of our own
    pipeline.py    Ray Data: reader -> replicas -> driver
    source.py      the file as a Ray Data source, in batches, less what is done
    replica.py     one engine and the solver over it; writes shards (clc.runs.shards)
    ledger.py      what is in hand, to find out the problem that kills its replica
    messages.py    what travels between them
"""

from clc.cluster.driver import Outcome, solve_on_ray, spread
from clc.cluster.messages import SetAside
from clc.cluster.ray_session import Pool

__all__ = ["Outcome", "Pool", "SetAside", "solve_on_ray", "spread"]
