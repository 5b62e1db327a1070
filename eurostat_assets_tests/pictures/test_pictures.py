"""What a picture is made of, and that it is one: small, and never misled by what Eurostat writes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eurostat_assets.pictures import Glance, Series, data_uri, draw, glance, sparkline

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def parquet(tmp_path) -> Path:
    """Areas by sex over four periods; the EU's total is missing in one of them."""
    rows = [
        (sex, geo, str(year), None if (geo, year) == ("EU27_2020", 2021) else float(year - 2000 + len(geo)))
        for sex in ("F", "M", "T")
        for geo in ("AT", "DE", "EU27_2020")
        for year in range(2020, 2024)
        if (sex, geo) != ("F", "DE")
    ]
    sex, geo, period, value = zip(*rows, strict=True)
    coded = pa.dictionary(pa.int8(), pa.string())
    table = pa.table(
        {
            "freq": pa.array(["A"] * len(rows)).cast(coded),
            "sex": pa.array(sex).cast(coded),
            "geo": pa.array(geo).cast(coded),
            "time_period": pa.array(period).cast(coded),
            "obs_value": pa.array(value, pa.float64()),
        }
    )
    pq.write_table(table, tmp_path / "observations.parquet", row_group_size=7)
    return tmp_path / "observations.parquet"


def test_a_glance_counts_periods_and_follows_the_total_of_the_widest_area(parquet):
    seen = glance(parquet)
    assert dict(zip(seen.periods, seen.counts, strict=True)) == dict.fromkeys(
        ("2020", "2021", "2022", "2023"), 8
    )
    assert seen.series
    assert seen.series.chosen == {"geo": "EU27_2020", "sex": "T"}
    assert seen.series.periods == ("2020", "2021", "2022", "2023")
    values = seen.series.values
    assert [values[0], *values[2:]] == [29.0, 31.0, 32.0]
    assert values[1] != values[1]  # missing stays missing


def test_a_picture_is_a_small_png(parquet):
    png = draw(glance(parquet))
    assert png.startswith(PNG)
    assert len(data_uri(png)) < 30_000


def test_whatever_the_periods_are_called_they_are_drawn_as_text():
    odd = ("$\\frac{1}", "2020-Q1", "ϡ中", "x" * 500)
    assert draw(Glance(odd, (1, 2, 3, 4), None)).startswith(PNG)
    assert draw(Glance((), (), None)).startswith(PNG)
    many = tuple(f"{year}-W{week:02}" for year in range(2000, 2026) for week in range(1, 53))
    assert len(draw(Glance(many, tuple(range(len(many))), None))) < 22_000


def test_a_strip_is_small_enough_to_be_shown_in_the_page(parquet):
    """Dagster shows Markdown of a thousand characters and more only behind a link."""
    weeks = tuple(f"{year}-W{week:02}" for year in range(2000, 2026) for week in range(1, 53))
    noise = tuple(float(n * 7919 % 1000) for n in range(len(weeks)))
    worst = Glance(weeks, tuple(int(value) for value in noise), Series({}, weeks, noise))
    for seen in (glance(parquet), worst, Glance((), (), None)):
        png = sparkline(seen)
        assert png.startswith(PNG)
        assert len(data_uri(png)) < 900
