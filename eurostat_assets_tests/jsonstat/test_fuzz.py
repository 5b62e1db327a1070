"""A short, repeatable part of `python -m benchmarks.fuzz`."""

from __future__ import annotations

import pytest

from benchmarks import fuzz


@pytest.mark.parametrize("seed", [1, 2])
def test_a_damaged_body_ends_in_its_rows_or_in_a_typed_error(seed: int) -> None:
    tally = fuzz.run(seed, 1500)
    assert tally.failure is None
    assert tally.outcomes.total() == 1500
    assert tally.outcomes["rows"] > 100
    assert len(tally.outcomes) >= 8  # every kind of error occurs


def test_rows_that_are_not_in_the_text_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    [legal] = [
        text
        for text in fuzz.seeds()
        if text.startswith(b'{"version":"2.0"') and b'"label":"Invented"' in text
    ][:1]
    assert fuzz.judge(legal, 64) == "rows"
    monkeypatch.setattr(fuzz, "_plainly", lambda _: [])
    with pytest.raises(fuzz.Wrong, match="not the rows"):
        fuzz.judge(legal, 64)
