"""What publishers really send, through the whole chain: HTTP, raw store, reader, checks, Parquet, PostgreSQL."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets import postgres, resources, sandbox
from eurostat_assets.model.characters import clean
from eurostat_assets.sensors.endings import record_failed_run
from eurostat_assets.sweeping import sweep
from eurostat_assets_tests.mirroring import Mirroring, mirroring, table

GEO = {"PT": "Portugal", "FI": "Finland"}
YEARS = {"2018": "2018", "2019": "2019"}
SPANS = ("2008-2010", "2011-2013")
FORMS = {
    "2015M9": (date(2015, 9, 1), date(2015, 9, 30)),
    "2016-D366": (date(2016, 12, 31), date(2016, 12, 31)),
    "2018-T2": (date(2018, 5, 1), date(2018, 8, 31)),
    "2013-03-01/P3M": (date(2013, 3, 1), date(2013, 5, 31)),
    "2021-06-30T12:30:00": (date(2021, 6, 30), date(2021, 6, 30)),
}
OTHER_CODES = ("DS-018995", "3DH_BEDS", "HLTH_" + "LONG_" * 10 + "NAME")
BAD_CODE = "F\0I"


def body(
    code: str,
    dimensions: dict[str, dict[str, str]] | None = None,
    *,
    updated: str = "2026-02-11T11:00:00+0100",
    dated: bool = True,
    **members: Any,
) -> dict[str, Any]:
    """An invented dataset with a value in every cell; `dimensions` are {name: {code: label}}."""
    described = {"freq": {"A": "Annual"}, **(dimensions or {"geo": GEO, "time": YEARS})}
    size = 1
    for codes in described.values():
        size *= len(codes)
    kinds = ("UPDATE_DATA", "UPDATE_STRUCTURE") if dated else ()
    return {
        "version": "2.0", "class": "dataset", "label": f"Invented {code}", "source": "ESTAT", "updated": updated,
        "value": {str(cell): cell + 0.25 for cell in range(size)},
        "id": list(described), "size": [len(codes) for codes in described.values()],
        "dimension": {
            name: {
                "label": f"The {name}",
                "category": {"index": {one: place for place, one in enumerate(codes)}, "label": codes},
            }
            for name, codes in described.items()
        },
        "extension": {"lang": "EN", "id": code, "annotation": [{"type": kind, "date": updated} for kind in kinds]},
        **members,
    }  # fmt: skip


BODIES = [
    body(
        "HLTH_CTRL",
        {"geo": {"PT": "Port\0ugal", "FI": "Fin\x1b[31mland"}, "time": YEARS},
        label="Beds\0 and\r\nnurses\x07\u202e",
        status={"0": "p"},
        extension={"lang": "EN", "id": "HLTH_CTRL", "status": {"label": {"p": "provi\0sional"}}},
    ),
    body("HLTH_UNDATED", dated=False),
    body("HLTH_SPANS", {"geo": GEO, "time": dict(zip(SPANS, SPANS, strict=True))}),
    body("HLTH_FORMS", {"time": {form: form for form in FORMS}}),
    *(body(code) for code in OTHER_CODES),
    *(body(code) for code in ("HLTH_BAD_CODE", "HLTH_BAD_NAME")),
]
LATER = "2026-03-11T11:00:00+0100"
REFUSED = [
    body("HLTH_BAD_CODE", {"geo": {"PT": "Portugal", BAD_CODE: "Finland"}, "time": YEARS}, updated=LATER),
    body("HLTH_BAD_NAME", {"cmax": {"x": "x", "y": "y"}, "time": YEARS}, updated=LATER),
]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sent")


@pytest.fixture(scope="module")
def source(sent: Path) -> Iterator[sandbox.Running]:
    with serving(sent, BODIES) as running:
        yield running


def serving(folder: Path, bodies: list[dict[str, Any]], same_as: Path | None = None) -> Any:
    """Serve these bodies; as the same source that serves the folder `same_as`, where one is given."""
    for one in bodies:
        (folder / f"{one['extension']['id']}.json").write_text(json.dumps(one))
    if same_as:
        shutil.copytree(_state_of(same_as), _state_of(folder))
    return sandbox.running(folder=_state_of(folder), recorded=folder)


def _state_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-state")


@pytest.fixture
def mirror(tmp_path: Path, source: sandbox.Running, database: str) -> Iterator[Mirroring]:
    with mirroring(tmp_path, source.api_url, database) as one:
        yield one


def ask(database: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        found = cursor.fetchall()
    connection.close()
    return found


def comments(database: str, dataset: str) -> list[str]:
    """Of the dataset's relation and its columns."""
    query = "SELECT description FROM pg_description WHERE objoid = %s::regclass ORDER BY objsubid"
    return [text for (text,) in ask(database, query, f'eurostat."{dataset.lower()}"')]


