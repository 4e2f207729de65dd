# SPDX-License-Identifier: BSD-2-Clause
"""A client that sends every kind of malformed, truncated, oversized and out-of-order record.

After each case a healthy request on a new connection must be answered, and in the end nothing may
be left: no request, no process, no connection.
"""

import itertools
import random
import struct

import pytest

import fastcgi
from fastcgi import (ABORT_REQUEST, AUTHORIZER, BEGIN_REQUEST, DATA, END_REQUEST, FILTER,
                     GET_VALUES, GET_VALUES_RESULT, PARAMS, REQUEST_COMPLETE, RESPONDER, STDERR,
                     STDIN, STDOUT, UNKNOWN_ROLE, UNKNOWN_TYPE, Closed, record, stream)

# How many conversations are changed at random, and from which number the changes come.
MUTATIONS = 4000
SEED = 20261121

PLUGINS = ("evaluation", "skeleton", "protocol")
BODY = b'{"a":[1,2,3]}'
ECHO = fastcgi.parameters("/api/evaluation/echo", "POST", length=len(BODY),
                          content_type="application/json")


def begin(request_id=1, role=RESPONDER, keep=1):
    return record(BEGIN_REQUEST, request_id, struct.pack(">HB5x", role, keep))


def params(values, request_id=1):
    return stream(PARAMS, request_id, fastcgi.pairs(values))


def page(role):
    """The parameters of a page that is guarded or filtered."""
    values = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1"}
    if role == FILTER:
        return {**values, "REQUEST_URI": "/capitals/page", "FCGI_DATA_LENGTH": "5"}
    return {**values, "REQUEST_URI": "/private/page"}


ECHOED = begin() + params(ECHO) + stream(STDIN, 1, BODY)
AUTHORIZED = begin(role=AUTHORIZER) + params(page(AUTHORIZER))
FILTERED = (begin(role=FILTER) + params(page(FILTER)) + stream(STDIN, 1, b"") +
            stream(DATA, 1, b"hello"))
SHARED = (begin(1) + begin(2) + begin(3, AUTHORIZER) + params(ECHO, 2) + params(ECHO, 1) +
          stream(STDIN, 2, BODY) + params(page(AUTHORIZER), 3) + stream(STDIN, 1, BODY))
CONVERSATIONS = {"responder": ECHOED, "authorizer": AUTHORIZED, "filter": FILTERED,
                 "shared": SHARED, "values": record(GET_VALUES, 0, fastcgi.pairs(
                     {"FCGI_MAX_CONNS": "", "FCGI_MAX_REQS": "", "FCGI_MPXS_CONNS": ""}))}

# What a request may be in the middle of when something comes that does not belong there.
STATES = {
    "nothing": b"",
    "begun": begin(),
    "in its parameters": begin() + record(PARAMS, 1, fastcgi.pairs(ECHO)[:50]),
    "before its body": begin() + params(ECHO),
    "in its body": begin() + params(ECHO) + record(STDIN, 1, BODY[:5]),
    "answered": ECHOED,
    "aborted": begin() + params(ECHO) + record(ABORT_REQUEST, 1),
    "an authorizer's begun": begin(role=AUTHORIZER),
    "authorized": AUTHORIZED,
    "a filter's begun": begin(role=FILTER),
    "before a filter's body": begin(role=FILTER) + params(page(FILTER)),
    "in a filter's data": begin(role=FILTER) + params(page(FILTER)) + record(STDIN, 1) +
                          record(DATA, 1, b"he"),
    "filtered": FILTERED,
    "in a body nobody reads": begin() + params(fastcgi.parameters(
        "/api/protocol/deaf", "POST")) + record(STDIN, 1, b"x" * 60000),
    "in half a header": ECHOED[:5],
    "in half a record": ECHOED[:20],
}
TYPES = [*range(0, 14), 99, 255]
IDS = [0, 1, 2, 65535]
CONTENTS = {"nothing": b"", "one byte": b"\1", "eight bytes": struct.pack(">HB5x", 1, 1),
            "a pair": b"\x01\x01ab", "half a pair": b"\x85\xff", "much": b"\xff" * 65535}


def is_healthy(kontor):
    with kontor.client() as client:
        return client.get("/api/evaluation/now", keep=False).status == 200


