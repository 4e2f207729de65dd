# SPDX-License-Identifier: BSD-2-Clause
"""A million requests: a byte or a descriptor lost in each would end a month's uptime."""

import os
import re
import socket

import fastcgi
import kontor as library

# The sanitizers make everything slower; a leak of a few bytes still shows.
REQUESTS = 50_000 if library.is_sanitized() else 1_000_000
BATCH = 200  # requests on their way at once, on one connection
CONNECTION = 50_000  # requests on one connection

# What the allocators may hold on to beyond the state after the first tenth, in bytes.
SLACK = 8 << 20 if library.is_sanitized() else 2 << 20

# Different ways through kontor: constant, body, query and spawned server, registry, an error.
BODY = b'{"list": [1, 2, 3], "text": "' + b"x" * 200 + b'"}'
KINDS = [
    {"path": "/api/evaluation/now"},
    {"path": "/api/evaluation/echo", "body": BODY, "CONTENT_TYPE": "application/json"},
    {"path": "/api/evaluation/echo", "body": b"{broken", "CONTENT_TYPE": "application/json"},
    {"path": "/api/names/hold?key=passing", "method": "POST"},
    {"path": "/api/names/end?key=passing", "method": "POST"},
    {"path": "/api/names/list"},
    {"path": "/api/nobody/knows"},
]

END_RECORD = re.compile(rb"\x01\x03..\x00\x08", re.DOTALL)


def make_batch():
    """Requests of all kinds, to be sent in one go, and how many records end them."""
    return b"".join(fastcgi.request(request_id=1 + number % BATCH, keep=True,
                                    **KINDS[number % len(KINDS)])
                    for number in range(BATCH))


def run(kontor, count):
    batch = make_batch()
    done = 0
    while done < count:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(kontor.socket)
            for _ in range(min(CONNECTION, count - done) // BATCH):
                connection.sendall(batch)
                ended, rest = 0, b""
                while ended < BATCH:
                    data = connection.recv(1 << 20)
                    assert data, "the connection was closed"
                    data = rest + data
                    ended += len(END_RECORD.findall(data))
                    # what may be the beginning of a record that has not come whole
                    rest = data[-5:]
                    assert not END_RECORD.search(rest)
                done += BATCH
    with kontor.client() as client:
        client.start("/api/names/end?key=passing", method="POST", keep=False)
        assert client.read_response().status in (202, 404)


def measure(kontor):
    """Bytes of memory and descriptors of each OS process of kontor."""
    pids = [kontor.process.pid, kontor.status()["registry"]["pid"], *kontor.workers()]
    return {pid: (library.resident_bytes(pid), len(os.listdir(f"/proc/{pid}/fd")))
            for pid in pids}


def test_nothing_grows(make_kontor):
    """A server that has to be restarted every week is no server."""
    kontor = make_kontor(plugins=("evaluation", "names"), settings={"requests_max": "16384"})
    idle = kontor.processes()
    run(kontor, REQUESTS // 10)
    kontor.wait_processes(idle)
    before = measure(kontor)
    run(kontor, REQUESTS)
    kontor.wait_processes(idle)
    after = measure(kontor)
    service = kontor.status()["workers"][0]["inside"]["service"]
    assert service["refused_total"] == 0 and service["requests_total"] >= REQUESTS
    assert before.keys() == after.keys()
    for pid, (memory, descriptors) in before.items():
        assert after[pid][0] - memory <= SLACK, (pid, before, after)
        assert after[pid][1] == descriptors, (pid, before, after)
