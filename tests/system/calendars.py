# SPDX-License-Identifier: BSD-2-Clause
"""A kontor with the calendar plugin and a key, and a person who uses it, as the web server would let
them: signed in, with redirects followed by hand."""

import json
import os
import urllib.parse

import requests

PUBLIC_URL = "https://kontor.example.org/tools"
BASE = "/api/calendar"


def make_calendar(make_kontor, folder, settings=None, workers=1, plugins=("calendar",), **options):
    """A kontor whose people can connect calendars."""
    key = folder / "secret.key"
    if not key.exists():
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
    return make_kontor(
        plugins=plugins,
        settings={"store": f"sqlite:{folder}/store.db", "workers": workers, **(settings or {})},
        sections={"calendar": {"key_file": str(key), "public_url": PUBLIC_URL + "/",
                               "timezone": "Europe/Berlin", "source_timeout": "5s", **options}})


class Visitor:
    """Somebody whom the web server has authenticated, or with None has not."""

    def __init__(self, kontor, user="ada"):
        self.kontor, self.user = kontor, user

    def ask(self, path, body=None, **others):
        """A request below /api/calendar; a body that isn't bytes goes as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            others.setdefault("CONTENT_TYPE", "application/json")
        if self.user is not None:
            others["REMOTE_USER"] = self.user
        with self.kontor.client() as client:
            return client.get(BASE + path, body=body or b"", **others)

    def json(self, path, body=None, **others):
        """The JSON of an answer that has to be good."""
        response = self.ask(path, body, **others)
        assert response.status == 200, response.body
        return json.loads(response.body)

    def week(self, date="2026-11-18", **others):
        return self.json(f"/week?date={date}", **others)

    def connections(self):
        return self.json("/connections")["connections"]

    def go_to_google(self, query=""):
        """Where the person is sent to consent."""
        response = self.ask(f"/connect/google{query}")
        assert response.status == 302, response.body
        return response.headers["location"]

    def come_back(self, address, page=""):
        """The browser follows Google's redirect to a page; the query of that."""
        assert address.startswith(f"{PUBLIC_URL}{BASE}/callback?"), address
        response = self.ask(address[len(PUBLIC_URL) + len(BASE):])
        assert response.status == 302, response.body
        home = response.headers["location"]
        assert home.startswith(f"{PUBLIC_URL}/{page}?"), home
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(home).query))

    def connect_google(self, person="ada@example.org", **choice):
        """The whole dance; the query of the page where it ends."""
        return self.come_back(consent(self.go_to_google(), person, **choice))


def consent(address, person, decision="allow", without=()):
    """What a person does on Google's page; where Google sends them then."""
    page = requests.get(address)
    assert page.status_code == 200, page.text
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    scopes = [scope for scope in query.pop("scope").split() if scope not in without]
    root = address.partition("/o/oauth2")[0]
    answer = requests.get(f"{root}/consent", allow_redirects=False, params=[
        *query.items(), ("person", person), ("decision", decision),
        *(("scope", scope) for scope in scopes)])
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]
