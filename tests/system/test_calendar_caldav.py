# SPDX-License-Identifier: BSD-2-Clause
"""A person's week from CalDAV servers: real ones, and one that does what real ones do on bad days."""

import base64
import json
import re

import pytest

from caldav_servers import LOGIN, PASSWORD, Radicale, Xandikos
from calendars import Visitor, make_calendar
from trust import make_certificate, trust
from upstream import Upstream, answer

MEETING = """\
BEGIN:VEVENT
UID:planning
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Berlin:20261116T090000
DTEND;TZID=Europe/Berlin:20261116T103000
SUMMARY:Planning
ORGANIZER:mailto:ada@example.org
ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org
ATTENDEE;CN=Grace;PARTSTAT=ACCEPTED:mailto:grace@example.org
END:VEVENT"""
# Every Tuesday since long ago; that of this week was moved to Wednesday and lasts longer.
SERIES = """\
BEGIN:VEVENT
UID:standing
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Berlin:20260106T140000
DTEND;TZID=Europe/Berlin:20260106T150000
RRULE:FREQ=WEEKLY;BYDAY=TU,TH
EXDATE;TZID=Europe/Berlin:20261119T140000
SUMMARY:Standing
ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org
ATTENDEE;CN=Grace;PARTSTAT=ACCEPTED:mailto:grace@example.org
END:VEVENT
BEGIN:VEVENT
UID:standing
DTSTAMP:20261101T000000Z
RECURRENCE-ID;TZID=Europe/Berlin:20261117T140000
DTSTART;TZID=Europe/Berlin:20261118T140000
DTEND;TZID=Europe/Berlin:20261118T160000
SUMMARY:Standing
ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org
ATTENDEE;CN=Grace;PARTSTAT=ACCEPTED:mailto:grace@example.org
END:VEVENT"""
DAYS = """\
BEGIN:VEVENT
UID:days
DTSTAMP:20261101T000000Z
DTSTART;VALUE=DATE:20261122
DTEND;VALUE=DATE:20261123
SUMMARY:Sunday
END:VEVENT"""
# Exchange calls all zones that somebody has made up by the same name.
OWN_ZONE = """\
BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:{offset}
TZOFFSETTO:{offset}
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:{name}
DTSTAMP:20261101T000000Z
DTSTART;TZID=Customized Time Zone:20261118T{hour}0000
DURATION:PT1H
SUMMARY:{name}
END:VEVENT"""
OTHER_WEEK = """\
BEGIN:VEVENT
UID:other
DTSTAMP:20261101T000000Z
DTSTART:20261001T090000Z
DTEND:20261001T100000Z
SUMMARY:Long ago
END:VEVENT"""


@pytest.fixture(params=[Radicale, Xandikos], ids=["radicale", "xandikos"])
def server(request, folder):
    """A server with Ada's work and private calendars, and one for tasks."""
    server = request.param(folder / "server")
    work, private = server.make_calendar("work"), server.make_calendar("private")
    server.make_calendar("tasks", ["VTODO"])
    server.put(work, "planning", MEETING)
    server.put(work, "standing", SERIES)
    server.put(work, "other", OTHER_WEEK)
    server.put(private, "days", DAYS)
    yield server
    server.stop()
    print(server.log())


