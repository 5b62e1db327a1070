"""What every run needs, imported once in the process that runs are forked from (warmruns.py). Nothing else imports this.

Imports only: a thread or a connection of this process would be broken in its forks.
"""

import os
from importlib import import_module

from eurostat_assets import child_processes

child_processes.end_without_threads(os.getppid())  # before the seconds that the rest takes

# numpy's linear algebra, which nobody here needs, would start threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

for needed in (
    "dagster._cli.api",
    "dagster_postgres",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "eurostat_assets.io_managers",
    "eurostat_assets.jsonstat.observations",
    "eurostat_assets.eurostat.wire",
    "eurostat_assets.postgres.encoding",
    "eurostat_assets.postgres.loading",
):
    import_module(needed)

import_module("eurostat_assets.definitions").defs.get_repository_def().get_job("mirror_dataset")
