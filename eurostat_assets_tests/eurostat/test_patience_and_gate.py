"""Waiting: for answers that are being prepared, and for others on the same machine."""

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from eurostat_assets.eurostat import Eurostat
from eurostat_assets.eurostat.errors import StillPreparing
from eurostat_assets.eurostat.gate import Gate
from eurostat_assets_tests.eurostat.bodies import body_of, inspect
from eurostat_assets_tests.eurostat.conftest import Exchange, Publisher
from eurostat_assets_tests.eurostat.test_download import ASYNC, complete, envelope

PREPARING = complete(envelope(ASYNC), 413, Retry_After="1")


def test_an_answer_that_is_being_prepared_is_waited_for_within_the_patience_given(
    eurostat: Eurostat, publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [
        PREPARING,
        complete(envelope(ASYNC, key="warning", single=True), Retry_After="1"),
        complete(),
    ]
    began = time.monotonic()
    assert eurostat.download("HLTH_A", tmp_path, inspect=inspect, patience=60).dataset == "HLTH_A"
    assert 1.5 <= time.monotonic() - began < 30
    assert len(publisher.asked) == 3


def test_patience_has_an_end(eurostat: Eurostat, publisher: Publisher, tmp_path: Path) -> None:
    publisher.replies = [complete(envelope(ASYNC), 413)]
    began = time.monotonic()
    with pytest.raises(StillPreparing):
        eurostat.download("HLTH_A", tmp_path, inspect=inspect, patience=1.2)
    assert 1.2 <= time.monotonic() - began < 30
    assert not list(tmp_path.iterdir())


def test_the_gate_bounds_parallel_downloads_and_is_open_while_an_answer_is_prepared(
    publisher: Publisher, tmp_path: Path
) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def slow(exchange: Exchange) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.2)
        with lock:
            running[0] -= 1
        exchange.answer(body_of())

    publisher.replies = [slow]
    gate = Gate(tmp_path / "gate", parallel=2)

    def download(number: int) -> None:
        with Eurostat(publisher.url, gate=gate) as eurostat:
            eurostat.download("HLTH_A", tmp_path / str(number), inspect=inspect)

    threads = [threading.Thread(target=download, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [2]
    assert len(publisher.asked) == 6

    publisher.replies = [complete(envelope(ASYNC), 413, Retry_After="3"), complete()]
    alone = Gate(tmp_path / "gate", parallel=1)
    waiting = threading.Thread(
        target=lambda: Eurostat(publisher.url, gate=alone).download(
            "HLTH_A", tmp_path / "waiting", inspect=inspect, patience=60
        )
    )
    waiting.start()
    while len(publisher.asked) < 7:
        time.sleep(0.01)
    with Eurostat(publisher.url, gate=alone) as eurostat:
        eurostat.download("HLTH_A", tmp_path, inspect=inspect)
    assert waiting.is_alive()
    waiting.join()


def test_a_dead_process_gives_its_slot_back_and_small_requests_need_none(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.replies = [complete()]
    holder = textwrap.dedent(
        """
        import sys, pathlib
        from eurostat_assets.eurostat.gate import Gate
        with Gate(pathlib.Path(sys.argv[1]), parallel=1).passage("127.0.0.1", bulk=True):
            print("in", flush=True)
            sys.stdin.read()
        """
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", holder, str(tmp_path / "gate")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
        Eurostat(publisher.url, gate=Gate(tmp_path / "gate", parallel=1)) as eurostat,
    ):
        assert process.stdout
        assert process.stdout.readline() == b"in\n"
        eurostat.probe("HLTH_A")
        began = time.monotonic()
        threading.Timer(0.5, process.kill).start()
        eurostat.download("HLTH_A", tmp_path, inspect=inspect)
        assert time.monotonic() - began >= 0.4


def test_requests_of_all_processes_start_at_the_common_pace(publisher: Publisher, tmp_path: Path) -> None:
    publisher.replies = [complete()]
    asker = textwrap.dedent(
        """
        import sys, pathlib
        from eurostat_assets.eurostat import Eurostat
        from eurostat_assets.eurostat.gate import Gate
        with Eurostat(sys.argv[1], gate=Gate(pathlib.Path(sys.argv[2]), pace=0.2)) as eurostat:
            for _ in range(4):
                eurostat.probe("HLTH_A")
        """
    )
    (tmp_path / "127.0.0.1").mkdir()
    # What a machine that has been up for longer left there before it was started anew.
    (tmp_path / "127.0.0.1" / "turn").write_text("1e12")
    processes = [
        subprocess.Popen([sys.executable, "-c", asker, publisher.url, str(tmp_path)]) for _ in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(publisher.times) == 8
    # Seven pauses, where each process by itself would make three; a busy machine may notice the first request late.
    assert publisher.times[-1] - publisher.times[0] >= 7 * 0.2 - 0.2
