# SPDX-License-Identifier: BSD-2-Clause
"""Several workers accept the same connections."""

import contextlib
import os
import signal

from fastcgi import wait_until


def test_one_that_stands_still_keeps_nobody_out(make_kontor):
    """Everybody would wait for a worker that is stuck, since it has the fewest connections."""
    kontor = make_kontor(settings={"workers": "2"}, sections={"evaluation": {"rpc_time": "60s"}})
    stuck, other = kontor.workers()
    with contextlib.ExitStack() as ending:
        os.kill(stuck, signal.SIGSTOP)
        ending.callback(os.kill, stuck, signal.SIGCONT)
        for _ in range(100):
            ending.enter_context(kontor.client()).start("/api/evaluation/rpc")
        wait_until(lambda: kontor.requests(other) == 100, what="the other worker has taken all")
