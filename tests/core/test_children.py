"""Children end with their parent, however it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

PROGRAM = """
import subprocess, sys, time
from fourfold.core.children import lifeline
child = '''
import sys, threading
from fourfold.core.children import follow
follow(sys.argv[1])
print("ready", flush=True)
threading.Event().wait()
'''
process = subprocess.Popen([sys.executable, "-c", child, lifeline()], stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
sys.stdin.readline()
"""


def test_a_child_ends_when_its_parent_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    try:
        ended, _, _ = select.select([child], [], [], 60)
        assert ended
    finally:
        os.close(child)


def test_a_child_whose_parent_has_ended_ends_at_once():
    program = "from fourfold.core.children import follow; follow('/nowhere/at/all'); print('on')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
