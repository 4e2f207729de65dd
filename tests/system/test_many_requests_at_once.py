# SPDX-License-Identifier: BSD-2-Clause
"""Ten thousand requests that wait in one worker."""

import fastcgi

COUNT = 10000
PER_CONNECTION = 100
# Long enough that the first still waits when the last has come, with sanitizers as well.
RPC_TIME = "8s"


def test_ten_thousand_waiting(make_kontor):
    """Slow services behind kontor would use up its workers, and all visitors wait."""
    kontor = make_kontor(settings={"request_log": "no"},
                         sections={"evaluation": {"rpc_time": RPC_TIME}})
    clients = [kontor.client() for _ in range(COUNT // PER_CONNECTION)]
    for client in clients:
        client.send(b"".join(fastcgi.request("/api/evaluation/rpc", number)
                             for number in range(1, PER_CONNECTION + 1)))
    kontor.wait_requests(COUNT)
    assert len(kontor.workers()) == 1
    assert kontor.processes() >= COUNT
    # Everybody else is served meanwhile.
    with kontor.client() as other:
        assert other.get("/api/evaluation/now").status == 200
        assert kontor.requests() == COUNT
    for client in clients:
        for number in range(1, PER_CONNECTION + 1):
            assert client.read_response(number).status == 200
        client.close()
    kontor.wait_requests(0)
