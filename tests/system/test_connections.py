# SPDX-License-Identifier: BSD-2-Clause
"""Several requests on a connection, one after the other and at once."""

import struct

import pytest

import fastcgi


def test_connection_is_kept(kontor):
    """Each request would pay for a new connection: a third fewer per second."""
    with kontor.client() as client:
        for _ in range(100):
            assert client.get("/api/evaluation/now").status == 200


def test_connection_is_closed_when_asked(kontor):
    """Web servers that do not keep connections would wait for the end of every answer."""
    with kontor.client() as client:
        response = client.get("/api/evaluation/now", keep=False)
        assert response.status == 200
        client.wait_closed()


def test_requests_at_once(make_kontor):
    """On a shared connection one slow request would hold up all others."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "1s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/rpc", request_id=7)
        for number in (300, 1, 65535):
            client.start("/api/evaluation/now", request_id=number)
        for number in (1, 65535, 300):
            assert client.read_response(number).status == 200
        assert 7 in client.responses and not client.responses[7].is_complete
        assert client.read_response(7).status == 200


def test_requests_sent_ahead(kontor):
    """A client that sends its next requests before the answers would lose them."""
    with kontor.client() as client:
        numbers = range(1, 201)
        client.send(b"".join(fastcgi.request("/api/evaluation/echo", number,
                                             b'{"number":%d}' % number,
                                             CONTENT_TYPE="application/json")
                             for number in numbers))
        for number in numbers:
            assert client.read_response(number).body == b'{"number":%d}' % number


def test_records_in_any_pieces(kontor):
    """Bytes that come one by one, as networks may deliver them, would be misread."""
    data = fastcgi.request("/api/evaluation/echo", 1, b'{"a":[1,2,3]}',
                           CONTENT_TYPE="application/json")
    with kontor.client() as client:
        for at in range(len(data)):
            client.send(data[at:at + 1])
        assert client.read_response().body == b'{"a":[1,2,3]}'


def test_padding_and_split_parameters(kontor):
    """Web servers that pad records or split parameters between them would get errors."""
    values = fastcgi.parameters("/api/skeleton/hello", query="name=" + "n" * 300)
    content = fastcgi.pairs(values)
    with kontor.client() as client:
        client.begin()
        for at in range(0, len(content), 7):
            client.send(fastcgi.record(fastcgi.PARAMS, 1, content[at:at + 7], padding=at % 256))
        client.send(fastcgi.record(fastcgi.PARAMS, 1, padding=8) +
                    fastcgi.record(fastcgi.STDIN, 1, padding=255))
        response = client.read_response()
        assert response.status == 200
        assert b"n" * 300 in response.body


def test_abort(make_kontor):
    """A visitor's cancelled request would go on working, behind a proxy that shares connections."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "60s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/rpc", request_id=1)
        client.start("/api/evaluation/now", request_id=2)
        assert client.read_response(2).status == 200
        client.abort(1)
        response = client.read_response(1)
        assert response.protocol_status == fastcgi.REQUEST_COMPLETE
        # The connection is as good as before, the number may be used again.
        assert client.get("/api/evaluation/now").status == 200
    kontor.wait_requests(0)


def test_management_records(kontor):
    """Clients that ask what kontor can do (HAProxy) would wait for an answer."""
    with kontor.client() as client:
        asked = fastcgi.pairs({"FCGI_MAX_CONNS": "", "FCGI_MPXS_CONNS": "", "FCGI_NO_SUCH": ""})
        client.send(fastcgi.record(fastcgi.GET_VALUES, 0, asked))
        kind, number, content = client.read_record()
        assert (kind, number) == (fastcgi.GET_VALUES_RESULT, 0)
        values = fastcgi.unpairs(content)
        assert values["FCGI_MPXS_CONNS"] == "1"
        assert int(values["FCGI_MAX_CONNS"]) > 0
        assert "FCGI_NO_SUCH" not in values

        client.send(fastcgi.record(99, 0, b"what is this"))
        kind, number, content = client.read_record()
        assert (kind, number, content[0]) == (fastcgi.UNKNOWN_TYPE, 0, 99)
        assert client.get("/api/evaluation/now").status == 200


def test_unknown_role(kontor):
    """A client with a role that does not exist would wait for ever."""
    with kontor.client() as client:
        client.begin(role=9)
        assert client.read_response().protocol_status == fastcgi.UNKNOWN_ROLE


