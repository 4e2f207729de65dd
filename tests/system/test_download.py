# SPDX-License-Identifier: BSD-2-Clause
"""Large answers to slow readers."""

import http.client
import socket
import time

from kontor import is_sanitized, resident_bytes

MEBIBYTE = 1 << 20
SIZE = 100 * MEBIBYTE
# What a worker may grow by while it sends: a small part of what it sends. Sanitizers keep freed
# memory for a while.
GROWTH_MAX = (24 if is_sanitized() else 4) * MEBIBYTE
# The slow reader stops after every few megabytes, which is no wait for an event; seconds.
PAUSE = 0.1


def test_slow_reader_of_hundred_megabytes(kontor, nginx):
    """A few slow readers of large answers would fill the memory of the machine."""
    worker = kontor.workers()[0]
    # The first answers fill pools and caches, which is no growth.
    connection = nginx.connect()
    connection.request("GET", f"/api/skeleton/stream?bytes={MEBIBYTE}")
    assert len(connection.getresponse().read()) == MEBIBYTE
    connection.close()
    before = peak = resident_bytes(worker)

    with socket.create_connection(("127.0.0.1", nginx.port), timeout=30) as reader:
        # A small window, so that the network holds little of it and the brake reaches kontor.
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader.sendall(f"GET /api/skeleton/stream?bytes={SIZE} HTTP/1.0\r\n\r\n".encode())
        response = http.client.HTTPResponse(reader)
        response.begin()
        assert response.status == 200
        assert int(response.headers["Content-Length"]) == SIZE
        got = 0
        while part := response.read(MEBIBYTE):
            got += len(part)
            peak = max(peak, resident_bytes(worker))
            if got % (5 * MEBIBYTE) == 0:
                time.sleep(PAUSE)
                peak = max(peak, resident_bytes(worker))
                # While this one reads slowly, others are served at once.
                with kontor.client() as other:
                    assert other.get("/api/evaluation/now").status == 200
    assert got == SIZE
    assert peak - before < GROWTH_MAX, f"grew by {(peak - before) / MEBIBYTE:.1f} MiB"


def test_reader_who_stops(make_kontor):
    """A client that stops reading would hold its memory and process for ever."""
    kontor = make_kontor(settings={"transfer_timeout": "500ms"})
    with kontor.client() as client:
        client.start(f"/api/skeleton/stream?bytes={SIZE}")
        kontor.wait_requests(0)
    assert kontor.client().get("/ping").status == 200


def test_two_large_answers_on_one_connection(kontor):
    """On a multiplexed connection one large answer would hold up the other."""
    with kontor.client() as client:
        for number in (1, 2):
            client.start(f"/api/skeleton/stream?bytes={5 * MEBIBYTE}", request_id=number)
        for number in (2, 1):
            response = client.read_response(number)
            assert response.status == 200
            assert len(response.body) == 5 * MEBIBYTE