@pytest.fixture
def visitor(make_kontor, folder):
    return Visitor(make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"}))


def connect(visitor, address, login=LOGIN, password=PASSWORD):
    return visitor.ask("/connect/caldav", {"address": address, "login": login,
                                           "password": password})


def check_week(visitor):
    week = visitor.week()
    totals = week["totals"]
    assert totals["one_off"] == {"count": 1, "minutes": 90}
    assert totals["recurring"] == {"count": 1, "minutes": 120}
    assert totals["all_day"] == {"count": 1, "days": 1, "event_days": 1}
    assert [person["address"] for person in week["people"]] == ["grace@example.org"]
    assert week["warnings"] == []
    assert {event["summary"] for event in week["events"]} == {"Planning", "Standing", "Sunday"}


@pytest.mark.parametrize("path", ["", "/", "principal", "home"])
def test_week(visitor, server, path):
    """Who enters the address of their server, or of themselves there, would see nothing, or
    wrong hours."""
    places = {"principal": server.base.replace("calendars/", ""), "home": server.base}
    response = connect(visitor, server.url + places.get(path, path))
    assert response.status == 200, response.body
    connection, = json.loads(response.body)["connections"]
    names = {calendar["name"] for calendar in connection["calendars"]}
    assert {"Private", "Work"} <= names
    # Xandikos says of each calendar that it takes events.
    assert isinstance(server, Xandikos) or "Tasks" not in names
    assert connection["kind"] == "caldav" and "127.0.0.1" in connection["label"]
    check_week(visitor)


def test_one_calendar(visitor, server):
    """Who enters one calendar would get all of them."""
    response = connect(visitor, f"{server.url}{server.base}private/")
    assert response.status == 200, response.body
    totals = visitor.week()["totals"]
    assert totals["all_day"]["count"] == 1 and totals["one_off"]["count"] == 0


def test_choice(visitor, server):
    """Calendars that were unticked would count all the same."""
    connect(visitor, server.url)
    connection, = visitor.connections()
    work = [calendar["id"] for calendar in connection["calendars"] if calendar["name"] == "Work"]
    visitor.json("/choose", {"id": connection["id"], "chosen": work})
    totals = visitor.week()["totals"]
    assert totals["all_day"]["count"] == 0 and totals["one_off"]["count"] == 1


def test_change_is_seen_at_once(visitor, server):
    """People would see last hour's calendar."""
    connect(visitor, server.url)
    check_week(visitor)
    server.put(f"{server.base}work/", "planning", MEETING.replace("103000", "110000"))
    assert visitor.week()["totals"]["one_off"]["minutes"] == 120


def test_each_event_has_zones_of_its_own(visitor, server):
    """A meeting would be shown hours away, in the zone of another one."""
    work = f"{server.base}work/"
    server.put(work, "west", OWN_ZONE.format(name="West", offset="-0500", hour="09"))
    server.put(work, "east", OWN_ZONE.format(name="East", offset="+0100", hour="10"))
    connect(visitor, server.url)
    week = visitor.json("/week?date=2026-11-18&tz=UTC")
    starts = {event["summary"]: event["start"] for event in week["events"]}
    assert starts["West"] == "2026-11-18T14:00:00+00:00"
    assert starts["East"] == "2026-11-18T09:00:00+00:00"
    assert week["warnings"] == []


@pytest.mark.parametrize("server", [Radicale], indirect=True, ids=["radicale"])
def test_wrong_password(visitor, server):
    """Who mistypes the password would be connected with nothing."""
    response = connect(visitor, server.url, password="wrong")
    assert response.status == 422 and b"password" in response.body
    assert visitor.connections() == []


@pytest.mark.parametrize("server", [Radicale], indirect=True, ids=["radicale"])
def test_password_is_sealed(visitor, server, folder):
    """Who gets hold of a backup could read, and write, everybody's calendar."""
    connect(visitor, server.url)
    stored = b"".join(path.read_bytes() for path in folder.glob("store.db*"))
    assert b"account/" in stored
    for text in (PASSWORD, "pass word", base64.b64encode(PASSWORD.encode()).decode()):
        assert text.encode() not in stored and text not in visitor.kontor.log()


def test_server_goes_away(visitor, server):
    """A server that is down would look like a free week."""
    connect(visitor, server.url)
    server.stop()
    response = visitor.ask("/week?date=2026-11-18")
    assert response.status == 502
    assert response.headers["x-calendar-trouble"] == "unreachable"


# ---------------------------------------------------------------- bad days

MULTISTATUS = """<?xml version="1.0"?>
<d:multistatus xmlns:d="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav">%s</d:multistatus>"""
RESOURCE = """<d:response><d:href>/dav/</d:href><d:propstat><d:prop>%s</d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"""
CALENDAR = RESOURCE % ("<d:resourcetype><d:collection/><cal:calendar/></d:resourcetype>"
                       "<d:displayname>One &amp; only</d:displayname>")
BOMB = ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(97 + i)} "{f"&{chr(96 + i)};" * 10}">' for i in range(1, 9)) +
    ']><d:multistatus xmlns:d="DAV:"><d:response><d:href>&i;</d:href></d:response></d:multistatus>')
FILE = ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        '<d:multistatus xmlns:d="DAV:"><d:response><d:href>&a;</d:href></d:response></d:multistatus>')