def attack(kontor, data, stays=True):
    """Send it, hang up, and wait until kontor has done so as well unless told not to."""
    with kontor.client() as hostile:
        try:
            hostile.send(data)
            if stays:
                hostile.socket.shutdown(1)
        except OSError:
            pass  # it has hung up on us, which is its right
        if not stays:
            return
        try:
            while hostile.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass


@pytest.fixture
def victim(make_kontor):
    kontor = make_kontor(plugins=PLUGINS)
    assert is_healthy(kontor)
    before, workers = kontor.processes(), kontor.workers()
    yield kontor
    kontor.wait_requests(0)
    kontor.wait_processes(before)
    assert kontor.workers() == workers


@pytest.mark.parametrize("state", STATES)
def test_any_record_in_any_state(victim, state):
    """One hostile or broken client could stop the service for all."""
    for kind, number, content in itertools.product(TYPES, IDS, CONTENTS):
        attack(victim, STATES[state] + record(kind, number, CONTENTS[content], padding=kind))
        assert is_healthy(victim), (kind, number, content)


@pytest.mark.parametrize("state", STATES)
def test_broken_header_in_any_state(victim, state):
    """Bytes that are no FastCGI, or announce more than comes, could stop the service for all."""
    good = record(STDIN, 1, b"x" * 20, padding=3)
    for data in [record(kind, 1, b"x", version=version)
                 for kind in TYPES for version in (0, 2, 255)] + \
                [good[:at] for at in range(1, len(good))] + \
                [struct.pack(">BBHHBx", 1, kind, 1, 65535, 255) + b"x" * size
                 for kind in TYPES for size in (0, 1, 65535)]:
        attack(victim, STATES[state] + data)
        assert is_healthy(victim), data[:16]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_cut_at_each_byte(victim, name):
    """A connection that breaks at an unlucky moment could take the worker with it."""
    data = CONVERSATIONS[name]
    for at in range(len(data)):
        attack(victim, data[:at], stays=at % 2 == 0)
        assert is_healthy(victim), at


def long_lengths(values):
    """Pairs whose lengths take four bytes though one would do."""
    return b"".join(struct.pack(">II", len(name) | 1 << 31, len(str(value)) | 1 << 31) +
                    name.encode() + str(value).encode() for name, value in values.items())


