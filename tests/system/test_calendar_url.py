# SPDX-License-Identifier: BSD-2-Clause
"""A person's week from an iCalendar file at an address, or from one that they upload."""

import asyncio
import concurrent.futures
import json
import pathlib

import pytest

from calendars import Visitor, make_calendar
from test_calendar_caldav import MEETING
from fastcgi import wait_until
from upstream import Upstream, answer

CALENDAR = ("BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-CALNAME:ada@example.org\n" + MEETING +
            "\nEND:VCALENDAR\n").replace("\n", "\r\n").encode()



def event(uid, lines):
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTART:{lines.pop(0)}\n" + "\n".join(lines) + "\nEND:VEVENT\n"


def invitation(uid, start, duration, guest, answer="ACCEPTED"):
    """A meeting that Bob has called."""
    return event(uid, [start, f"DURATION:{duration}", "SUMMARY:With Bob",
                       "ORGANIZER:mailto:bob@example.org",
                       f"ATTENDEE;PARTSTAT={answer}:mailto:{guest}",
                       "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org"])


def make_file(*events, name="Work"):
    """A file that doesn't say whose it is, as most."""
    return (f"BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-CALNAME:{name}\n" + "".join(events) +
            "END:VCALENDAR\n").replace("\n", "\r\n").encode()


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


def own_file(guest, **more):
    """An hour with Bob, three that were declined, and two alone; all on days of one week."""
    return make_file(invitation("1", "20261118T100000Z", "PT1H", guest),
                     invitation("2", "20261119T100000Z", "PT3H", guest, "DECLINED"),
                     event("3", ["20261120T100000Z", "DURATION:PT2H", "SUMMARY:Alone",
                                 f"ORGANIZER:mailto:{guest}"]), **more)


def sees_own(week):
    """Whether a week of own_file is that of the guest."""
    totals, people = week["totals"], [person["address"] for person in week["people"]]
    return (totals["meetings"]["minutes"], totals["declined"]["minutes"], totals["own"]["minutes"],
            people) == (60, 180, 120, ["bob@example.org"])


def test_own_file(visitor, files):
    """What people declined, and the hours that they keep for themselves, would count as meetings, and
    they would meet themselves: only few files say whose they are."""
    files.body, visitor.user = own_file("Ada@example.org"), "ADA@example.org"
    connect(visitor, f"{files.url}/a.ics")
    assert sees_own(visitor.week())
    assert sees_own(visitor.week(body=files.body, CONTENT_TYPE="text/calendar"))


def test_own_file_by_another_address(visitor, files):
    """Whose user name is no address, or who is invited at another one, would meet themselves."""
    files.body = own_file("ada.lovelace@example.com")
    connect(visitor, f"{files.url}/a.ics")
    assert not sees_own(visitor.week())
    me = visitor.json("/me", {"addresses": [" Ada.Lovelace@Example.com ", "ada@home.example",
                                            "ada@home.example", ""]})
    assert me["addresses"] == ["ada.lovelace@example.com", "ada@home.example"]
    assert visitor.json("/me", {"week_start": "sunday"})["addresses"] == me["addresses"]
    assert sees_own(visitor.week())
    assert visitor.json("/me", {"addresses": []})["addresses"] == []
    assert not sees_own(visitor.week())


def test_file_of_somebody_else(visitor, files):
    """In the calendar of a colleague, who is named in it, their meetings with oneself would be no
    meetings."""
    files.body, visitor.user = own_file("ada@example.org", name="bob@example.org"), "ada@example.org"
    connect(visitor, f"{files.url}/bob.ics")
    week = visitor.week()
    assert [person["address"] for person in week["people"]] == ["ada@example.org"]
    visitor.json("/me", {"addresses": ["bob@example.org"]})  # it is one's own, after all
    assert visitor.week()["people"] == []


@pytest.mark.parametrize("addresses", ["ada@example.org", [1], ["ada"], ["ada@"], ["a b@example.org"],
                                       ["x" * 65 + "@example.org"], ["a@" + "b" * 300], [None],
                                       [f"a{number}@example.org" for number in range(11)]])
def test_wrong_addresses(visitor, addresses):
    """A slip of the keyboard would be kept without a word, and the hours be wrong; or the store be
    filled."""
    visitor.json("/me", {"addresses": ["ada@example.org"]})
    response = visitor.ask("/me", {"addresses": addresses, "week_start": "sunday"})
    assert response.status == 400 and json.loads(response.body)["detail"]
    me = visitor.json("/me")
    assert (me["addresses"], me["week_start"]) == (["ada@example.org"], None)


def test_addresses_are_deleted(visitor, folder):
    """Of who deletes everything, the addresses would stay."""
    visitor.json("/me", {"addresses": ["ada@example.org"]})
    assert visitor.ask("/delete-me", {"delete": True}).status == 204
    assert visitor.json("/me")["addresses"] == []


