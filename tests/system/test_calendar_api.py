# SPDX-License-Identifier: BSD-2-Clause
"""The week of a real iCalendar file, as JSON, through kontord."""

import pytest
import requests

# A week of which each number is known; times are Berlin's, an hour before UTC's in this week.
CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//kontor//test//EN
X-WR-CALNAME:ada@example.org
BEGIN:VEVENT
UID:one
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Berlin:20261116T090000
DTEND;TZID=Europe/Berlin:20261116T103000
SUMMARY:Planning
ORGANIZER:mailto:ada@example.org
ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org
ATTENDEE;CN=Grace;PARTSTAT=ACCEPTED:mailto:grace@example.org
END:VEVENT
BEGIN:VEVENT
UID:two
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Berlin:20261103T140000
DTEND;TZID=Europe/Berlin:20261103T150000
RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=20
SUMMARY:Standing
ORGANIZER:mailto:ada@example.org
ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org
ATTENDEE;CN=Grace;PARTSTAT=ACCEPTED:mailto:grace@example.org
ATTENDEE;CN=Edsger;PARTSTAT=ACCEPTED:mailto:edsger@example.org
END:VEVENT
BEGIN:VEVENT
UID:three
DTSTAMP:20261101T000000Z
DTSTART;VALUE=DATE:20261118
DTEND;VALUE=DATE:20261120
SUMMARY:Conference
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def address(folder, make_kontor, make_frontend):
    """Where the weeks are."""
    file = folder / "calendar.ics"
    file.write_bytes(CALENDAR.replace("\n", "\r\n").encode())
    kontor = make_kontor(plugins=("calendar",), sections={
        "calendar": {"file": str(file), "timezone": "Europe/Berlin"}})
    return make_frontend("nginx", kontor).url + "/api/calendar/week"


def test_hours_of_a_week(address):
    """People would plan by wrong hours."""
    answer = requests.get(address, params={"date": "2026-11-18"})
    assert answer.status_code == 200
    week = answer.json()
    assert week["week"]["first_date"] == "2026-11-16"
    assert week["week"]["last_date"] == "2026-11-22"
    assert week["totals"]["one_off"] == {"count": 1, "minutes": 90}
    assert week["totals"]["recurring"] == {"count": 2, "minutes": 120}
    assert week["totals"]["all_day"]["count"] == 1
    assert [day["one_off_minutes"] for day in week["days"]] == [90, 0, 0, 0, 0, 0, 0]
    assert [day["recurring_minutes"] for day in week["days"]] == [0, 60, 0, 60, 0, 0, 0]
    assert [day["all_day"] for day in week["days"]][2:4] == [["Conference"]] * 2
    people = {person["address"]: person["minutes"] for person in week["people"]}
    assert people == {"grace@example.org": 210, "edsger@example.org": 120}


def test_previous_and_next_week(address):
    """One could not leaf through the weeks."""
    week = requests.get(address, params={"date": "2026-11-18"}).json()
    before = requests.get(address, params={"date": week["week"]["previous"]}).json()
    assert before["week"]["first_date"] == "2026-11-09"
    assert before["week"]["next"] == "2026-11-16"
    assert before["totals"]["recurring"] == {"count": 2, "minutes": 120}
    assert before["totals"]["one_off"]["count"] == 0
    after = requests.get(address, params={"date": week["week"]["next"]}).json()
    assert after["week"]["first_date"] == "2026-11-23"


def test_comparison_with_the_weeks_before(address):
    """One could not tell whether it is getting better or worse."""
    week = requests.get(address, params={"date": "2026-11-18", "compare": "1"}).json()
    comparison = week["comparison"]
    assert comparison["weeks"] == 4
    # the series began two weeks before; a mean is of all four weeks
    assert comparison["meetings"] == {"now": 3, "last": 2, "mean": 1}
    assert comparison["minutes"] == {"now": 210, "last": 120, "mean": 60}
    assert comparison["new_people"] == []
    first = requests.get(address, params={"date": "2026-11-03", "compare": "1"}).json()
    assert first["comparison"]["meetings"] == {"now": 2, "last": 0, "mean": 0}
    assert first["comparison"]["new_people"] == ["edsger@example.org", "grace@example.org"]
    # the week itself is the same with and without
    alone = requests.get(address, params={"date": "2026-11-18"}).json()
    assert "comparison" not in alone
    del week["comparison"]
    assert week == alone


