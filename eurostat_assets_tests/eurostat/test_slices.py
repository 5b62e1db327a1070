"""Too big for one extraction: planned, fetched in parts of one release, whole when joined by code."""

import json
from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eurostat_assets.eurostat import Eurostat, RawJson
from eurostat_assets.eurostat.errors import ExtractionTooBig, ReleaseChanged, StillPreparing
from eurostat_assets.eurostat.slices import plan
from eurostat_assets.sandbox import Running, running
from eurostat_assets_tests.eurostat.bodies import content_of, inspect

LIMITS = {"sync_below": 10**9, "refused_above": 5_000, "full_is_cached": False}
CODE = "HLTH_CD_ARO"


@given(
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    periods=st.integers(1, 50),
    limit=st.integers(1, 10_000),
)
def test_slices_hold_every_cell_once_and_none_more_than_allowed(
    sizes: list[int], periods: int, limit: int
) -> None:
    positions = {f"d{i}": tuple(f"c{n}" for n in range(size)) for i, size in enumerate(sizes)}
    if periods > limit:
        with pytest.raises(ValueError, match="in one combination"):
            plan(positions, periods, limit)
        return
    if prod(sizes) > 20_000:
        return
    slices = plan(positions, periods, limit)
    seen: list[tuple[str, ...]] = []
    for slice_ in slices:
        taken = [slice_.get(name, codes) for name, codes in positions.items()]
        assert prod(map(len, taken)) * periods <= limit
        seen += product(*taken)
    assert len(seen) == len(set(seen)) == prod(sizes)


def test_one_dimension_is_split_when_one_suffices_and_the_one_that_needs_fewest_slices() -> None:
    positions = {"sex": ("T", "M", "F"), "geo": tuple(f"G{n:03}" for n in range(100)), "unit": ("NR",)}
    assert plan(positions, periods=10, limit=1_000) == [{"sex": (code,)} for code in ("T", "M", "F")]
    assert [len(slice_["geo"]) for slice_ in plan(positions, periods=10, limit=700)] == [20] * 5
    assert plan(positions, periods=10, limit=3_000) == [{}]
    assert {len(slice_) for slice_ in plan(positions, periods=10, limit=10)} == {2}


def at_every_report(act: Callable[[], object], times: int) -> Callable[[int, int | None], None]:
    """A progress callback that acts, the first `times` that it is called."""
    left = [act] * times

    def report(_done: int, _total: int | None) -> None:
        if left:
            left.pop()()

    return report


def cells(content: bytes) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Value and status by codes."""
    body = json.loads(content)
    codes = [list(body["dimension"][name]["category"]["index"]) for name in body["id"]]
    value, status = body["value"], body.get("status", {})
    found = {}
    for number, key in enumerate(product(*codes)):
        if str(number) in value or str(number) in status:
            found[key] = (value.get(str(number)), status.get(str(number)))
    return found


def joined(raw: RawJson) -> dict[tuple[str, ...], tuple[Any, Any]]:
    parts = [cells(content_of(part.path)) for part in raw.parts]
    whole = {key: cell for part in parts for key, cell in part.items()}
    assert len(whole) == sum(map(len, parts))
    return whole


@pytest.fixture(scope="module")
def strict() -> Iterator[Running]:
    """A sandbox that refuses what is big even unfiltered."""
    with running(profile="tests", cost=LIMITS) as sandbox:
        yield sandbox


def client(sandbox: Running) -> Eurostat:
    return Eurostat(sandbox.api_url, attempts=2, backoff=0.1)


def test_a_dataset_that_is_too_big_is_refused_or_comes_in_slices_as_the_caller_likes(
    strict: Running, tmp_path: Path
) -> None:
    with client(strict) as eurostat:
        with pytest.raises(
            ExtractionTooBig, match=f"{CODE}: the extraction is too big: 39,744 cells"
        ) as caught:
            eurostat.download(CODE, tmp_path, inspect=inspect)
        assert (caught.value.estimate, caught.value.limit) == (39_744, 5_000)
        received: list[tuple[int, int | None]] = []
        raw = eurostat.download(
            CODE, tmp_path, inspect=inspect, slices=True, on_progress=lambda *now: received.append(now)
        )
    with running(profile="tests") as generous, client(generous) as eurostat:
        at_once = eurostat.download(CODE, tmp_path, inspect=inspect, slices=True)
    assert len(at_once.parts) == 1
    assert len(raw.parts) == 8
    assert joined(raw) == cells(content_of(at_once.path))
    of_slices = [done for done, total in received if total is None]
    assert of_slices == sorted(of_slices)
    assert {*tmp_path.iterdir()} == {at_once.path, *(part.path for part in raw.parts)}
    assert RawJson.from_json(raw.to_json(), tmp_path) == raw
    assert raw.provenance()["slices"] == 8
    with pytest.raises(ValueError, match="too many values"):
        _ = raw.path


def test_slices_of_two_releases_are_never_mixed(strict: Running, tmp_path: Path) -> None:
    with client(strict) as eurostat:
        before = eurostat.probe(CODE)
        raw = eurostat.download(
            CODE,
            tmp_path,
            inspect=inspect,
            slices=True,
            on_progress=at_every_report(lambda: strict.release(CODE), times=2),
        )
        assert raw.release == eurostat.probe(CODE)
        assert raw.release.newer_than(before)
        assert {inspect(Path(str(part.path))).update_data for part in raw.parts} == {
            inspect(Path(str(raw.parts[0].path))).update_data
        }
        assert {*tmp_path.iterdir()} == {part.path for part in raw.parts}


def test_a_dataset_that_is_released_again_and_again_is_given_up_for_now(
    strict: Running, tmp_path: Path
) -> None:
    with (
        client(strict) as eurostat,
        pytest.raises(ReleaseChanged, match=f"{CODE}: Eurostat released it anew"),
    ):
        eurostat.download(
            CODE,
            tmp_path,
            inspect=inspect,
            slices=True,
            on_progress=at_every_report(lambda: strict.release(CODE), times=1000),
        )
    assert not list(tmp_path.iterdir())


def test_slices_that_are_being_prepared_are_all_ordered_at_once(tmp_path: Path) -> None:
    with (
        running(profile="tests", cost={**LIMITS, "sync_below": 1_000}) as sandbox,
        client(sandbox) as eurostat,
    ):
        with pytest.raises(StillPreparing, match=CODE):
            eurostat.download(CODE, tmp_path, inspect=inspect, slices=True)
        assert not list(tmp_path.iterdir())
        raw = eurostat.download(CODE, tmp_path, inspect=inspect, slices=True)
    assert (raw.route, len(raw.parts)) == ("slices", 8)
