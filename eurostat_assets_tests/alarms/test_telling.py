"""Every channel hears of an incident once, and once of its end, over restarts and failures; and never a secret."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_string, policy
from pathlib import Path

import psycopg2
import pytest

from eurostat_assets import postgres
from eurostat_assets.alarms import (
    ChannelFailed,
    Condition,
    Email,
    FileMemory,
    MalformedAddress,
    Memory,
    Message,
    Webhook,
    tell,
)
from eurostat_assets.alarms.payloads import payload
from eurostat_assets_tests.alarms import receivers

LEAK = "postgresql://me:hunter2@db/x failed with token=abc123, see http://user:pa55@proxy"
FAILED = Condition("dataset_failed", "HLTH_A", f"HLTH_A failed: {LEAK}")
DEAD = Condition("daemon_dead", "daemon", "the daemon does not run")
GONE = Condition("dataset_withdrawn", "HLTH_B", "HLTH_B is gone", "notice")
KINDS = {"dataset_failed", "daemon_dead", "dataset_withdrawn"}
SECRETS = ("hunter2", "abc123", "pa55", "s3cr3t-path")


class People:
    """Both servers, and telling them through a memory that is opened anew each time, as after a restart."""

    def __init__(self, hook: receivers.WebhookServer, mail: receivers.MailServer, memory) -> None:
        self.hook, self.mail, self._memory = hook, mail, memory

    def see(self, *conditions: Condition, looked_at=KINDS) -> list[str]:
        channels = [Webhook(self.hook.url), Email(self.mail.url, ("ada@example.org", "bob@example.org"))]
        with self._memory() as memory:
            memory.reconcile(conditions, looked_at)
            return tell(memory, channels, "HLTH")


@pytest.fixture(params=["database", "file"])
def people(request, tmp_path: Path) -> Iterator[People]:
    with ExitStack() as stack:
        hook, mail = stack.enter_context(receivers.webhook()), stack.enter_context(receivers.mail())
        if request.param == "database":
            url = request.getfixturevalue("database")
            postgres.migrate(url)
            yield People(hook, mail, lambda: postgres.telling(url))
        else:
            yield People(hook, mail, lambda: _file(tmp_path / "alarms.json"))


@contextmanager
def _file(path: Path) -> Iterator[Memory]:
    yield FileMemory(path)


def test_an_incident_is_told_once_and_so_is_its_end(people):
    for _ in range(3):
        people.see(FAILED)
    assert len(people.hook.texts) == len(people.mail.letters) == 1
    assert "ALARM dataset_failed" in people.hook.texts[0]
    for _ in range(3):
        people.see()
    assert len(people.hook.texts) == len(people.mail.letters) == 2
    assert "ALL CLEAR dataset_failed HLTH_A" in people.hook.texts[1]
    people.see(FAILED)  # once more is another incident
    assert len(people.hook.texts) == 3


def test_what_begins_together_comes_in_one_message(people):
    people.see(FAILED, DEAD)
    assert len(people.hook.texts) == 1
    assert "2 problems" in people.hook.texts[0]
    assert "daemon_dead" in people.mail.letters[0]


def test_what_nobody_could_look_at_is_not_over(people):
    people.see(DEAD)
    people.see(looked_at={"dataset_failed"})
    assert len(people.hook.texts) == 1


def test_news_have_no_all_clear(people):
    people.see(GONE)
    people.see()
    (told,) = people.hook.texts
    assert "NOTICE dataset_withdrawn" in told


def test_a_channel_that_fails_holds_up_no_other_and_hears_later(people):
    people.hook.status = 500
    told = people.see(FAILED)
    assert any("webhook failed: it answered 500" in sentence for sentence in told)
    assert len(people.mail.letters) == 1
    people.hook.status = 200
    people.see(FAILED)
    assert (len(people.hook.texts), len(people.mail.letters)) == (1, 1)


def test_what_is_over_before_it_could_be_told_stays_untold(people):
    people.hook.status = 500
    people.see(FAILED)
    people.hook.status = 200
    people.see()
    assert people.hook.texts == []
    assert len(people.mail.letters) == 2


def test_no_secret_is_in_anything_told(people):
    people.hook.status = 500
    told = people.see(FAILED)
    people.hook.status = 200
    people.see(FAILED)
    everything = "\n".join([*told, *people.hook.texts, *people.mail.letters])
    assert not [secret for secret in SECRETS if secret in everything]
    assert people.mail.logins


def test_two_who_tell_at_the_same_time_do_not_tell_twice(database):
    postgres.migrate(database)
    with postgres.telling(database) as first, postgres.telling(database) as second:
        assert first is not None
        assert second is None
    with postgres.telling(database) as again:
        assert again is not None


def test_whether_a_channel_works_is_in_the_books(database):
    postgres.migrate(database)
    with receivers.webhook() as hook, postgres.telling(database) as memory:
        assert memory is not None
        hook.status = 404
        memory.reconcile([DEAD], KINDS)
        tell(memory, [Webhook(hook.url)], "HLTH")
        (state,) = postgres.alarm_channels(database)
        assert (state.failures, "404" in (state.error or "")) == (1, True)
        assert "s3cr3t" not in (state.error or "")
        hook.status = 200
        tell(memory, [Webhook(hook.url)], "HLTH")
    (state,) = postgres.alarm_channels(database)
    assert (state.failures, state.error) == (0, None)
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM eurostat.incidents_told")
        assert cursor.fetchone() == (1,)
    connection.close()


def test_a_teams_workflow_gets_a_card():
    url = "https://prod-1.westeurope.logic.azure.com/workflows/x"
    (attachment,) = payload(url, Message("Title", ("one", "two")))["attachments"]
    texts = [run["text"] for block in attachment["content"]["body"] for run in block["inlines"]]
    assert texts == ["Title", "one", "two"]


def test_a_server_that_is_not_there_is_told_without_its_address():
    with receivers.webhook() as hook:
        url = hook.url
    with pytest.raises(ChannelFailed) as failure:
        Webhook(url).send(Message("Title", ()))
    assert "s3cr3t" not in str(failure.value)
    with pytest.raises(ChannelFailed) as failure:
        Email(f"smtp://robot:hunter2@{url.split('/')[2]}", ("ada@example.org",)).send(Message("Title", ()))
    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize("url", ["", "localhost:25", "http://mail", "smtp://"])
def test_an_address_that_makes_no_sense_is_refused_unspoken(url):
    with pytest.raises(MalformedAddress):
        Email(url, ("ada@example.org",))


def test_a_line_break_in_a_subject_makes_no_header():
    with receivers.mail() as server:
        Email(server.url, ("ada@example.org",)).send(Message("a\r\nBcc: eve@example.org", ()))
        letter = message_from_string(server.letters[0], policy=policy.default)
    assert letter["Subject"] == "a Bcc: eve@example.org"
    assert letter["Bcc"] is None
