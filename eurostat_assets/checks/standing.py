"""Where the mirror stands with every check of a release: the nodes that the UI shows, executed when a person wants to know.

Here belong the specs, and the answer for all datasets from the books. The checking itself is in dataset.py.
"""

from collections.abc import Iterator

import dagster as dg

from eurostat_assets.failures import told
from eurostat_assets.postgres import CheckResult, latest_checks
from eurostat_assets.quality import ABOUT
from eurostat_assets.resources import Mirror

OF_TABLE = ("parquet_intact",)
LISTED = 50


def _specs() -> list[dg.AssetCheckSpec]:
    """Not `blocking`: it is the asset's own step that fails, before Dagster would stop anything."""
    return [
        dg.AssetCheckSpec(
            name, asset="published_table" if name in OF_TABLE else "observations", description=said
        )
        for name, said in ABOUT.items()
    ]


@dg.multi_asset_check(specs=_specs(), can_subset=True)
def release_checks(
    context: dg.AssetCheckExecutionContext, mirror: dg.ResourceParam[Mirror]
) -> Iterator[dg.AssetCheckResult]:
    """What every check said last of all datasets, from the books: in which of them does it not hold?"""
    said: dict[str, list[CheckResult]] = {}
    with told("The checks"):
        for one in latest_checks(mirror.database):
            said.setdefault(one.check, []).append(one)
    for key in context.selected_asset_check_keys:
        results = said.get(key.name, [])
        bad = [one for one in results if not one.passed]
        held_back = [one for one in bad if one.severity == "block"]
        lines = [f"- **{one.dataset}** ({one.severity}): {one.sentence}" for one in bad[:LISTED]]
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=not bad,
            severity=dg.AssetCheckSeverity.ERROR if held_back else dg.AssetCheckSeverity.WARN,
            description=f"{len(results) - len(bad):,} of {len(results):,} datasets pass",
            metadata={
                "datasets": len(results),
                "held back": len(held_back),
                "warnings": len(bad) - len(held_back),
                "of these": dg.MetadataValue.md("\n".join(lines) or "none"),
            },
        )
