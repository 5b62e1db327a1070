"""Wrong data are caught by a check, stay unpublished, and reach a person once, by webhook and mail; so does the end."""

import random
from collections.abc import Iterator

import psycopg2
import pytest
from pydantic import SecretStr

from eurostat_assets import watching
from eurostat_assets.auditing import audit
from eurostat_assets.resources import Mirror
from eurostat_assets_tests.alarms import receivers
from eurostat_assets_tests.quality.test_mutations import (
    CODE,
    Chain,
    a_cell_dropped,
    chain,
    one_row_duplicated,
    rows_changed,
    source,
    truncated,
    two_codes_swapped,
)

__all__ = ["chain", "source"]

TOLD = ("check_failed", "dataset_failed", "audit_finding")


class People:
    """Those who are told, and a look at the mirror as the sensor `alarms` takes it, of wrong data only."""

    def __init__(self, chain: Chain, hook: receivers.WebhookServer, mail: receivers.MailServer) -> None:
        self.hook, self.mail = hook, mail
        self.mirror = Mirror(
            chain.mirror.settings.model_copy(
                update={
                    "alarm_webhook": SecretStr(hook.url),
                    "smtp_url": SecretStr(mail.url),
                    "alarm_email": ("ada@example.org",),
                }
            )
        )

    def look(self) -> None:
        for _ in range(3):  # however often one looks
            watching.tell(self.mirror, watching.look(self.mirror, None).only(*TOLD))

    def heard(self) -> tuple[list[str], list[str]]:
        heard = list(self.hook.texts), list(self.mail.letters)
        self.hook.bodies.clear()
        self.mail.letters.clear()
        return heard


@pytest.fixture
def people(chain: Chain) -> Iterator[People]:
    with receivers.webhook() as hook, receivers.mail() as mail:
        yield People(chain, hook, mail)


@pytest.mark.parametrize(
    ("mutation", "check"),
    [
        ("raw truncated", "raw_intact"),
        ("a row doubled in the file", "parquet_intact"),
        ("two codes swapped in the file", "parquet_intact"),
        ("a cell missing as sent", "complete"),
    ],
)
def test_data_that_a_check_holds_back_raise_one_alarm_and_an_all_clear(chain, people, mutation, check):
    dice, before = random.Random(7), chain.readers_see()
    with chain.put_back():
        if mutation == "raw truncated":
            truncated(next(file for file in chain.raw.iterdir() if file.name != "current.json"), dice)
        elif mutation == "a cell missing as sent":
            chain.deliver(a_cell_dropped(chain.body(), dice))
        else:
            change = one_row_duplicated if "doubled" in mutation else two_codes_swapped
            rows_changed(change)(chain.parquet, dice)
        steps = ("published_table",) if check == "parquet_intact" else ("observations", "published_table")
        chain.run(*steps)
        people.look()
    texts, letters = people.heard()
    assert len(texts) == len(letters) == 1
    for told in (*texts, *letters):
        assert CODE in told
        assert check in told
    assert chain.readers_see() == before
    assert chain.run("observations", "published_table") == (None, set())
    people.look()
    texts, letters = people.heard()
    assert len(texts) == len(letters) == 1
    assert "ALL CLEAR" in texts[0]


def test_a_table_edited_by_hand_raises_one_alarm(chain, people):
    with psycopg2.connect(chain.database) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE eurostat.{CODE.lower()} SET obs_value = obs_value + 1 WHERE time_period = '2015' AND geo ="  # noqa: S608
            f" (SELECT min(geo) FROM eurostat.{CODE.lower()} WHERE time_period = '2015')"
        )
        assert cursor.rowcount
    connection.close()
    audit(people.mirror)
    people.look()
    texts, letters = people.heard()
    assert len(texts) == len(letters) == 1
    assert CODE in texts[0]
    assert "audit_finding" in texts[0]