class Dav(Upstream):
    """A CalDAV server with one calendar; `said` is what it says instead."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.said, self.status, self.fields = None, 207, {}

    def find(self, path):
        return self.on_request

    async def on_request(self, request, query, reader, writer):
        data = f"<cal:calendar-data>BEGIN:VCALENDAR\nVERSION:2.0\n{MEETING}\nEND:VCALENDAR\n" \
               "</cal:calendar-data>"
        good = MULTISTATUS % (RESOURCE % data if request.method == "REPORT" else CALENDAR)
        text = good if self.said is None else self.said
        writer.write(answer(text.encode(), self.status, Content_Type="application/xml",
                            **self.fields))
        return True


@pytest.fixture
def dav():
    with Dav() as server:
        yield server


def test_bearer(visitor, dav):
    """Servers that want a token instead of a password could not be used."""
    assert connect(visitor, f"{dav.url}/dav/", login="", password="a-token").status == 200
    assert visitor.week()["totals"]["one_off"]["count"] == 1
    assert {request.headers["authorization"] for request in dav.requests} == {"Bearer a-token"}


def test_query(visitor, dav):
    """A server would be asked for more than the week, or would expand in its own way."""
    connect(visitor, f"{dav.url}/dav/")
    visitor.week()
    report = dav.requests[-1]
    assert report.method == "REPORT" and report.headers["depth"] == "1"
    assert re.search(rb'time-range start="20261114T230000Z" end="20261123T230000Z"', report.body)
    assert b"expand" not in report.body
    login = base64.b64decode(report.headers["authorization"].split()[1]).decode()
    assert login == f"{LOGIN}:{PASSWORD}"


@pytest.mark.parametrize("said", [BOMB, FILE, "", "<html><p>busy</html>", "{}", "<a>" * 100000,
                                  MULTISTATUS[:60], MULTISTATUS % ("<d:response/>" * 30000)],
                         ids=["bomb", "file", "empty", "html", "json", "deep", "cut", "many"])
def test_hostile_answers(visitor, dav, said):
    """A server could take kontor down, or read files of it."""
    assert connect(visitor, f"{dav.url}/dav/").status == 200
    dav.said = said
    response = visitor.ask("/week?date=2026-11-18")
    assert response.status in (502, 503), response.body
    assert response.headers["x-calendar-trouble"] in ("broken", "too_large")
    dav.said = None
    assert visitor.week()["totals"]["one_off"]["count"] == 1


@pytest.mark.parametrize("status, trouble", [(401, "reconnect"), (403, "denied"), (404, "gone"),
                                             (429, "busy"), (500, "broken"), (503, "busy"),
                                             (200, "gone")])
def test_trouble_is_told(visitor, dav, status, trouble):
    """People would not know what is wrong, or what to do."""
    connect(visitor, f"{dav.url}/dav/")
    dav.status = status
    response = visitor.ask("/week?date=2026-11-18")
    assert response.headers["x-calendar-trouble"] == trouble
    assert json.loads(response.body)["detail"]


def test_refused_password_is_not_tried_again(visitor, dav):
    """Who changed their password at the server would be locked out there by kontor's attempts."""
    connect(visitor, f"{dav.url}/dav/")
    dav.status = 401
    assert visitor.ask("/week?date=2026-11-18").status == 409
    before = len(dav.requests)
    response = visitor.ask("/week?date=2026-11-18")
    assert response.status == 409 and b"connect it again" in response.body
    assert len(dav.requests) == before
    assert visitor.connections()[0]["needs_reconnect"]
    dav.status = 207
    assert connect(visitor, f"{dav.url}/dav/", password="new").status == 200
    assert visitor.week()["totals"]["one_off"]["count"] == 1
    assert len(visitor.connections()) == 1


def test_password_stays_with_the_server(visitor, dav):
    """A server could have people's passwords sent to another one."""
    with Dav() as thief:
        dav.status, dav.fields = 302, {"Location": f"{thief.url}/dav/"}
        assert connect(visitor, f"{dav.url}/dav/").status == 422
        dav.status, dav.fields = 207, {}
        dav.said = MULTISTATUS % (RESOURCE % (
            f"<d:current-user-principal><d:href>{thief.url}/ada/</d:href>"
            "</d:current-user-principal>"))
        assert connect(visitor, f"{dav.url}/dav/").status == 422
        assert thief.requests == []


