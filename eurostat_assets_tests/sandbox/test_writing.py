"""Bodies written without a server, and the profiles as a whole."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from eurostat_assets.sandbox import cells, write_dataset
from eurostat_assets.sandbox.errors import UnknownDataset
from eurostat_assets.sandbox.profiles import profile
from eurostat_assets_tests.sandbox.decoding import codes, decoded, of_batches, places


@pytest.mark.parametrize("order", ["code", "index", "shuffled"])
def test_every_order_holds_the_same_cells(tmp_path: Path, order: str) -> None:
    path = tmp_path / "body.json"
    written = write_dataset("HLTH_CO_X", path, cells=200_000, order=order, release=3)  # type: ignore[arg-type]
    document = json.loads(path.read_bytes())
    truth = of_batches(cells("HLTH_CO_X", cells=200_000, release=3))
    keys = [int(key) for key in document["value"]]
    positions = codes(document)
    stored = [
        [p[i] for p, i in zip(positions, places(document, key), strict=True)] for key in document["value"]
    ]

    assert decoded(document) == truth
    assert 150_000 < written.dataset.size < 250_000
    assert len(document["id"]) == 8
    assert written.bytes == path.stat().st_size
    assert (keys == sorted(keys)) == (order == "index")
    assert (stored == sorted(stored)) == (order == "code")


def test_a_size_is_met_roughly(tmp_path: Path) -> None:
    written = [
        write_dataset(code, tmp_path / code, size=20_000_000).bytes for code in ("HLTH_CO_X", "HLTH_CD_X")
    ]

    assert all(14_000_000 < size < 26_000_000 for size in written)
    with pytest.raises(UnknownDataset, match="should start with"):
        write_dataset("NOPE", tmp_path / "nope")


def test_the_full_profile_has_490_health_datasets_of_realistic_sizes() -> None:
    datasets = profile("full")
    health = [dataset for code, dataset in datasets.items() if "HLTH" in code]
    families = Counter(dataset.code.rpartition("_")[0] for dataset in health)
    sizes = sorted(dataset.size * dataset.fill * 16.5e-6 for dataset in health)  # about megabytes of the body

    assert len(health) == 490
    assert families["HLTH_EHIS"] == 215
    assert len(datasets) > 500
    assert 5_000 < sum(sizes) < 9_000
    assert sizes[len(sizes) // 2] < 5
    assert sum(size > 20 for size in sizes) < 100 < 10 * sum(size > 20 for size in sizes)
    assert all(dataset.title.startswith("Invented: ") for dataset in datasets.values())


def test_the_demo_profile_is_small() -> None:
    datasets = profile("demo")
    health = [code for code in datasets if "HLTH" in code]

    assert 12 <= len(health) <= 14
    assert 4 <= len(datasets) - len(health) <= 6
    assert sum(dataset.size * dataset.fill * 16.5 for dataset in datasets.values()) < 40e6


def test_another_seed_gives_other_cells_and_the_same_codes() -> None:
    one, other = (of_batches(cells("HLTH_SILC_X", cells=2_000, seed=seed)) for seed in (0, 1))

    assert one != other
    assert {cell[-2] for cell in one} == {cell[-2] for cell in other}
