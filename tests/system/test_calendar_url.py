# SPDX-License-Identifier: BSD-2-Clause
"""A person's week from an iCalendar file at an address, or from one that they upload."""

import json

import pytest

from calendars import Visitor, make_calendar
from test_calendar_caldav import MEETING
from upstream import Upstream, answer

CALENDAR = ("BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-CALNAME:ada@example.org\n" + MEETING +
            "\nEND:VCALENDAR\n").replace("\n", "\r\n").encode()


class Files(Upstream):
    """A server with one file."""

    def __init__(self):
        super().__init__()
        self.body, self.status, self.etag = CALENDAR, 200, '"1"'
        self.modified = None

    def find(self, path):
        return getattr(super(), f"on_{path.strip('/')}", self.on_request)

    async def on_request(self, request, query, reader, writer):
        fields = {"ETag": self.etag} if self.etag else {}
        if self.modified:
            fields["Last-Modified"] = self.modified
        if ((self.etag and request.headers.get("if-none-match") == self.etag) or
                (self.modified and request.headers.get("if-modified-since") == self.modified)):
            writer.write(answer(b"", 304, **fields))
        else:
            writer.write(answer(self.body, self.status, Content_Type="text/calendar", **fields))
        return True


@pytest.fixture
def files():
    with Files() as server:
        yield server


@pytest.fixture
def visitor(make_kontor, folder):
    return Visitor(make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"},
                                 file_size_max="64K"))


def connect(visitor, address):
    return visitor.ask("/connect/url", {"address": address})


def test_week(visitor, files):
    """Who subscribes to a calendar would see nothing of it."""
    assert connect(visitor, f"{files.url}/secret-path/basic.ics").status == 200
    assert visitor.week()["totals"]["one_off"] == {"count": 1, "minutes": 90}


def test_address_is_a_secret(visitor, files, folder):
    """Whoever has such an address can read the calendar; it would lie open in the store, in the
    log, and on the page."""
    connect(visitor, f"{files.url}/secret-path/basic.ics")
    files.status, files.etag = 500, None
    response = visitor.ask("/week?date=2026-11-18")
    stored = b"".join(path.read_bytes() for path in folder.glob("store.db*"))
    shown = json.dumps(visitor.connections()) + response.body.decode() + visitor.kontor.log()
    assert b"account/" in stored
    assert b"secret-path" not in stored and "secret-path" not in shown


def test_unchanged_file_is_not_sent_again(visitor, files):
    """A large calendar would travel at each look at the week."""
    connect(visitor, f"{files.url}/a.ics")
    visitor.week()
    assert files.requests[-1].headers["if-none-match"] == '"1"'
    files.etag, files.body = '"2"', CALENDAR.replace(b"103000", b"110000")
    assert visitor.week()["totals"]["one_off"]["minutes"] == 120
    assert visitor.week()["totals"]["one_off"]["minutes"] == 120


def test_server_without_etags(visitor, files):
    """Simple servers would send everything each time, or nothing new be seen."""
    files.etag, files.modified = None, "Mon, 16 Nov 2026 09:00:00 GMT"
    connect(visitor, f"{files.url}/a.ics")
    assert visitor.week()["totals"]["one_off"]["minutes"] == 90
    assert files.requests[-1].headers["if-modified-since"] == files.modified
    files.modified, files.body = "Mon, 16 Nov 2026 10:00:00 GMT", CALENDAR.replace(b"1030", b"1100")
    assert visitor.week()["totals"]["one_off"]["minutes"] == 120


def test_one_of_several_is_late(visitor, files):
    """One slow server would take the other calendars along, or be missing in silence."""
    other = CALENDAR.replace(b"UID:planning", b"UID:other").replace(b"Planning", b"Other")
    with Files() as slow:
        slow.body = other
        assert connect(visitor, f"{files.url}/a.ics").status == 200
        assert connect(visitor, f"{slow.url}/b.ics").status == 200
        week = visitor.week()
        assert week["totals"]["one_off"]["count"] == 2 and week["warnings"] == []
        slow.on_request = slow.on_hang
        week = visitor.week()
    assert week["totals"]["one_off"]["count"] == 1
    warning, = week["warnings"]
    assert "127.0.0.1" in warning and "missing" in warning


def test_all_of_several_fail(visitor, files):
    """With all servers down the week would look free."""
    for path in ("a", "b"):
        connect(visitor, f"{files.url}/{path}.ics")
    files.status, files.etag = 500, None
    response = visitor.ask("/week?date=2026-11-18")
    assert response.status == 502 and response.headers["x-calendar-trouble"] == "broken"


def test_webcal(visitor, files):
    """The addresses that calendars give away would not be understood."""
    response = connect(visitor, files.url.replace("http", "webcal") + "/a.ics")
    # It is https that is meant, which this server doesn't speak.
    assert response.status == 422
    assert files.requests == [] and b"https://127.0.0.1" in response.body


@pytest.mark.parametrize("address", ["", "ftp://example.org/a.ics", "file:///etc/passwd", "a.ics",
                                     "https://", "https://" + "a" * 9000])
def test_no_address(visitor, address):
    """Something else than the web would be read."""
    assert connect(visitor, address).status in (400, 422)


@pytest.mark.parametrize("path", ["json", "text", "bytes?count=70000", "truncated", "garbage",
                                  "status?code=404", "bomb?count=100000", "silence"])
def test_no_calendar(visitor, files, path):
    """People would connect something that is no calendar, and wonder."""
    response = connect(visitor, f"{files.url}/{path}")
    assert response.status == 422 and json.loads(response.body)["detail"]
    assert visitor.connections() == []


@pytest.mark.parametrize("status, trouble", [(401, "reconnect"), (404, "gone"), (429, "busy"),
                                             (500, "broken")])
def test_trouble_is_told(visitor, files, status, trouble):
    """People would not know what is wrong, or what to do."""
    connect(visitor, f"{files.url}/a.ics")
    files.status, files.etag = status, None
    assert visitor.ask("/week?date=2026-11-18").headers["x-calendar-trouble"] == trouble


def test_own_network(make_kontor, folder, files):
    """People could look around in the operator's network."""
    visitor = Visitor(make_calendar(make_kontor, folder))
    assert connect(visitor, f"{files.url}/a.ics").status == 422
    assert files.requests == []


def test_upload(visitor):
    """Who has only a file could not see their week."""
    week = visitor.week(body=CALENDAR, CONTENT_TYPE="text/calendar")
    assert week["totals"]["one_off"] == {"count": 1, "minutes": 90}
    nobody = Visitor(visitor.kontor, None)
    assert nobody.week(body=CALENDAR, CONTENT_TYPE="text/calendar")["totals"] == week["totals"]


def test_upload_is_not_kept(visitor, folder):
    """What people only wanted to look at would stay on the server."""
    visitor.week(body=CALENDAR, CONTENT_TYPE="text/calendar")
    assert visitor.ask("/week?date=2026-11-18").status == 404
    assert all(b"Planning" not in path.read_bytes() for path in folder.glob("store.db*"))


@pytest.mark.parametrize("body", [b"no calendar", b"\x00\xff" * 100, CALENDAR + b"x" * 70000])
def test_bad_upload(visitor, body):
    """A file that is no calendar would look like an empty week."""
    response = visitor.ask("/week?date=2026-11-18", body, CONTENT_TYPE="text/calendar")
    assert response.status in (413, 422) and json.loads(response.body)["detail"]
