"""The hostile month, cut down to some days and datasets: the same faults, kills and absence, the same verdict."""

import tempfile
from pathlib import Path

from eurostat_assets_tests.hostile.month import Plan, report, run

DAYS = Plan(
    days=5,
    day_seconds=5,
    theme="HLTH_DM",
    kills=0,  # the absence begins with kill -9 of the daemon and all its children
    absences=(3,),
    calendar={"share": 0.2},
    settle_seconds=240,
)


def test_after_hostile_days_every_table_is_the_sources_and_nothing_ran_in_vain():
    with tempfile.TemporaryDirectory(prefix="eurostat-assets-hostile-") as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs as another user
        verdict, tally = run(DAYS, Path(folder) / "mirror", lambda _: None)
    assert verdict.good, report(DAYS, verdict, tally, 0)
    assert verdict.compared >= 10
    assert tally["deaths"] == tally["absences"] == 1
    assert sum(tally["faults_met"].values()) > 5
    assert len(verdict.ages) > 5
