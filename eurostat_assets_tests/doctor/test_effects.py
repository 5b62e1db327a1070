"""What a line says a change means is true: where it says "None", this version still reads everything."""

from __future__ import annotations

import pytest

from eurostat_assets import jsonstat
from eurostat_assets.doctor.contract import CHECKS
from eurostat_assets.eurostat import Eurostat
from eurostat_assets.sandbox import Running
from eurostat_assets_tests.doctor.test_contract import BROKEN_BY

HARMLESS = [change for change, check in BROKEN_BY.items() if CHECKS[check].effect.startswith("None")]
DATASET = "ENPE_HLTH_EXP"


def everything(source: Running, folder) -> dict[str, object]:
    """What the mirror reads of the source: what there is, what is new, and one dataset's cells."""
    folder.mkdir()
    with Eurostat(source.api_url, attempts=1) as client:
        raw = client.download(DATASET, folder, inspect=jsonstat.read_header)
        rows = sum(batch.num_rows for batch in jsonstat.read(raw.parts[0].path))
        return {
            "inventory": {code: entry.release for code, entry in client.inventory().items()},
            "contents": [(row.code, row.title, row.folders, row.values) for row in client.toc()],
            "feed": list(client.feed()),
            "probe": client.probe(DATASET),
            "release": raw.release,
            "rows": rows,
        }


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_without_effect_has_none(change: str, source: Running, tmp_path):
    documented = everything(source, tmp_path / "documented")
    source.change_contract(change)
    assert everything(source, tmp_path / "changed") == documented
