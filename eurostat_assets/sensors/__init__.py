"""When: what is asked of Eurostat at which time, and which partitions get a run.

    feed.py      listens: Eurostat's RSS feed tells what may be newer
    sweeps.py    looks at everything: the whole inventory, by the clock, and whenever the feed cannot be trusted
    due.py       acts: requests one run for every dataset whose newest release is not published yet
    endings.py   remembers: what became of the runs that did not succeed
    audits.py    compares what is published with what it was published from
    alarms.py    tells people what is wrong

The first two only write down what Eurostat offers (`eurostat.datasets`), so that nothing is lost with a cursor or a daemon.
"""

from eurostat_assets.sensors.alarms import alarms
from eurostat_assets.sensors.audits import audits
from eurostat_assets.sensors.due import stale_datasets
from eurostat_assets.sensors.endings import cancelled_runs, failed_runs
from eurostat_assets.sensors.feed import eurostat_releases
from eurostat_assets.sensors.sweeps import sweep, sweep_when_feed_is_silent

__all__ = [
    "alarms",
    "audits",
    "cancelled_runs",
    "eurostat_releases",
    "failed_runs",
    "stale_datasets",
    "sweep",
    "sweep_when_feed_is_silent",
]