def days(database: str, dataset: str) -> dict[str, tuple[date | None, date | None]]:
    """The first and the last day of every period of the published table."""
    query = f"SELECT DISTINCT time_period, period_start, period_end FROM eurostat.{dataset.lower()}"  # noqa: S608
    found = ask(database, query)
    return {period: (start, end) for period, start, end in found}


def verdicts(database: str, dataset: str) -> dict[str, tuple[bool, str]]:
    """What each check said last: whether it passed, and what it does where it does not."""
    query = "SELECT check_name, passed, severity FROM eurostat.checks WHERE dataset = %s"
    return {check: (passed, severity) for check, passed, severity in ask(database, query, dataset)}


def test_titles_and_labels_are_published_without_control_characters(
    mirror: Mirroring, tmp_path: Path, database: str
) -> None:
    sweep(resources.client(mirror.settings), resources.Mirror(mirror.settings))
    assert mirror.mirror("HLTH_CTRL") is None
    assert len(table(database, "HLTH_CTRL")) == 4
    said = comments(database, "HLTH_CTRL")
    assert said[0].startswith("Beds and nurses")
    assert all(clean(line) == line for text in said for line in text.splitlines())
    assert clean(title := str(postgres.states(database)["HLTH_CTRL"].title)) == title
    assert any("p: provisional" in text for text in said)
    [parquet] = (tmp_path / "store" / "observations" / "dataset=HLTH_CTRL").glob("*.parquet")
    labels = json.loads((pq.read_schema(parquet).field("geo").metadata or {})[b"labels"])
    assert labels == {"PT": "Portugal", "FI": "Fin[31mland"}


def test_a_body_without_annotations_is_dated_by_updated_from_probe_to_table(
    mirror: Mirroring, source: sandbox.Running, database: str
) -> None:
    code = "HLTH_UNDATED"

    def swept() -> postgres.DatasetState:
        sweep(resources.client(mirror.settings), resources.Mirror(mirror.settings))
        return postgres.states(database)[code]

    swept()
    assert mirror.mirror(code) is None
    first = swept()
    assert (first.state, first.rows) == ("current", 4)
    assert str(first.release).startswith("2026-02-11T10:00:00Z")
    before = source.tally()["bodies"]
    assert mirror.mirror(code) is None
    unchanged = postgres.states(database)[code]
    assert source.tally()["bodies"] == before
    assert unchanged.published_at == first.published_at
    assert unchanged.checked_at != first.checked_at
    source.release(code)
    assert swept().state == "stale"
    assert mirror.mirror(code) is None
    second = swept()
    assert second.state == "current"
    assert str(second.release) > str(first.release)


def test_a_dataset_of_ranges_only_is_published_with_a_warning(mirror: Mirroring, database: str) -> None:
    assert mirror.mirror("HLTH_SPANS") is None
    assert days(database, "HLTH_SPANS") == {
        SPANS[0]: (date(2008, 1, 1), date(2010, 12, 31)),
        SPANS[1]: (date(2011, 1, 1), date(2013, 12, 31)),
    }
    said = verdicts(database, "HLTH_SPANS")
    assert said.pop("periods_parse") == (False, "warn")
    assert all(passed for passed, _ in said.values())
    assert postgres.states(database)["HLTH_SPANS"].state == "current"


def test_every_form_of_period_in_sdmx_has_its_days_in_the_table(mirror: Mirroring, database: str) -> None:
    assert mirror.mirror("HLTH_FORMS") is None
    assert days(database, "HLTH_FORMS") == FORMS
    assert verdicts(database, "HLTH_FORMS")["periods_parse"][0]


@pytest.mark.parametrize("code", OTHER_CODES)
def test_a_code_that_may_be_a_partition_can_be_a_table(mirror: Mirroring, database: str, code: str) -> None:
    assert mirror.mirror(code) is None
    assert len(table(database, code)) == 4
    assert mirror.mirror(code) is None
    assert postgres.states(database)[code].state == "current"