def test_working_time_is_configured(folder, make_kontor, make_frontend):
    """Who works on Sundays, or at night, would be told wrong hours of focus and overtime."""
    file = folder / "calendar.ics"
    file.write_bytes(CALENDAR.replace("\n", "\r\n").encode())
    kontor = make_kontor(plugins=("calendar",), sections={"calendar": {
        "file": str(file), "timezone": "Europe/Berlin", "working_days": "sunday-tuesday",
        "working_hours": "10:00-15:00", "focus_at_least": "5h", "large_over": "2"}})
    url = make_frontend("nginx", kontor).url + "/api/calendar/week"
    totals = requests.get(url, params={"date": "2026-11-18"}).json()["totals"]
    assert totals["work"]["minutes"] == 3 * 5 * 60
    # an hour before ten on Monday; all of Thursday, which is a day off
    assert totals["work"]["after_hours_minutes"] == 60 + 60
    # only Sunday is free for five hours; Monday from 10:30, Tuesday until 14:00
    assert totals["work"]["focusable"] == {"count": 1, "minutes": 300}
    assert totals["work"]["fragmented"] == {"count": 2, "minutes": 270 + 240}
    assert totals["sizes"]["large"]["count"] == 2


def test_weeks_that_begin_on_sunday(address):
    """Who begins the week on Sunday would find that Sunday in the week before."""
    week = requests.get(address, params={"date": "2026-11-15", "week_start": "sunday"}).json()
    assert (week["week"]["first_date"], week["week"]["last_date"]) == ("2026-11-15", "2026-11-21")
    assert week["week"]["week_start"] == "sunday"
    assert [day["recurring_minutes"] for day in week["days"]] == [0, 0, 60, 0, 60, 0, 0]
    saturday = requests.get(address, params={"date": "2026-11-14", "week_start": "sunday"}).json()
    assert saturday["week"]["first_date"] == "2026-11-08"


def test_another_time_zone(address):
    """Travellers would see their meetings at the wrong time, or on the wrong day."""
    week = requests.get(address, params={"date": "2026-11-18", "tz": "Asia/Tokyo"}).json()
    assert week["week"]["timezone"] == "Asia/Tokyo"
    starts = {event["summary"]: event["start"] for event in week["events"]}
    assert starts["Planning"] == "2026-11-16T17:00:00+09:00"


@pytest.mark.parametrize("query", [{"date": "yesterday"}, {"date": "2026-02-30"},
                                   {"tz": "Mars/Olympus"}, {"tz": "../../etc/passwd"},
                                   {"tz": "GMT+0100"}, {"tz": "Foo+3"}, {"tz": "posixrules"}])
def test_questions_that_make_no_sense(address, query):
    """A mistyped address would show a week that nobody asked for."""
    answer = requests.get(address, params=query)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["detail"]


def test_file_changes(address, folder):
    """The page would show an old week until kontor is restarted."""
    assert requests.get(address, params={"date": "2026-11-18"}).json()["totals"]["one_off"]["count"]
    file = folder / "calendar.ics"
    file.write_bytes(file.read_bytes().replace(b"SUMMARY:Planning", b"SUMMARY:Planning anew"))
    week = requests.get(address, params={"date": "2026-11-18"}).json()
    assert "Planning anew" in {event["summary"] for event in week["events"]}


def test_file_is_gone(address, folder):
    """A missing file would look like an empty week."""
    (folder / "calendar.ics").unlink()
    answer = requests.get(address)
    assert answer.status_code >= 500
    assert answer.headers["Content-Type"].startswith("application/problem+json")
