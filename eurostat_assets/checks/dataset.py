"""The checks of one dataset's release, before it replaces anything: `quality/` judges, here it becomes Dagster's.

Here belong the specs, what is handed to the judge and to the books, and what a failed check stops. No limit, no SQL.

The checks of `observations` run on the finished file while it is still on the workbench: Dagster would already have stored,
and recorded as materialised, what a check after the asset refuses. So a release that is held back replaces neither the
Parquet file nor the table, and its step fails.

What every check said last of every dataset is in the view `eurostat.checks`. The checks are no outputs of the assets' own
steps, as `check_specs` would make them: planned, output and evaluated, 13 of them double the processor time of a small
dataset's run. So a run only logs the evaluations, each with its partition; the checks are nodes of their own (standing.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import dagster as dg

from eurostat_assets.checks import standing
from eurostat_assets.eurostat import RawJson, Release
from eurostat_assets.failures import HELD_BACK
from eurostat_assets.io_managers import StoredObservations
from eurostat_assets.jsonstat import Header, JsonStatError, ParquetFile
from eurostat_assets.jsonstat.periods import is_range, period_days
from eurostat_assets.model import markdown
from eurostat_assets.postgres import acceptances, published_numbers, record_checks
from eurostat_assets.quality import (
    Announced,
    Limits,
    Quarantine,
    Verdict,
    judge,
    parquet_intact,
    profile,
    raw_intact,
    readable,
)
from eurostat_assets.quality.judging import NEVER_FORGIVEN
from eurostat_assets.resources import Mirror
from eurostat_assets.settings import Settings

HELPED_BY_ANOTHER_TRY = frozenset({"raw_intact", "parquet_intact", "complete"})


class Examination:
    """The verdicts on one release in one run, as they come; the books and the UI learn all of them."""

    def __init__(self, mirror: Mirror, dataset: str, release: Release, run_id: str) -> None:
        self.dataset = dataset
        self._mirror = mirror
        self._release = release.version
        self._run_id = run_id
        self._numbers: Mapping[str, Any] | None = None
        self.verdicts: list[Verdict] = []

    @property
    def held_back(self) -> bool:
        return any(verdict.blocks for verdict in self.verdicts)

    @contextmanager
    def raw(self, raw: RawJson) -> Iterator[None]:
        """The bodies in the store, in a thread beside the block that reads them. Raises OSError."""
        with ThreadPoolExecutor(1, "raw_intact") as beside:
            verdict = beside.submit(raw_intact, raw.parts)
            try:
                yield
            finally:
                self.verdicts.append(verdict.result())

    def refused(self, error: JsonStatError, raw: RawJson, quarantine: Quarantine) -> None:
        """The reader could not understand a body: it is kept for a person."""
        verdict = readable(error, member=error.member, position=error.position)
        story = {"dataset": self.dataset, "run": self._run_id, "problem": str(error), **verdict.numbers}
        quarantine.refused(self.dataset, raw.paths, {**raw.provenance(), **story})
        self.verdicts.append(verdict)

    def observations(self, parquet: ParquetFile, quarantine: Quarantine) -> None:
        """The finished file. Raises QualityError, PostgresError, OSError."""
        settings = self._mirror.settings
        found = profile(parquet.path, period_days, is_range)
        history = published_numbers(self._mirror.database, self.dataset, self._release)
        judged = judge(
            found,
            parquet.rows,
            announced(parquet.header),
            history,
            limits(settings),
            relaxed(settings, self.dataset),
        )
        quarantine.clear(self.dataset)
        if found.odd_periods:
            quarantine.odd_periods(self.dataset, parquet.path, list(found.odd_periods))
        self._numbers = found.numbers()
        self.verdicts += [readable(), *self._accepted(judged)]

    def stored(self, observations: StoredObservations) -> None:
        """The file in the store, before it is published. Raises OSError."""
        self.verdicts.append(parquet_intact(observations.path, observations.written))

    def record(self) -> None:
        """Every verdict into the books. Raises PostgresError."""
        record_checks(
            self._mirror.database,
            self.dataset,
            self._release,
            self.verdicts,
            numbers=self._numbers,
            run_id=self._run_id,
        )

    def log(self, context: dg.AssetExecutionContext) -> None:
        """Every verdict into the run's log, as an evaluation of a check: after the materialisation, which it then is of."""
        target = standing.newest_materialisation(context.instance, context.asset_key, self.dataset)
        for verdict in self.verdicts:
            evaluation = dg.AssetCheckEvaluation(
                context.asset_key,
                verdict.check,
                passed=verdict.passed,
                severity=dg.AssetCheckSeverity.ERROR if verdict.blocks else dg.AssetCheckSeverity.WARN,
                description=f"{self.dataset}: {verdict.sentence}",
                partition=self.dataset,
                target_materialization_data=target,
                metadata={"dataset": self.dataset, "release": self._release, **_shown(verdict.numbers)},
            )
            context.log_event(
                cast("dg.AssetObservation", evaluation)
            )  # taken, though its annotation forgets it

    def metadata(self) -> dict[str, Any]:
        """The verdicts as a table, for the page of the partition."""
        lines = [
            (one.check, "passed" if one.passed else "HELD BACK" if one.blocks else "warning", one.sentence)
            for one in self.verdicts
        ]
        return {
            "checks": dg.MetadataValue.md(markdown.table(("check", "", "what it says"), lines)),
            "checks not passed": sum(not one.passed for one in self.verdicts),
        }

    def failure(self) -> dg.Failure:
        """Why the release is held back, and what to do."""
        failed = [verdict for verdict in self.verdicts if verdict.blocks]
        names = ", ".join(verdict.check for verdict in failed)
        told = "; ".join(verdict.sentence for verdict in failed)
        worth_retrying = all(verdict.check in HELPED_BY_ANOTHER_TRY for verdict in failed)
        if worth_retrying:
            remedy = f"Another attempt follows; at once, from the download on: eurostat-assets sync {self.dataset} --force"
        elif any(verdict.check in NEVER_FORGIVEN for verdict in failed):
            remedy = "What was refused is in the store's quarantine"
        else:
            remedy = f'If it is right all the same: eurostat-assets accept {self.dataset} --reason "…"'
        return dg.Failure(
            f"{self.dataset}: {told}. Nothing was replaced ({names}). {remedy}.",
            metadata={
                "subject": self.dataset,
                "error": HELD_BACK,
                "checks": names,
                "release": self._release,
                "worth retrying": worth_retrying,
            },
            allow_retries=False,
        )

    def _accepted(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """With what a person has accepted of this very release."""
        if not any(verdict.blocks for verdict in verdicts):
            return list(verdicts)
        accepted = acceptances(self._mirror.database, self.dataset, self._release)
        why = {check: f"{one.reason} ({one.accepted_by})" for one in accepted for check in one.checks}
        return [one.let_pass(why[one.check]) if one.blocks and one.check in why else one for one in verdicts]


def announced(header: Header) -> Announced:
    """What a dataset's header says of its cells."""
    told = {one.get("type"): one.get("title") for one in header.annotations}
    oldest, latest = told.get("OBS_PERIOD_OVERALL_OLDEST"), told.get("OBS_PERIOD_OVERALL_LATEST")
    ends = [period_days(literal) if isinstance(literal, str) else None for literal in (oldest, latest)]
    return Announced(
        rows=header.obs_count,
        codes={
            "time_period" if one.id == header.time else one.id.lower(): one.codes for one in header.dimensions
        },
        oldest=oldest,
        latest=latest,
        span=(ends[0][0], ends[1][1]) if ends[0] and ends[1] else None,
    )


def limits(settings: Settings) -> Limits:
    """This deployment's limits."""
    return Limits(
        settings.rows_may_shrink,
        settings.rows_may_grow,
        settings.share_may_change,
        settings.notable_change,
        settings.odd_periods,
    )


def relaxed(settings: Settings, dataset: str) -> frozenset[str]:
    """The checks that only warn for `dataset`."""
    pairs = [one.partition(":") for one in settings.checks_relaxed]
    return frozenset(check.strip() for code, _, check in pairs if code.strip().upper() == dataset)


def _shown(numbers: Mapping[str, Any]) -> dict[str, str]:
    """As Dagster's metadata: all as text, as Dagster would draw numbers as one line through all datasets; no nulls."""
    return {name: _text(value) for name, value in numbers.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
