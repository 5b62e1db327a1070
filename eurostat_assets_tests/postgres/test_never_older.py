"""Whatever the order in which two runs of a dataset arrive, readers see the newer release in the end."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eurostat_assets.postgres import publish, publishing, states
from eurostat_assets.postgres.errors import NewerPublished

INTERLEAVINGS = 500
PAUSE = 0.01  # seconds at most, at each of the steps below


def attempt(url: str, path: Path) -> str:
    try:
        publish(url, path)
    except NewerPublished:
        return "refused"
    return "published"


def test_of_two_publishers_the_newer_release_is_there_in_the_end(mirror, release, query, monkeypatch):
    chance = random.Random(10)

    def slow(step: Callable) -> Callable:
        def slowly(*arguments, **named):
            time.sleep(chance.uniform(0, PAUSE))
            return step(*arguments, **named)

        return slowly

    for name in ("read_release_file", "become_only_loader", "_load", "_switch_patiently"):
        monkeypatch.setattr(publishing, name, slow(getattr(publishing, name)))
    older, newer = release(day=1, rows=20), release(day=2, rows=10)
    outcomes: Counter[tuple[str, str]] = Counter()
    with ThreadPoolExecutor(2) as publishers:
        for _ in range(INTERLEAVINGS):
            query(
                "UPDATE eurostat.datasets SET data_updated = NULL, structure_updated = NULL"
            )  # as before both
            both = [older, newer] if chance.random() < 0.5 else [newer, older]
            runs = {path: publishers.submit(attempt, mirror, path) for path in both}
            outcomes[runs[older].result(), runs[newer].result()] += 1
            assert query("SELECT DISTINCT obs_value FROM eurostat.hlth_test WHERE obs_value IS NOT NULL") == [
                (2.0,)
            ]
            state = states(mirror)["HLTH_TEST"]
            assert state.rows == 10
            assert state.error is None
    # Both orders happened, and nothing else.
    assert outcomes.keys() == {("published", "published"), ("refused", "published")}
    assert sum(outcomes.values()) == INTERLEAVINGS
    # What was refused is not even an attempt.
    (attempts,) = query("SELECT count(*) FROM eurostat.releases")[0]
    assert attempts == INTERLEAVINGS + outcomes["published", "published"]


def test_the_same_release_may_be_published_again_and_an_older_structure_may_not(mirror, release, query):
    publish(mirror, release(day=2))
    publish(mirror, release(day=2, rows=900))
    assert states(mirror)["HLTH_TEST"].rows == 900
    query("UPDATE eurostat.datasets SET structure_updated = structure_updated + interval '1 day'")
    with pytest.raises(NewerPublished) as refused:
        publish(mirror, release(day=3))
    assert not refused.value.worth_retrying
    assert "Nothing is left to do" in str(refused.value)
    assert states(mirror)["HLTH_TEST"].rows == 900
