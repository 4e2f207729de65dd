# SPDX-License-Identifier: BSD-2-Clause
"""scripts/demo, the first thing that anybody types."""

import os
import pathlib
import re
import select
import signal
import subprocess
import time

import pytest
import requests

from fastcgi import wait_until
from kontor import ROOT
from ports import free_port

# It may have to build first.
START_TIMEOUT = 300
# How long it may take to stop everything, in seconds.
STOP_TIMEOUT = 30


def read_line(process, seconds):
    """The next line of its standard output, or None when none comes."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n") and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.5)[0]:
            part = os.read(process.stdout.fileno(), 1)
            if not part:
                break
            line += part
    return line.decode().strip() or None


def heed_interrupts():
    """Who runs the tests in the background has SIGINT ignored; at a terminal it is not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo(folder, number):
    """The first impression would be an error, or a machine full of leftovers."""
    port = free_port()
    with open(folder / "messages", "wb") as messages:
        demo = subprocess.Popen([str(ROOT / "scripts/demo"), "--port", str(port)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages,
                                env=dict(os.environ, TMPDIR=str(folder)), start_new_session=True,
                                preexec_fn=heed_interrupts)
    try:
        address = read_line(demo, START_TIMEOUT)
        assert address == f"http://127.0.0.1:{port}/", (folder / "messages").read_text()
        assert requests.get(address).status_code == 200
        week = requests.get(f"{address}api/calendar/week")
        assert week.status_code == 200
        assert week.json()
    finally:
        # As a terminal does at Ctrl-C, to the whole group.
        os.killpg(demo.pid, number)
        try:
            demo.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            demo.terminate()  # it then stops its servers, which are in groups of their own
            demo.wait(STOP_TIMEOUT)
            raise
        demo.stdout.close()
    assert demo.returncode == 0
    left = [path.name for path in folder.iterdir() if path.name != "messages"]
    assert left == []
    wait_until(lambda: not processes_of(folder), what="no process is left")


def processes_of(folder):
    """OS processes whose command line names the folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if re.search(rb"kontor-demo", path.read_bytes()) and os.fsencode(folder) in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            pass
    return found
