# SPDX-License-Identifier: BSD-2-Clause
"""The functions of the store as Python's, through the plugin tests/plugins/store."""

import dataclasses
import json
import urllib.parse


@dataclasses.dataclass
class Document:
    key: str
    value: bytes
    revision: int


@dataclasses.dataclass
class Lease:
    key: str
    token: str
    fence: int
    error: str


class Answer:
    """What a call gave: error ("" or the name of an errno), and what belongs to it."""

    def __init__(self, fields):
        self.error = fields["error"]
        self.worker = fields["worker"]
        self.revision = int(fields.get("revision", 0))
        self.token = fields.get("token")
        self.fence = int(fields.get("fence", 0))
        self.has_more = fields.get("has_more")
        self.documents = [document(entry) for entry in fields.get("documents", [])]
        self.value = fields.get("value")


def document(fields):
    return Document(fields["key"], bytes.fromhex(fields["value"]), int(fields["revision"]))


class Store:
    """The store of a kontord. Each call has a connection of its own, so reaches any worker, unless
    `client` is given, which stays with one."""

    def __init__(self, kontor, space="test", client=None):
        self.kontor = kontor
        self.space = space
        self.client = client

    def path_of(self, verb, **query):
        words = {"space": self.space,
                 **{name: value for name, value in query.items() if value is not None}}
        return f"/api/store/{verb}?{urllib.parse.urlencode(words)}"

    def call(self, verb, body=b"", **query):
        path = self.path_of(verb, **query)
        if self.client is not None:
            self.client.start(path, body=body, method="POST")
            response = self.client.read_response()
        else:
            with self.kontor.client() as client:
                client.start(path, body=body, method="POST", keep=False)
                response = client.read_response()
        assert response.status == 200, (response.status, response.body)
        return Answer(json.loads(response.body))

    def get(self, key):
        """The answer's value is bytes, or None."""
        answer = self.call("get", key=key)
        if answer.value is not None:
            answer.value = bytes.fromhex(answer.value)
        return answer

    def put(self, key, value=b"", revision=None, bytes=None):  # pylint: disable=redefined-builtin
        """Write a value, or so many bytes. revision: None for any, 0 for new."""
        return self.call("put", body=value, key=key, revision=revision, bytes=bytes)

    def delete(self, key, revision=None):
        return self.call("delete", key=key, revision=revision)

    def scan(self, prefix=None, after=None, limit=None):
        return self.call("scan", prefix=prefix, after=after, limit=limit)

    def scan_all(self, prefix="", limit=None):
        """All documents, page by page."""
        found, after = [], None
        while True:
            page = self.scan(prefix, after, limit)
            assert page.error == "", page.error
            found += page.documents
            if not page.has_more:
                return found
            after = page.documents[-1].key

    def add(self, key, delta):
        """The answer's value is a number."""
        answer = self.call("add", key=key, delta=delta)
        answer.value = int(answer.value)
        return answer

    def claim(self, key, ttl_ms):
        answer = self.call("claim", key=key, ttl=ttl_ms)
        return Lease(key, answer.token, answer.fence, answer.error)

    def renew(self, lease, ttl_ms):
        return self.call("renew", key=lease.key, token=lease.token, ttl=ttl_ms)

    def release(self, lease):
        return self.call("release", key=lease.key, token=lease.token)