@pytest.mark.parametrize(
    ("code", "member", "position", "words"),
    [
        ("HLTH_BAD_CODE", "dimension.geo", 1, r"'F\x00I' has the character U+0000"),
        ("HLTH_BAD_NAME", "id", 1, "'cmax' would be called cmax, which is a system column of PostgreSQL"),
    ],
)
def test_what_the_reader_refuses_of_the_description_is_final_and_kept_in_quarantine(
    mirror: Mirroring,
    sent: Path,
    tmp_path: Path,
    database: str,
    code: str,
    member: str,
    position: int,
    words: str,
) -> None:
    assert mirror.mirror(code) is None
    good, release = table(database, code), postgres.states(database)[code].release
    quarantine = tmp_path / "store" / "quarantine" / f"dataset={code}"
    bad = tmp_path / "bad"
    bad.mkdir()
    with serving(bad, REFUSED, same_as=sent) as spoiled:
        persistent = mirror.settings.model_copy(update={"api_url": spoiled.api_url, "attempts": 3})
        refused = replace(mirror, settings=persistent)
        for times in (1, 2):
            run = refused.execute("mirror_dataset", code)
            assert not run.success
            record_failed_run(resources.Mirror(persistent), code, run.all_events)
            assert spoiled.tally()["bodies"][code] == times  # not asked for again within the run
            told = json.loads((quarantine / "refused.json").read_text())
            assert (told["member"], told["position"], told["times"]) == (member, position, times)
            assert table(database, code) == good
    state = postgres.states(database)[code]
    assert (state.state, state.release, state.failures) == ("failed", release, 2)
    for place in (f"dataset {code}", f"member '{member}'", f"position {position}", words):
        assert place in str(state.error)
    assert verdicts(database, code)["readable"] == (False, "block")
    [(attempts, ahead)] = ask(
        database,
        "SELECT count(*), (SELECT extract(epoch FROM next_attempt_at - failed_at) FROM eurostat.datasets"
        " WHERE dataset = %s) FROM eurostat.releases WHERE dataset = %s AND failed_in = 'check'",
        code,
        code,
    )
    assert attempts == 2
    assert ahead == pytest.approx(
        2 * 6 * mirror.settings.retry_after, rel=0.5
    )  # of what another try hardly helps
    [kept] = [one for one in quarantine.iterdir() if one.name != "refused.json"]
    assert told["files"] == [kept.name]
    with pa.input_stream(str(kept), compression="detect") as stream:
        assert stream.read() == (bad / f"{code}.json").read_bytes()


OUTCOMES = {
    "DS-056120": None,
    "HLTH_NOANN": None,
    "HLTH_NUL_TITLE": None,
    "HLTH_T_SPANS": None,
    "HLTH_NUL_CODE": "member 'dimension.geo', position 0",
    "HLTH_SYSCOL": "member 'id', position 1",
    "HLTH_T_ODD": "2020-13, 2023-H1",  # two of sixteen are no periods: more than may pass without a person
}


def test_the_small_failing_inputs_beside_the_checkout(shared: Path, tmp_path: Path, database: str) -> None:
    if not (shared / "cases").exists():
        pytest.skip("the folder of small failing inputs is not there")
    with (
        sandbox.running(recorded=shared / "cases") as source,
        mirroring(tmp_path, source.api_url, database) as mirror,
    ):
        for code, words in OUTCOMES.items():
            problem = mirror.mirror(code)
            if words is None:
                assert problem is None
                assert table(database, code)
            else:
                assert words in str(problem)
                assert (tmp_path / "store" / "quarantine" / f"dataset={code}").exists()
        assert comments(database, "HLTH_NUL_TITLE")[0].startswith("Inventedtitle")
        assert verdicts(database, "HLTH_T_SPANS")["periods_parse"] == (False, "warn")
        assert str(postgres.states(database)["HLTH_NOANN"].release).startswith("2026-03-05T10:00:00Z")
        postgres.accept(database, "HLTH_T_ODD", "it is how they write it", "a person")
        assert mirror.mirror("HLTH_T_ODD") is None
        odd = days(database, "HLTH_T_ODD")
        assert len(odd) == 16
        assert {one for one, (start, _) in odd.items() if start is None} == {"2023-H1", "2020-13"}
