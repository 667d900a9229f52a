import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from m5kit.data.processes import Processes, handlers_held
from m5kit.errors import DataError

SCRIPT = """
import os, signal, sys, time
from m5kit.cli.main import _ending_in_order, _Terminated
from m5kit.data.processes import Processes

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started the tests behind itself
    try:
        with _ending_in_order(), Processes(2) as pool:
            waiting = [pool.submit(time.sleep, 0.2) for _ in range(1000)]
            print("started", flush=True)
            waiting[-1].result()
    except (_Terminated, KeyboardInterrupt):
        print("ended in order")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("whole_group", [True, False])
def test_a_signal_ends_the_work_and_nothing_is_printed_of_it(tmp_path, number, whole_group):
    (tmp_path / "script.py").write_text(SCRIPT)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    started = subprocess.Popen([sys.executable, str(tmp_path / "script.py")], **options)
    assert started.stdout.readline() == "started\n"
    time.sleep(0.3)  # while the processes start, or have begun
    (os.killpg if whole_group else os.kill)(started.pid, number)
    output, _ = started.communicate(timeout=90)  # all of the work takes longer
    assert (started.returncode, output) == (0, "ended in order\n")


def test_a_process_that_is_killed_is_told():
    with (
        pytest.raises(DataError, match="ended from outside, as the system does when memory is used up"),
        Processes(1) as pool,
    ):
        pool.submit(os._exit, 9).result()


class Ended(BaseException):
    """What a handler of SIGTERM raises."""


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_signal_waits_for_the_end_of_a_block_whichever_thread_gets_it(elsewhere):
    def end(*_):
        raise Ended

    def hold():
        with handlers_held():
            idle = threading.Thread(target=time.sleep, args=(0.2,))
            idle.start()
            signal.pthread_kill(idle.ident if elsewhere else threading.main_thread().ident, signal.SIGTERM)
            idle.join()
            reached.append("the end")

    before = signal.signal(signal.SIGTERM, end)
    reached = []
    try:
        with pytest.raises(Ended):
            hold()
        assert reached == ["the end"]
        assert signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)
