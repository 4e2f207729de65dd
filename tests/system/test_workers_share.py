# SPDX-License-Identifier: BSD-2-Clause
"""Several workers accept the same connections."""

import contextlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import fastcgi
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


def test_a_busy_socket_leaves_room_for_another(make_kontor, folder):
    """Who comes by another socket would wait for as long as one of them is crowded."""
    kontor = make_kontor(start=False, settings={"connections_max": 8})
    crowded, quiet = kontor.socket, str(folder / "quiet.sock")
    kontor.write_config(listen=f"unix:{crowded} unix:{quiet}")
    kontor.start()
    is_over, are_there = threading.Event(), threading.Barrier(33)

    def come_again_and_again():
        are_there.wait()
        while not is_over.is_set():
            with fastcgi.Client(crowded) as client:
                assert client.get("/ping").status == 200
                is_over.wait(0.01)

    with ThreadPoolExecutor(32) as crowd:
        visitors = [crowd.submit(come_again_and_again) for _ in range(32)]
        are_there.wait()
        try:
            for _ in range(5):
                with fastcgi.Client(quiet) as client:
                    assert client.get("/ping").status == 200
        finally:
            is_over.set()
        assert all(visitor.result() is None for visitor in visitors)