# Parameters that nobody should send, with the status that answers them.
PARAMETERS = {
    "lengths of four bytes": (long_lengths(ECHO), 200),
    "a pair beyond its end": (b"\x05\x05abc", 400),
    "pairs of two gigabytes": (b"\xff\xff\xff\xff" * 2, 400),
    "lengths whose sum is too large": (b"\xff\xff\xff\xff\xff\xff\xff\xffx", 400),
    "half a length": (b"\x80\0", 400),
    "one length only": (b"\x01", 400),
    "no name": (b"\x00\x01x", 400),
    "a name with an equals sign": (b"\x03\x01a=bx", 400),
    "a NUL in a name": (b"\x03\x01a\0bx", 400),
    "a NUL in a value": (b"\x01\x03xa\0b", 400),
    "a huge name": (fastcgi.pairs({**ECHO, "N" * 40000: "x"}), 200),
    "a huge value": (fastcgi.pairs({**ECHO, "N": "x" * 60000}), 200),
    "more than allowed": (fastcgi.pairs({**ECHO, "N": "x" * 70000}), 431),
    "too many": (fastcgi.pairs({f"N{i}": "" for i in range(1000)}), 431),
    "many empty ones": (b"\0\0" * 5000, 400),
    "one of them twice": (fastcgi.pairs(ECHO) * 2, 400),
    "none at all": (b"", 400),
    "no path": (fastcgi.pairs({"REQUEST_METHOD": "GET"}), 400),
    "a method that is none": (fastcgi.pairs({**ECHO, "REQUEST_METHOD": "G T\r\n"}), 400),
    "a path out of the root": (fastcgi.pairs({**ECHO, "PATH_INFO": "/../../etc/passwd"}), 400),
    "a length that is none": (fastcgi.pairs({**ECHO, "CONTENT_LENGTH": "1e9"}), 400),
    "a length beyond all bounds": (fastcgi.pairs({**ECHO, "CONTENT_LENGTH": "9" * 18}), 413),
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("size", [65535, 7])
def test_parameters(victim, name, size):
    """Parameters could be read in two ways, or beyond their end."""
    content, status = PARAMETERS[name]
    records = b"".join(record(PARAMS, 1, content[i:i + size], padding=i % 256)
                       for i in range(0, len(content), size))
    with victim.client() as client:
        client.send(begin() + records + record(PARAMS, 1) + stream(STDIN, 1, BODY))
        answer = client.read_response()
        assert (answer.status, answer.protocol_status) == (status, REQUEST_COMPLETE)
        assert client.get("/ping").status == 200


# What the specification says to ignore, before the answer of an ordinary request.
IGNORED = {
    "a stream without a request": record(STDIN, 5, b"lost") + record(PARAMS, 5, b"x"),
    "an abort of nothing": record(ABORT_REQUEST, 77),
    "answers from the client": record(STDOUT, 1, b"x") + record(STDERR, 1, b"x") +
                               record(END_REQUEST, 1, bytes(8)),
    "a management record of a request": record(GET_VALUES, 1, b"x") +
                                        record(GET_VALUES_RESULT, 1) + record(UNKNOWN_TYPE, 1),
    "unknown types of a request": b"".join(record(kind, 1, b"x") for kind in (0, 12, 99, 255)),
    "DATA for a responder": stream(DATA, 1, b"x" * 100000),
    "an unknown type as an answer": record(UNKNOWN_TYPE, 0, bytes(8)),
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_ignored(victim, name):
    """Web servers that know more than FastCGI 1.0 could not talk to kontor."""
    with victim.client() as client:
        client.send(IGNORED[name] + begin() + IGNORED[name] + params(ECHO) + IGNORED[name] +
                    stream(STDIN, 1, BODY) + IGNORED[name] + record(STDIN, 1, b"after its end") +
                    record(PARAMS, 1, b"after its end"))
        kind, number, content = client.read_record()
        assert (kind, number) == (STDOUT, 1), "nothing but the answer"
        assert content.endswith(BODY)
        assert client.read_record()[0] == STDOUT
        assert client.read_record() == (END_REQUEST, 1, bytes(8))
        assert client.is_silent()


def test_what_is_refused(victim):
    """A client that has lost count would get the answers of one request in another one."""
    with victim.client() as client:
        for role in (0, 4, 65535):
            client.send(begin(role=role))
            assert client.read_response().protocol_status == UNKNOWN_ROLE
        client.send(record(99, 0, b"x" * 5000) + record(GET_VALUES, 0, b"x" * 60000))
        assert client.read_record() == (UNKNOWN_TYPE, 0, bytes([99] + [0] * 7))
        assert client.read_record() == (GET_VALUES_RESULT, 0, b"")
    for data in (begin() * 2, record(BEGIN_REQUEST, 1, b"\0\1"),
                 record(BEGIN_REQUEST, 1, bytes(9))):
        with victim.client() as client:
            client.send(data)
            with pytest.raises(Closed):
                client.read_record()


def test_asks_and_takes_nothing(victim):
    """One client could fill a worker's memory with answers that it never takes."""
    question = (CONVERSATIONS["values"] + record(99, 0)) * 1000
    with victim.client() as client:
        client.socket.settimeout(0.5)
        sent = 0
        try:
            while sent < 1000 * len(question):
                sent += client.socket.send(question)
        except TimeoutError:
            pass  # it stops reading: that is the bound
        assert sent < 1000 * len(question)
        assert is_healthy(victim)


def mutate(chance, data):
    """Change a conversation here and there."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at, size = chance.randrange(len(data) + 1), chance.randint(1, 16)
        action = chance.randrange(6)
        if action == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif action == 1 and at < len(data):
            data[at] = chance.choice((0, 1, 2, 4, 5, 8, 127, 128, 255))
        elif action == 2:
            data[at:at] = chance.randbytes(size)
        elif action == 3 and len(data) > size:
            del data[at:at + size]
        elif action == 4:
            data[at:at] = data[chance.randrange(len(data) + 1):][:8 * size]
        else:
            data[at:at] = chance.choice(list(CONVERSATIONS.values()))
    return bytes(data)


@pytest.mark.parametrize("part", range(4))
def test_random_changes(victim, part):
    """Some combination that nobody has thought of could stop the service for all."""
    chance = random.Random(SEED + part)
    names = list(CONVERSATIONS)
    for number in range(MUTATIONS // 4):
        name = chance.choice(names)
        attack(victim, mutate(chance, CONVERSATIONS[name]), stays=number % 4 > 0)
        if number % 8 == 0:
            assert is_healthy(victim), (part, number, name)
    assert is_healthy(victim)
