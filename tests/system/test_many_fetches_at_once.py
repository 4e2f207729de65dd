# SPDX-License-Identifier: BSD-2-Clause
"""A thousand requests that wait for another server, in one worker."""

import pathlib
import re

import fastcgi
import kontor as library
from fastcgi import wait_until
from upstream import Upstream

COUNT = 1000
PER_CONNECTION = 100
# Long enough that the first still waits when the last has come, with sanitizers as well.
SLOW_MS = 4000
# What a worker may use with COUNT of them waiting.
MEMORY_MAX = 40 << 20


def peak_bytes(pid):
    """The most memory that an OS process has had in RAM."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10


def test_a_thousand_fetches(make_kontor):
    """One slow service would hold up, or fill up, everything that does not need it."""
    with Upstream() as upstream:
        kontor = make_kontor(plugins=("evaluation",), sections={
            "evaluation": {"upstream": f"{upstream.url}/slow?ms={SLOW_MS}",
                           "upstream_timeout": "50s"}})
        clients = [kontor.client() for _ in range(COUNT // PER_CONNECTION)]
        for client in clients:
            client.send(b"".join(fastcgi.request("/api/evaluation/slow", number)
                                 for number in range(1, PER_CONNECTION + 1)))
        wait_until(lambda: upstream.waiting == COUNT, 30, f"{COUNT} requests at the upstream")
        # Everybody else is served before the first of them is.
        with kontor.client() as other:
            for _ in range(20):
                assert other.get("/api/evaluation/echo", body=b'{"a":1}',
                                 content_type="application/json").status == 200
        assert kontor.requests() == COUNT
        for client in clients:
            for number in range(1, PER_CONNECTION + 1):
                response = client.read_response(number)
                assert response.status == 200, response.body
            client.close()
        peak = peak_bytes(kontor.workers()[0])
        print("peak of the worker's memory:", peak, "bytes")
        assert library.is_sanitized() or peak < MEMORY_MAX


def test_connections_are_bounded(make_kontor):
    """A burst of requests would open more connections than the other server can bear."""
    with Upstream() as upstream:
        kontor = make_kontor(plugins=("evaluation",), settings={"fetch_connections_max": 10},
                             sections={"evaluation": {"upstream": f"{upstream.url}/slow?ms=50"}})
        with kontor.client() as client:
            client.send(b"".join(fastcgi.request("/api/evaluation/slow", number)
                                 for number in range(1, 101)))
            for number in range(1, 101):
                assert client.read_response(number).status == 200
        assert upstream.connections == 10
