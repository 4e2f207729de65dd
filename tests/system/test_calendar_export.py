# SPDX-License-Identifier: BSD-2-Clause
"""Any days in a row, as JSON and as a table for spreadsheets."""

import csv
import io

import pytest
import requests

from calendars import Visitor, make_calendar
from google import Google
from kontor import ROOT
from spreadsheets import FORMULAS, live_formulas
from test_calendar_url import Files

WEEK = ROOT / "tests" / "data" / "week.ics"
# Nothing in it is harmless to a spreadsheet.
HOSTILE = """\
BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:x
DTSTART;TZID=Europe/Berlin:20261117T090000
DURATION:PT30M
SUMMARY:=HYPERLINK("http://evil.example/"\\, "invoice")
ORGANIZER;CN=+Ada:mailto:ada@example.org
ATTENDEE;CN="Grüße, 日本":mailto:bob@example.org
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


@pytest.fixture
def url(folder, make_kontor, make_frontend):
    """The API of a kontor with one file for all, which is of a person of that file."""
    kontor = make_kontor(plugins=("calendar",), sections={"calendar": {
        "file": str(WEEK), "timezone": "Europe/Berlin", "owner": "me@example.org"}})
    return make_frontend("nginx", kontor).url + "/api/calendar"


def rows(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.content.endswith(b"\r\n")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_events_of_a_week(url):
    """People could not take their week into a spreadsheet, or would find other hours there."""
    answer = requests.get(f"{url}/export", params={"from": "2026-10-19", "to": "2026-10-25"})
    events = rows(answer)
    assert "calendar-events-2026-10-19-2026-10-25.csv" in answer.headers["Content-Disposition"]
    week = requests.get(f"{url}/week", params={"date": "2026-10-19"}).json()
    assert len(events) == week["events_total"]
    meetings = [event for event in events if event["kind"] in ("one_off", "recurring")]
    assert len(meetings) == week["totals"]["meetings"]["count"]
    assert round(sum(float(event["hours"]) for event in meetings) * 60) == \
        week["totals"]["meetings"]["minutes"]
    clocks, = [event for event in events if event["title"] == "Over the change of clocks"]
    # from 1:30 to 3:30, in a night whose third hour comes twice
    assert (clocks["start"], clocks["end"]) == ("2026-10-25 01:30:00", "2026-10-25 03:30:00")
    assert (clocks["hours"], clocks["offset"]) == ("3", "UTC+02:00")


def test_other_tables(url):
    """One would have to add up by hand who took how many hours."""
    span = {"from": "2026-10-19", "to": "2026-10-25"}
    people = rows(requests.get(f"{url}/export", params={**span, "what": "people"}))
    week = requests.get(f"{url}/week", params={"date": "2026-10-19"}).json()
    assert [(person["address"], round(float(person["hours"]) * 60)) for person in people] == \
        [(person["address"], person["minutes"]) for person in week["people"]]
    days = rows(requests.get(f"{url}/export", params={**span, "what": "days"}))
    assert [day["date"] for day in days] == [day["date"] for day in week["days"]]
    assert [float(day["hours"]) for day in days] == [24] * 6 + [25]
    series = rows(requests.get(f"{url}/export", params={**span, "what": "series"}))
    assert float(series[0]["person_hours"]) * 60 == week["series"][0]["person_minutes"]


def test_which_calendar_an_event_is_in(folder, make_kontor):
    """Who has one calendar for work and one for the family could not tell them apart."""
    with Google() as google, Files() as files:
        ada = google.person("ada@example.org")
        team = ada.add_calendar("team@group.calendar.google.com", "Team, \"north\"")
        for name, calendar in (("Own", None), ("Shared", team)):
            ada.add(name, "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00", calendar,
                    id=name.lower())
        kontor = make_calendar(make_kontor, folder, {"fetch_allow": "127.0.0.0/8"},
                               **google.options())
        visitor = Visitor(kontor)
        visitor.connect_google()
        assert visitor.json("/connect/url", {"address": f"{files.url}/a.ics"})
        answer = visitor.ask("/export?from=2026-11-16&to=2026-11-22")
    table = csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")))
    found = {event["title"]: event["calendar"] for event in table}
    assert found == {"Own": "ada@example.org", "Shared": 'Team, "north"',
                     "Planning": files.url.partition("//")[2]}


def test_a_quarter(url):
    """A quarter would have to be put together of thirteen weeks."""
    quarter = {"from": "2026-10-01", "to": "2026-12-31"}
    answer = requests.get(f"{url}/range", params=quarter)
    assert answer.status_code == 200
    assert "breakdown;dur=" in answer.headers["Server-Timing"]
    assert len(answer.json()["days"]) == 92
    # each working day but one has a stand-up of half an hour, one of which takes 45 minutes
    assert answer.json()["totals"]["recurring"] == {"count": 65, "minutes": 64 * 30 + 45}
    assert len(rows(requests.get(f"{url}/export", params=quarter))) == answer.json()["events_total"]


def test_another_zone(url):
    """Travellers would find their meetings at another time than on the page."""
    events = rows(requests.get(f"{url}/export", params={
        "from": "2026-10-20", "to": "2026-10-20", "tz": "Asia/Tokyo"}))
    assert {event["start"] for event in events} == {"2026-10-20 20:00:00"}
    assert {event["offset"] for event in events} == {"UTC+09:00"}


def test_formulas_stay_texts(url):
    """Who invites somebody could run a formula in their spreadsheet."""
    answer = requests.post(f"{url}/export", params={"from": "2026-11-16", "to": "2026-11-22"},
                           data=HOSTILE, headers={"Content-Type": "text/calendar"})
    event, = rows(answer)
    assert event["title"] == "'=HYPERLINK(\"http://evil.example/\", \"invoice\")"
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in event.values())
    assert "Grüße, 日本" in event["names"]


def invitation(number, title):
    """An event of a stranger who writes the same wherever they can."""
    escaped = title.replace("\\", "\\\\")
    for plain in ";,":
        escaped = escaped.replace(plain, "\\" + plain)
    escaped = escaped.replace("\n", "\\n")
    name = title.replace('"', "^'").replace("\n", "^n")
    return (f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:20261117T090000Z\r\nDURATION:PT30M\r\n"
            f"RRULE:FREQ=DAILY;COUNT=2\r\nSUMMARY:{escaped}\r\nLOCATION:{escaped}\r\nCATEGORIES:{escaped}\r\n"
            f'ORGANIZER;CN="{name}":mailto:a{number}@example.org\r\nEND:VEVENT\r\n')


@pytest.mark.parametrize("what", ["events", "people", "series"])
def test_no_text_is_calculated_wherever_cells_begin(folder, make_kontor, tmp_path, what):
    """Who invites somebody could run a formula where ";" separates cells, as in German Excel."""
    kontor = make_calendar(make_kontor, folder)
    calendar = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" +
                "".join(invitation(*item) for item in enumerate(FORMULAS)) + "END:VCALENDAR\r\n")
    answer = Visitor(kontor, None).ask(f"/export?from=2026-11-16&to=2026-11-22&what={what}",
                                       calendar.encode(), CONTENT_TYPE="text/calendar")
    assert answer.status == 200
    assert answer.body.count(b"SUM(40+2)") >= len(FORMULAS)
    assert live_formulas(answer.body, tmp_path) == []


@pytest.mark.parametrize("query", [
    {}, {"from": "2026-10-19"}, {"from": "2026-10-19", "to": "2026-10-18"},
    {"from": "2026-01-01", "to": "2027-06-01"}, {"from": "x", "to": "y"},
    {"from": "2026-10-19", "to": "2026-10-25", "what": "secrets"},
    {"from": "2026-10-19", "to": "2026-10-25", "tz": "Mars/Olympus"}])
def test_questions_that_make_no_sense(url, query):
    """A slip of the keyboard would keep the server busy with a century, or give an empty table."""
    answer = requests.get(f"{url}/export", params=query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_nobody_gets_others_rows(folder, make_kontor):
    """What somebody has connected would be everybody's."""
    kontor = make_calendar(make_kontor, folder)
    span = "/export?from=2026-10-19&to=2026-10-25"
    assert Visitor(kontor, None).ask(span).status == 401
    assert Visitor(kontor, "bob").ask(span).status == 404
    assert Visitor(kontor, None).ask(span + "&sample=1").status == 200