def test_broken_event_is_the_only_one_that_is_missing(visitor, dav):
    """One event that a server has damaged would hide all that follow, or the whole calendar."""
    connect(visitor, f"{dav.url}/dav/")
    cut = f"BEGIN:VCALENDAR\nVERSION:2.0\n{DAYS}".replace("END:VEVENT", "")
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\n{MEETING}\nEND:VCALENDAR\n"
    for texts, warning in (((cut, whole), "incomplete"), (("busy", whole), "no iCalendar text")):
        dav.said = MULTISTATUS % "".join(
            RESOURCE % f"<cal:calendar-data>{text}</cal:calendar-data>" for text in texts)
        week = visitor.week()
        assert [event["summary"] for event in week["events"]] == ["Planning"]
        told, = week["warnings"]
        assert warning in told


# ---------------------------------------------------------------- calendars on another server

PRINCIPAL = "<d:current-user-principal><d:href>%s</d:href></d:current-user-principal>"
HOME = "<cal:calendar-home-set><d:href>%s</d:href></cal:calendar-home-set>"


@pytest.fixture
def tls(folder, monkeypatch):
    """What serves with a certificate that kontor trusts. Before `visitor`."""
    certificate, context = make_certificate(folder, "127.0.0.1", "127.0.0.2")
    trust(monkeypatch, folder, certificate)
    return context


@pytest.mark.parametrize("named", [HOME, PRINCIPAL], ids=["home", "principal"])
def test_calendars_on_another_server(tls, visitor, named):
    """iCloud could not be connected: it has everybody's calendars on one of many servers."""
    with Dav(tls=tls) as front, Dav(host="127.0.0.2", tls=tls) as shard:
        front.said = MULTISTATUS % (RESOURCE % (named % f"{shard.url}/dav/"))
        shard.said = MULTISTATUS % (RESOURCE % (
            HOME % "/dav/" + "<d:resourcetype><d:collection/><cal:calendar/></d:resourcetype>"))
        response = connect(visitor, front.url)
        assert response.status == 200, response.body
        shard.said = None
        asked = len(front.requests)
        assert visitor.week()["totals"]["one_off"]["count"] == 1
        assert len(front.requests) == asked and shard.requests[-1].method == "REPORT"
        assert len({request.headers["authorization"] for request in shard.requests}) == 1
        connection, = visitor.connections()
        assert connection["label"] == f"127.0.0.1:{front.port}"
        calendar, = connection["calendars"]
        assert calendar["id"] == f"{shard.url}/dav/"


@pytest.mark.parametrize("named", [HOME, PRINCIPAL], ids=["home", "principal"])
def test_password_does_not_leave_without_tls(tls, visitor, named):
    """A password that was entered for https would go over the wire for everybody to read."""
    with Dav(tls=tls) as front, Dav(host="127.0.0.2") as shard:
        front.said = MULTISTATUS % (RESOURCE % (named % f"{shard.url}/dav/"))
        response = connect(visitor, front.url)
        assert response.status == 422 and b"unprotected" in response.body
        assert shard.requests == [] and visitor.connections() == []


def test_redirect_takes_no_password_along(tls, visitor):
    """Whoever can make a server redirect would get the passwords of all who have calendars there."""
    with Dav(tls=tls) as front, Dav(host="127.0.0.2", tls=tls) as thief:
        front.status, front.fields = 302, {"Location": f"{thief.url}/dav/"}
        assert connect(visitor, front.url).status == 422
        assert thief.requests == []


def test_listed_calendar_of_another_server(tls, visitor):
    """A list of calendars could have the password sent wherever it likes."""
    with Dav(tls=tls) as front, Dav(host="127.0.0.2", tls=tls) as other:
        front.said = MULTISTATUS % (
            RESOURCE % (HOME % "/dav/") +
            CALENDAR.replace("<d:href>/dav/</d:href>", f"<d:href>{other.url}/dav/</d:href>"))
        response = connect(visitor, front.url)
        assert response.status == 422 and b"no calendar" in response.body
        assert other.connections == 0


def test_another_server_in_the_own_network(tls, make_kontor, folder):
    """People could look around in the operator's network, by way of a server of theirs."""
    visitor = Visitor(make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.1/32"}))
    with Dav(tls=tls) as front, Dav(host="127.0.0.2", tls=tls) as inside:
        front.said = MULTISTATUS % (RESOURCE % (HOME % f"{inside.url}/dav/"))
        response = connect(visitor, front.url)
        assert response.status == 422 and b"refused" in response.body
        assert inside.connections == 0


def test_own_network(make_kontor, folder, dav):
    """People could look around in the operator's network."""
    visitor = Visitor(make_calendar(make_kontor, folder))
    response = connect(visitor, f"{dav.url}/dav/")
    assert response.status == 422 and b"refused" in response.body
    assert dav.requests == []
