"""Children end with their parent, however it ends, and by themselves when an interrupt cannot reach their main thread."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from eurostat_assets_tests.living import lives

PARENT = """
import multiprocessing, os, subprocess, sys, threading, time
from eurostat_assets import child_processes

def busy_in_python():
    child_processes.end_with_parent()
    time.sleep(600)

def busy_in_c():
    child_processes.end_with_parent(kill=True)
    sum(range(10**12))  # lets no other thread work

def a_program():
    child_processes.end_with_parent(int(sys.argv[1]), grace=1)
    time.sleep(600)

def all_kinds():
    for start in ("spawn", "forkserver"):
        for child in (busy_in_python, busy_in_c):
            yield multiprocessing.get_context(start).Process(target=child)

if __name__ == "__main__":
    if len(sys.argv) > 1:
        a_program()
    multiprocessing.set_forkserver_preload(["eurostat_assets.preloaded"])
    for process in all_kinds():
        process.start()
    subprocess.Popen([sys.executable, __file__, str(os.getpid())])
    print("started", flush=True)
    time.sleep(600)
"""
WAIT = 60  # seconds, on a busy machine


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if lives(one)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_of_a_tree_is_left_when_its_root_is_killed(tmp_path, how):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent:
        assert parent.stdout.readline() == "started\n"
        # Five children, the fork server and its tracker, once all have started their own.
        give_up = time.monotonic() + WAIT
        while len(tree := psutil.Process(parent.pid).children(recursive=True)) < 7:
            assert time.monotonic() < give_up, tree
            time.sleep(0.1)
        parent.send_signal(how)
        parent.wait()
        give_up = time.monotonic() + WAIT
        while left := alive(tree):
            assert time.monotonic() < give_up, left
            time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_a_process_whose_main_thread_does_not_answer(how):
    script = (
        "import signal; from eurostat_assets import child_processes\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled', flush=True))\n"
        "signal.signal(signal.SIGINT, lambda *_: print('handled', flush=True))\n"
        "child_processes.end_soon_after_interrupt(0.5)\n"
        "import ctypes; print('started', flush=True)\n"
        "while True: ctypes.CDLL(None).pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(how)
        assert process.wait(WAIT) == 128 + how
