"""Whatever happens to a file between two steps, or was wrong when it came, is caught by the check of the right name.

The last good release stays published, and so does its Parquet file. What happens to a table is found by the audit.
"""

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets import postgres, sandbox
from eurostat_assets.definitions import build
from eurostat_assets.eurostat import RawJson, Release
from eurostat_assets.failures import reason
from eurostat_assets_tests.mirroring import Mirroring, mirroring, table

CODE = "HLTH_RS_BDS"
MUTATIONS = 100


class Chain:
    """A mirror of one dataset whose last good release can be put back, and whose steps run one by one."""

    def __init__(self, mirror: Mirroring) -> None:
        self.mirror = mirror
        self.database = mirror.settings.database_url.get_secret_value()
        self.store = mirror.settings.home / "store"
        self.raw = self.store / "raw" / f"dataset={CODE}"
        self.parquet = self.store / "observations" / f"dataset={CODE}" / "observations.parquet"
        self.quarantine = self.store / "quarantine" / f"dataset={CODE}"
        assert mirror.mirror(CODE) is None
        self._job = build(mirror.settings).resolve_job_def("mirror_dataset")
        self._good = mirror.settings.home / "good"
        shutil.copytree(self.store, self._good)

    def run(self, *assets: str) -> tuple[str | None, set[str]]:
        """Execute some of the assets; returns why that failed, and the checks that held the release back."""
        chosen = {dg.AssetKey(asset) for asset in assets}
        result = self._job.get_subset(asset_selection=chosen, asset_check_selection=set()).execute_in_process(
            instance=self.mirror.instance, partition_key=CODE, raise_on_error=False
        )
        # As the UI finds them: what a step logs before it fails is not among the events of the result.
        kept = self.mirror.instance.all_logs(
            result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        )
        events = [one.dagster_event.asset_check_evaluation_data for one in kept if one.dagster_event]
        held_back = {
            one.check_name for one in events if not one.passed and one.severity is dg.AssetCheckSeverity.ERROR
        }
        assert all(one.metadata["dataset"].value == CODE for one in events)
        return (None if result.success else reason(result.all_events)), held_back

    def readers_see(self) -> tuple[Any, ...]:
        state = postgres.states(self.database)[CODE]
        return state.release, state.published_at, sorted(table(self.database, CODE), key=str)

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Afterwards, the store is as it was."""
        try:
            yield
        finally:
            shutil.rmtree(self.store)
            shutil.copytree(self._good, self.store)

    def body(self) -> dict[str, Any]:
        """The raw body in the store."""
        raw = RawJson.from_json((self.raw / "current.json").read_text(), self.raw)
        packing = {".gz": "gzip", ".zst": "zstd"}.get(raw.path.suffix)
        with pa.input_stream(str(raw.path), compression=packing) as file:
            return json.loads(file.read())

    def deliver(self, text: str) -> None:
        """Let `text` be what Eurostat sent as its next release."""
        raw = RawJson.from_json((self.raw / "current.json").read_text(), self.raw)
        content, place = text.encode(), self.raw / "delivered.json"
        place.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        part = replace(
            raw.parts[0], path=place, sha256=digest, bytes=len(content), content_bytes=len(content)
        )
        later = Release(raw.release.data + timedelta(days=400), raw.release.structure)
        (self.raw / "current.json").write_text(replace(raw, parts=(part,), release=later).to_json())


@pytest.fixture(scope="module")
def source() -> Iterator[sandbox.Running]:
    with sandbox.running(profile="tests") as running:
        yield running


@pytest.fixture
def chain(tmp_path: Path, source: sandbox.Running, database: str) -> Iterator[Chain]:
    with mirroring(tmp_path, source.api_url, database) as mirror:
        yield Chain(mirror)


def bit_flipped(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def truncated(file: Path, dice: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: dice.randrange(file.stat().st_size)])


def rows_changed(change: Callable[[pa.Table, int], pa.Table]) -> Callable[[Path, random.Random], None]:
    """The Parquet file written again, with one row changed."""

    def mutation(file: Path, dice: random.Random) -> None:
        rows = pq.read_table(file)
        pq.write_table(change(rows, dice.randrange(rows.num_rows - 1)), file)

    mutation.__name__ = change.__name__
    return mutation


def one_cell_changed(rows: pa.Table, n: int) -> pa.Table:
    values = rows["obs_value"].to_numpy().copy()
    values[n] = 1.5 if np.isnan(values[n]) else values[n] + 1
    place = rows.schema.get_field_index("obs_value")
    return rows.set_column(place, rows.schema.field(place), pa.array(values, from_pandas=True))


def one_row_dropped(rows: pa.Table, n: int) -> pa.Table:
    return pa.concat_tables([rows[:n], rows[n + 1 :]])


def one_row_duplicated(rows: pa.Table, n: int) -> pa.Table:
    return pa.concat_tables([rows[: n + 1], rows[n:]])


def two_codes_swapped(rows: pa.Table, n: int) -> pa.Table:
    order = list(range(rows.num_rows))
    order[n], order[n + 1] = order[n + 1], order[n]
    place = rows.schema.get_field_index("obs_value")
    return rows.take(order).set_column(place, rows.schema.field(place), rows["obs_value"])


AT_REST = [truncated, bit_flipped]
OF_ROWS = [
    rows_changed(one) for one in (one_cell_changed, one_row_dropped, one_row_duplicated, two_codes_swapped)
]


def a_cell_dropped(body: dict[str, Any], dice: random.Random) -> str:
    position = dice.choice(list(body["value"]))
    del body["value"][position]
    body["status"].pop(position, None)
    return json.dumps(body)


def a_cell_twice(body: dict[str, Any], dice: random.Random) -> str:
    position, value = dice.choice(list(body["value"].items()))
    return json.dumps(body).replace('"value": {', f'"value": {{"{position}": {value}, ', 1)


def a_cell_outside(body: dict[str, Any], dice: random.Random) -> str:
    body["value"][str(10**9 + dice.randrange(10**6))] = 1
    return json.dumps(body)


def a_cell_of_text(body: dict[str, Any], dice: random.Random) -> str:
    body["value"][dice.choice(list(body["value"]))] = "x"
    return json.dumps(body)


def another_count(body: dict[str, Any], dice: random.Random) -> str:
    for one in body["extension"]["annotation"]:
        if one["type"] == "OBS_COUNT":
            one["title"] = str(int(one["title"]) + dice.choice([-1, 1]) * dice.randrange(1, 100))
    return json.dumps(body)


def another_span(body: dict[str, Any], dice: random.Random) -> str:
    for one in body["extension"]["annotation"]:
        if one["type"] == "OBS_PERIOD_OVERALL_LATEST":
            one["title"] = str(dice.randrange(1990, 2010))
    return json.dumps(body)


def most_rows_gone(body: dict[str, Any], dice: random.Random) -> str:
    """And announced like that, as when half of the countries had been forgotten."""
    cells = {**body["value"], **body["status"]}
    kept = set(dice.sample(list(cells), len(cells) // 4))
    for member in ("value", "status"):
        body[member] = {position: one for position, one in body[member].items() if position in kept}
    for one in body["extension"]["annotation"]:
        if one["type"] == "OBS_COUNT":
            one["title"] = str(len(kept))
    return json.dumps(body)


def values_gone(body: dict[str, Any], dice: random.Random) -> str:
    """Most cells confidential all of a sudden."""
    for position in dice.sample(list(body["value"]), len(body["value"]) * 4 // 5):
        del body["value"][position]
        body["status"][position] = "|C"
    return json.dumps(body)


AS_SENT = {
    a_cell_dropped: "complete",
    a_cell_twice: "readable",
    a_cell_outside: "readable",
    a_cell_of_text: "readable",
    another_count: "complete",
    another_span: "span_as_announced",
    most_rows_gone: "row_count_plausible",
    values_gone: "missing_share_plausible",
}


def test_a_hundred_mutations_and_none_gets_through(chain):
    before, parquet = chain.readers_see(), chain.parquet.read_bytes()
    dice = random.Random(20260406)
    caught: dict[str, int] = {}
    for number in range(MUTATIONS):
        kind = ("raw", "parquet", "sent")[number % 3]
        with chain.put_back():
            if kind == "raw":
                mutation, expected = dice.choice(AT_REST), "raw_intact"
                mutation(next(file for file in chain.raw.iterdir() if file.name != "current.json"), dice)
                problem, held_back = chain.run("observations", "published_table")
            elif kind == "parquet":
                mutation, expected = dice.choice([*AT_REST, *OF_ROWS]), "parquet_intact"
                mutation(chain.parquet, dice)
                problem, held_back = chain.run("published_table")
            else:
                mutation = dice.choice(list(AS_SENT))
                expected = AS_SENT[mutation]
                chain.deliver(mutation(chain.body(), dice))
                problem, held_back = chain.run("observations", "published_table")
            told = f"mutation {number}, {kind} {mutation.__name__}: {problem}, {held_back}"
            assert expected in held_back, told
            assert problem, told
            assert problem.startswith(CODE), told
            assert expected in problem, told
            if kind != "parquet":
                assert chain.parquet.read_bytes() == parquet, told
            if expected == "readable":
                story = json.loads((chain.quarantine / "refused.json").read_text())
                assert (story["dataset"], story["times"]) == (CODE, 1)
                assert (chain.quarantine / story["files"][0]).exists()
            caught[expected] = caught.get(expected, 0) + 1
        if number % 10 == 9:
            assert chain.readers_see() == before
    assert chain.readers_see() == before
    assert sum(caught.values()) == MUTATIONS
    assert caught.keys() == {"raw_intact", "parquet_intact", *AS_SENT.values()}
    assert chain.run("observations", "published_table") == (None, set())
    assert not chain.quarantine.exists()


def test_a_person_can_accept_one_release_with_a_reason_that_is_kept(chain):
    dice = random.Random(1)
    with pytest.raises(postgres.NothingHeldBack, match=CODE):
        postgres.accept(chain.database, CODE, "why not", "tester")
    chain.deliver(most_rows_gone(chain.body(), dice))
    _, held_back = chain.run("observations", "published_table")
    assert held_back == {"row_count_plausible"}
    accepted = postgres.accept(chain.database, CODE, "the survey became smaller", "tester")
    assert accepted.checks == ("row_count_plausible",)
    assert chain.run("observations", "published_table") == (None, set())
    shown = {one.check: one for one in postgres.latest_checks(chain.database, CODE)}["row_count_plausible"]
    assert (shown.passed, shown.severity) == (False, "warn")
    assert shown.accepted == "the survey became smaller (tester)"
    assert "accepted: the survey became smaller" in shown.sentence
    assert postgres.states(chain.database)[CODE].rows == len(table(chain.database, CODE))
    # The next release is checked as ever.
    chain.deliver(a_cell_of_text(chain.body(), dice))
    assert chain.run("observations")[1] == {"readable"}
    with pytest.raises(postgres.NothingHeldBack, match="nobody can accept"):
        postgres.accept(chain.database, CODE, "why not", "tester", never=("readable",))


def test_a_relaxed_check_publishes_with_a_warning(chain):
    settings = chain.mirror.settings.model_copy(update={"checks_relaxed": (f"{CODE}:row_count_plausible",)})
    relaxed = Chain.__new__(Chain)
    relaxed.__dict__ |= chain.__dict__ | {"_job": build(settings).resolve_job_def("mirror_dataset")}
    chain.deliver(most_rows_gone(chain.body(), random.Random(2)))
    assert relaxed.run("observations", "published_table") == (None, set())
    shown = {one.check: one for one in postgres.latest_checks(chain.database, CODE)}["row_count_plausible"]
    assert (shown.passed, shown.severity, shown.accepted) == (False, "warn", None)


def test_executed_by_hand_the_checks_answer_for_the_whole_mirror(chain):
    chain.deliver(a_cell_dropped(chain.body(), random.Random(3)))
    chain.run("observations")
    checks = build(chain.mirror.settings).resolve_implicit_global_asset_job_def()
    key = dg.AssetCheckKey(dg.AssetKey("observations"), "complete")
    result = checks.get_subset(asset_selection=set(), asset_check_selection={key}).execute_in_process(
        instance=chain.mirror.instance
    )
    [evaluation] = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert CODE in str(evaluation.metadata["of these"].value)
    # The results of the datasets stay as they were: this one is of no partition.
    assert evaluation.partition is None
