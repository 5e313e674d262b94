"""The same run on a Ray cluster (the extra ``ray``).

::

    driver        settings, pipeline, export
    manifest      the manifest of the run: its begin, its time and its end
    ray_session   a connection to Ray, or a Ray on this machine
    pipeline      Ray Data: reader -> replicas -> driver
    source        the file as a Ray Data source, in batches of unfinished problems
    replica       one engine and its solver; writes shards (clc.runs.shards)
    memory_store  the paths of one problem, before they are written
    ledger        work in progress, to find the problem that crashes its replica
    votes         the votes of a large run, counted on all CPUs of Ray
    messages      messages between them
"""

from clc.cluster.driver import ClusterResult, solve_on_ray, spread
from clc.cluster.messages import SetAsideProblem
from clc.cluster.ray_session import ReplicaPool

__all__ = ["ClusterResult", "ReplicaPool", "SetAsideProblem", "solve_on_ray", "spread"]