# ---------------------------------------------------------------- shares

LARGE = CALENDAR + (b"X-FILL:" + b"x" * 60 + b"\r\n") * (12 << 20 >> 6)


class Gated(Files):
    """A server that can be told to keep people waiting, and counts how many of them it does."""

    def __init__(self):
        super().__init__()
        self.etag, self.waiting, self.waiting_max, self.is_open = None, 0, 0, True

    async def on_request(self, request, query, reader, writer):
        self.waiting += 1
        self.waiting_max = max(self.waiting, self.waiting_max)
        while not self.is_open and not writer.is_closing():
            await asyncio.sleep(0.01)
        self.waiting -= 1
        return await super().on_request(request, query, reader, writer)

    def await_waiting(self, count):
        wait_until(lambda: self.waiting == count, 10, f"{count} wait")


@pytest.fixture
def gated():
    with Gated() as server:
        yield server
        server.is_open = True


def peak_mb(pid):
    """What a process had of memory at most."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024


def ask_all(visitor, count):
    """Looks at once, each of which has its answer at the end."""
    pool = concurrent.futures.ThreadPoolExecutor(count)
    return [pool.submit(visitor.ask, "/week?date=2026-11-18") for _ in range(count)]


def test_one_person_does_not_take_all(make_kontor, folder, gated):
    """Somebody with slow calendars could stop everybody else's."""
    kontor = make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8",
                                                 "fetch_connections_max": 8},
                           looks_at_once=3, fetches_at_once=4, source_timeout="30s")
    ada, bob = Visitor(kontor), Visitor(kontor, "bob")
    for number in range(5):
        connect(ada, f"{gated.url}/{number}.ics")
    connect(bob, f"{gated.url}/bob.ics")
    gated.is_open = False
    # Three looks have their turn, and four of their fifteen questions; sixteen looks wait.
    looks = ask_all(ada, 25)
    wait_until(lambda: sum(look.done() for look in looks) == 6, 10, "those beyond are refused")
    gated.await_waiting(4)
    week = ask_all(bob, 1)[0]
    gated.await_waiting(5)
    gated.is_open = True
    assert week.result().status == 200
    answers = [look.result() for look in looks]
    assert sorted(answer.status for answer in answers) == [200] * 19 + [429] * 6
    assert gated.waiting_max == 5
    refused = next(answer for answer in answers if answer.status == 429)
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["x-calendar-trouble"] == "overloaded"
    assert "at once" in json.loads(refused.body)["detail"]


def test_a_look_that_has_no_turn(make_kontor, folder, gated):
    """A look could wait for ever behind others of the same person."""
    ada = Visitor(make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"},
                                looks_at_once=1, source_timeout="1s"))
    connect(ada, f"{gated.url}/a.ics")
    gated.is_open = False
    answers = [look.result() for look in ask_all(ada, 2)]
    assert sorted(answer.status for answer in answers) in ([503, 504], [504, 504])
    assert all(json.loads(answer.body)["detail"] for answer in answers)


def test_large_calendars_come_one_after_the_other(make_kontor, folder, gated):
    """One person's calendars could fill the memory."""
    kontor = make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"}, workers=1,
                           fetch_memory="32M", file_size_max="16M", answer_size_max="16M",
                           source_timeout="60s")
    ada = Visitor(kontor)
    for number in range(8):
        connect(ada, f"{gated.url}/{number}.ics")
    gated.body = LARGE
    looks = ask_all(ada, 3)
    weeks = [look.result() for look in looks]
    assert [week.status for week in weeks] == [200] * 3
    for week in map(lambda week: json.loads(week.body), weeks):
        assert week["warnings"] == [] and week["totals"]["one_off"]["count"] > 0
    # Twenty-four of twelve megabytes each; one at a time, and what the rest of the worker takes.
    assert peak_mb(kontor.workers()[0]) < 100


def test_larger_than_all_room(make_kontor, folder, gated):
    """A calendar for which there is never room would be waited for, without a word."""
    ada = Visitor(make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"},
                                fetch_memory="8M"))
    connect(ada, f"{gated.url}/a.ics")
    gated.body = LARGE
    response = ada.ask("/week?date=2026-11-18")
    assert response.headers["x-calendar-trouble"] == "too_large"


def test_a_calendar_that_grows_and_shrinks(make_kontor, folder, gated):
    """Who has a large calendar, or a small one again, would not see it any more."""
    ada = Visitor(make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"}))
    connect(ada, f"{gated.url}/a.ics")
    for body, etag in ((CALENDAR, None), (LARGE, None), (LARGE[:3 << 20], '"3"'),
                       (LARGE[:3 << 20], '"3"'), (CALENDAR, None), (LARGE, '"4"'), (LARGE, '"4"')):
        gated.body, gated.etag = body, etag
        assert ada.week()["totals"]["one_off"]["count"] == 1


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
