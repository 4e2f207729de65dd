# SPDX-License-Identifier: BSD-2-Clause
"""A FastCGI client that speaks the protocol record by record.

It does what no web server does on purpose: several requests on one connection, aborts, broken
records. Knows the protocol only, nothing of kontor.
"""

import select
import socket
import struct
import time

BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
KEEP_CONN = 1
REQUEST_COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)
CONTENT_MAX = 65535

# How long a read may wait for the other side, in seconds.
READ_TIMEOUT = 20


class Closed(Exception):
    """The other side has closed the connection."""


def record(kind, request_id, content=b"", padding=0, version=1):
    """One record, as bytes."""
    header = struct.pack(">BBHHBx", version, kind, request_id, len(content), padding)
    return header + content + bytes(padding)


def stream(kind, request_id, content):
    """A whole stream: its records and the empty one that ends it."""
    parts = [record(kind, request_id, content[i:i + CONTENT_MAX])
             for i in range(0, len(content), CONTENT_MAX)]
    return b"".join(parts) + record(kind, request_id)


def pairs(values):
    """Encode name-value pairs."""
    out = bytearray()
    for name, value in values.items():
        name, value = (x if isinstance(x, bytes) else str(x).encode() for x in (name, value))
        for text in (name, value):
            out += bytes([len(text)]) if len(text) < 128 else struct.pack(">I", len(text) | 1 << 31)
        out += name + value
    return bytes(out)


def unpairs(content):
    """Decode name-value pairs."""
    values, at = {}, 0
    while at < len(content):
        lengths = []
        for _ in range(2):
            if content[at] < 128:
                lengths.append(content[at])
                at += 1
            else:
                lengths.append(struct.unpack_from(">I", content, at)[0] & 0x7FFFFFFF)
                at += 4
        name = content[at:at + lengths[0]]
        value = content[at + lengths[0]:at + sum(lengths)]
        values[name.decode()] = value.decode()
        at += sum(lengths)
    return values


def parameters(path, method="GET", query="", length=None, content_type=None, **others):
    """The parameters that a web server sends for a request to kontor at the root of a site."""
    values = {
        "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1",
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
        "REQUEST_URI": path + ("?" + query if query else ""),
        "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "localhost", "SERVER_PORT": "80",
    }
    if length is not None:
        values["CONTENT_LENGTH"] = length
    if content_type is not None:
        values["CONTENT_TYPE"] = content_type
    values.update(others)
    return values


class Response:
    """What came back for one request."""

    def __init__(self):
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.app_status = None
        self.protocol_status = None

    @property
    def is_complete(self):
        return self.protocol_status is not None

    @property
    def headers(self):
        head = bytes(self.stdout).partition(b"\r\n\r\n")[0].decode("latin-1")
        return {name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n"))}

    @property
    def status(self):
        return int(self.headers.get("status", "200").split()[0])

    @property
    def body(self):
        return bytes(self.stdout).partition(b"\r\n\r\n")[2]


class Client:
    """A connection. `address` is the path of a socket or (host, port)."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(READ_TIMEOUT)
        self.socket.connect(address)
        self.received = bytearray()
        self.responses = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Send bytes as they are."""
        self.socket.sendall(data)

    def begin(self, request_id=1, role=RESPONDER, keep=True):
        body = struct.pack(">HB5x", role, KEEP_CONN if keep else 0)
        self.responses[request_id] = Response()
        self.send(record(BEGIN_REQUEST, request_id, body))

    def start(self, path, request_id=1, body=b"", keep=True, method=None, **others):
        """Send a whole request without waiting for its answer."""
        self.responses[request_id] = Response()
        self.send(request(path, request_id, body, keep, method, **others))

    def abort(self, request_id=1):
        self.send(record(ABORT_REQUEST, request_id))

    def read_record(self):
        """Wait for the next record: (type, request id, content). Raises Closed."""
        while True:
            if len(self.received) >= 8:
                _, kind, request_id, length, padding = struct.unpack_from(">BBHHB", self.received)
                if len(self.received) >= 8 + length + padding:
                    content = bytes(self.received[8:8 + length])
                    del self.received[:8 + length + padding]
                    return kind, request_id, content
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.received += data

    def read_response(self, request_id=1):
        """Read until the request has ended; records of other requests are kept for theirs."""
        response = self.responses.setdefault(request_id, Response())
        while not response.is_complete:
            kind, number, content = self.read_record()
            other = self.responses.setdefault(number, Response())
            if kind == STDOUT:
                other.stdout += content
            elif kind == STDERR:
                other.stderr += content
            elif kind == END_REQUEST:
                other.app_status, other.protocol_status = struct.unpack_from(">IB", content)
        del self.responses[request_id]
        return response

    def get(self, path, **others):
        """One request from start to end."""
        self.start(path, **others)
        return self.read_response(others.get("request_id", 1))

    def wait_closed(self):
        """Wait until the other side closes the connection; what it still sends is dropped."""
        try:
            while True:
                self.read_record()
        except Closed:
            return

    def is_silent(self, seconds=0.2):
        """Whether nothing comes for so long."""
        return not self.received and not select.select([self.socket], [], [], seconds)[0]


def request(path, request_id=1, body=b"", keep=True, method=None, **others):
    """A whole request, as bytes."""
    path, _, query = path.partition("?")
    if method is None:
        method = "POST" if body else "GET"
    values = parameters(path, method, query, len(body) if body else None, **others)
    begin = struct.pack(">HB5x", RESPONDER, KEEP_CONN if keep else 0)
    return (record(BEGIN_REQUEST, request_id, begin) +
            stream(PARAMS, request_id, pairs(values)) + stream(STDIN, request_id, body))


def wait_until(condition, seconds=10, what="condition"):
    """Poll until condition() is true, and return what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s: {what}")
        time.sleep(0.01)
