"""The checks of the mirror as a whole, and the asset that makes them: `audit`.

They are of an asset of their own and not of `published_table`, because Dagster would run them with every single partition
of that which is materialised. So the graph shows one node at its end, whose numbers plot over time. What is compared how
is in `audit/`; what was found stays in `eurostat.audits`.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from eurostat_assets import auditing, run_tags
from eurostat_assets.audit import OF_A_TABLE, OF_HIERARCHIES, OF_THE_SERVER, OF_THE_WHOLE
from eurostat_assets.failures import told
from eurostat_assets.model import markdown
from eurostat_assets.postgres import AuditFinding, audit_findings
from eurostat_assets.resources import Mirror

CHECKS = {
    "tables_equal_parquet": (
        OF_A_TABLE,
        "Every published table holds what its Parquet file holds, row for row: nobody changed either.",
    ),
    "everything_belongs": (
        OF_THE_WHOLE | OF_THE_SERVER,
        "No table, release or file without a dataset of this mirror, and no raw file that is gone.",
    ),
    "totals_plausible": (
        OF_HIERARCHIES,
        "Counts of both sexes are those of males and females, and the Union's not smaller than a member's.",
    ),
}
WORST = 20


class Depth(dg.Config):
    """How closely to look."""

    deep: bool = Field(
        default=False,
        description="Compare every table by checksum, not only those that look otherwise than before.",
    )


@dg.asset(
    name="audit",
    deps=["published_table", "catalogue"],
    group_name="eurostat",
    kinds={"postgres", "parquet"},
    owners=["team:data-platform"],
    check_specs=[
        dg.AssetCheckSpec(name, asset="audit", description=meaning) for name, (_, meaning) in CHECKS.items()
    ],
)
def audit(
    context: dg.AssetExecutionContext, config: Depth, mirror: dg.ResourceParam[Mirror]
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
    """A look at the whole mirror: does every published table still hold what its Parquet file holds (its rows and the
    transaction that wrote them every day, a checksum of all rows every week), and is there nothing that belongs
    nowhere? Every finding is in the table `eurostat.audits`, with the day it was first and last seen."""

    run_tags.complete(context)

    def say(done: int, of: int, dataset: str) -> None:
        if done % 50 == 0:
            context.log.info(f"{done} of {of} tables audited; next is {dataset}")

    with told("The audit"):
        report = auditing.audit(mirror, deep=config.deep, on_dataset=say)
        found = audit_findings(mirror.database)
    for finding in found:
        (context.log.error if finding.severity == "error" else context.log.warning)(finding.sentence)
    yield from _results(found, len(report.audited))
    yield dg.MaterializeResult(metadata=_metadata(report, found))


def _results(found: Sequence[AuditFinding], audited: int) -> Iterator[dg.AssetCheckResult]:
    """One result for each check, from everything that is open, whenever it was found."""
    for name, (kinds, _) in CHECKS.items():
        ours = [finding for finding in found if finding.kind in kinds]
        grave = any(finding.severity == "error" for finding in ours)
        yield dg.AssetCheckResult(
            asset_key="audit",
            check_name=name,
            passed=not ours,
            severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
            description=ours[0].sentence if ours else None,
            metadata={
                "datasets audited": audited,
                "findings": len(ours),
                "worst": dg.MetadataValue.md(_listed(ours)),
            },
        )


def _metadata(
    report: auditing.Report, found: Sequence[AuditFinding]
) -> dict[str, dg.MetadataValue | int | float | str]:
    return {
        "datasets audited": len(report.audited),
        "compared by checksum": report.compared,
        "rows": report.rows,
        "errors": sum(finding.severity == "error" for finding in found),
        "warnings": sum(finding.severity == "warning" for finding in found),
        "seconds": round(report.seconds, 3),
        **({"not looked at": report.not_looked_at} if report.not_looked_at else {}),
        "findings": dg.MetadataValue.md(_listed(found)),
    }


def _listed(found: Sequence[AuditFinding]) -> str:
    """As a Markdown table, the worst and oldest first."""
    if not found:
        return "none"
    lines = [
        (one.subject, one.kind, one.sentence, f"{one.first_seen:%Y-%m-%d %H:%M}") for one in found[:WORST]
    ]
    more = f"\n\nand {len(found) - WORST} more in `eurostat.audits`" if len(found) > WORST else ""
    return markdown.table(("subject", "kind", "what", "first seen (UTC)"), lines) + more