@pytest.mark.parametrize("body, said", [(b"abc", 10), (b"abcdef", 2)])
def test_body_of_another_length(kontor, body, said):
    """A body cut on its way would be taken for the whole."""
    values = fastcgi.parameters("/api/evaluation/echo", "POST", length=said,
                                content_type="application/json")
    with kontor.client() as client:
        client.begin()
        client.send(fastcgi.stream(fastcgi.PARAMS, 1, fastcgi.pairs(values)) +
                    fastcgi.stream(fastcgi.STDIN, 1, body))
        assert 400 <= client.read_response().status < 500
        assert client.get("/api/evaluation/now").status == 200


def begin(number, role=fastcgi.RESPONDER):
    return fastcgi.record(fastcgi.BEGIN_REQUEST, number, struct.pack(">HB5x", role, 1))


# Garbage in many shapes; after each the connection may end, but nothing else.
MALFORMED = {
    "other version": fastcgi.record(fastcgi.BEGIN_REQUEST, 1, bytes(8), version=2),
    "not FastCGI": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "short begin": fastcgi.record(fastcgi.BEGIN_REQUEST, 1, b"\0\1"),
    "begin for request 0": begin(0),
    "begin twice": begin(1) + begin(1),
    "pair beyond its end": begin(1) + fastcgi.stream(fastcgi.PARAMS, 1, b"\x05\x05abc"),
    "pair of two gigabytes": begin(1) + fastcgi.stream(fastcgi.PARAMS, 1, b"\xff\xff\xff\xff" * 2),
    "half a length": begin(1) + fastcgi.stream(fastcgi.PARAMS, 1, b"\x80\0"),
    "stream without a request": fastcgi.record(fastcgi.STDIN, 5, b"lost"),
    "body before parameters": begin(1) + fastcgi.stream(fastcgi.STDIN, 1, b"early"),
    "no parameters at all": begin(1) + fastcgi.record(fastcgi.PARAMS, 1),
    "parameters after their end": begin(1) + fastcgi.record(fastcgi.PARAMS, 1) * 3,
    "abort of nothing": fastcgi.record(fastcgi.ABORT_REQUEST, 77),
    "answers from the client": fastcgi.record(fastcgi.STDOUT, 1, b"x") +
                               fastcgi.record(fastcgi.END_REQUEST, 1, bytes(8)),
    "broken get-values": fastcgi.record(fastcgi.GET_VALUES, 0, b"\xff\xff"),
    "NUL in a parameter": fastcgi.request("/api/evaluation/now", EVIL="a\0b"),
    "parameter twice": begin(1) + fastcgi.stream(
        fastcgi.PARAMS, 1, fastcgi.pairs(fastcgi.parameters("/ping")) * 2),
    "header of a record only": fastcgi.record(fastcgi.STDIN, 1, b"x" * 100)[:8],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_records(kontor, name):
    """One hostile or broken client could stop the service for all."""
    with kontor.client() as neighbour:
        assert neighbour.get("/api/evaluation/now").status == 200
        for _ in range(3):
            with kontor.client() as hostile:
                try:
                    hostile.send(MALFORMED[name])
                    hostile.send(fastcgi.record(fastcgi.STDIN, 1))
                except OSError:
                    pass  # it has hung up on us, which is its right
                # Half closed: it must come to an end by itself, whatever it thinks of us.
                try:
                    hostile.socket.shutdown(1)
                except OSError:
                    pass
                hostile.wait_closed()
        assert neighbour.get("/api/evaluation/now").status == 200
    kontor.wait_requests(0)


def test_parameters_over_the_limit(make_kontor):
    """One client could fill a worker's memory with header fields."""
    kontor = make_kontor(settings={"params_max": "8K"})
    with kontor.client() as client:
        assert client.get("/ping", HTTP_X="x" * 5000).status == 200
        assert client.get("/ping", HTTP_X="x" * 50000).status == 431
        assert client.get("/ping").status == 200


def test_more_requests_than_allowed(make_kontor):
    """Under too much load visitors would get broken connections instead of a 503."""
    kontor = make_kontor(settings={"requests_max": "4"},
                         sections={"evaluation": {"rpc_time": "1s"}})
    clients = [kontor.client() for _ in range(6)]
    for client in clients:
        client.start("/api/evaluation/rpc")
    assert sorted(client.read_response().status for client in clients) == [200] * 4 + [503] * 2
    assert clients[0].get("/api/evaluation/now").status == 200
    for client in clients:
        client.close()
