# SPDX-License-Identifier: BSD-2-Clause
"""Spreadsheets of one's own calendar: of a quarter, and of nobody else's business."""

import asyncio
import csv
import datetime
import io
import json
import subprocess
import threading
import time
import zipfile
import zoneinfo
from concurrent.futures import ThreadPoolExecutor

import openpyxl
import pytest

from calendars import Visitor, make_calendar
from google import Google
from kontor import ENVIRONMENT, KONTORD, ROOT
from test_calendar_identity import Browser
from test_calendar_url import Files

QUARTER = {"from": "2026-10-01", "to": "2026-12-31", "zone": "Europe/Berlin"}
PEOPLE = """-- title: With whom
-- source: calendar
-- param: from date required
-- param: to date required
SELECT name, address, hours, meetings, first FROM people
"""


class Asker(Visitor):
    """Somebody who asks for reports."""

    def report(self, method, path, body=None, **others):
        data = b"" if body is None else json.dumps(body).encode()
        if self.user is not None:
            others["REMOTE_USER"] = self.user
        with self.kontor.client() as client:
            return client.get(f"/api/reports{path}", body=data, REQUEST_METHOD=method,
                              CONTENT_TYPE="application/json", **others)

    def start(self, report, parameters=None, form="csv", wait=20):
        return self.report("POST", f"/{report}/jobs", {
            "parameters": QUARTER if parameters is None else parameters, "format": form},
            HTTP_PREFER=f"wait={wait}")

    def make(self, *arguments, **others):
        """A report that is ready at once; its path below /api/reports."""
        response = self.start(*arguments, **others)
        assert response.status == 303, response.body
        return response.headers["location"].partition("/api/reports")[2]

    def rows(self, *arguments, **others):
        response = self.report("GET", self.make(*arguments, **others))
        assert response.status == 200
        return list(csv.DictReader(io.StringIO(response.body.decode("utf-8-sig"))))


@pytest.fixture
def google():
    with Google() as server:
        for name in ("ada", "bob"):
            person = server.person(f"{name}@example.org")
            for month, day in ((10, 5), (11, 17), (12, 30)):
                person.add(f"{name}'s talk", f"2026-{month}-{day:02}T09:00:00+01:00",
                           f"2026-{month}-{day:02}T10:30:00+01:00", attendees=[
                               {"email": person.address, "self": True, "responseStatus": "accepted"},
                               {"email": "eve@example.org", "displayName": "Eve",
                                "responseStatus": "accepted"}])
        yield server


@pytest.fixture
def kontor(folder, make_kontor, google):
    """A kontor with the reports of the examples that are about calendars, and one more."""
    reports = folder / "reports.d"
    reports.mkdir()
    for name in ("my-meetings", "my-weeks"):
        (reports / f"{name}.sql").write_text((ROOT / f"examples/reports.d/{name}.sql").read_text())
    (reports / "with-whom.sql").write_text(PEOPLE)

    def make(**options):
        options["sections"]["reports"] = {"definitions": reports}
        return make_kontor(**options)

    kontor = make_calendar(make, folder, workers=2, plugins=("calendar", "reports"),
                           settings={"fetch_allow": "127.0.0.0/8"}, **google.options())
    for name in ("ada", "bob"):
        Visitor(kontor, name).connect_google(f"{name}@example.org")
    return kontor


def test_a_quarter(kontor):
    """A quarter's hours would have to be copied week by week."""
    rows = Asker(kontor).rows("my-meetings")
    assert [row["Title"] for row in rows] == ["ada's talk"] * 3
    # nine o'clock by winter time is ten in October
    assert [(row["Day"], row["Begins"]) for row in rows] == [
        ("2026-10-05", "2026-10-05 10:00:00"), ("2026-11-17", "2026-11-17 09:00:00"),
        ("2026-12-30", "2026-12-30 09:00:00")]
    assert {(row["Hours"], row["With"], row["Called by"]) for row in rows} == {("1.5", "Eve", "me")}
    assert {row["Calendar"] for row in rows} == {"ada@example.org"}
    assert Asker(kontor).rows("my-meetings", {**QUARTER, "title": "nothing"}) == []
    people = Asker(kontor).rows("with-whom", {"from": "2026-11-01", "to": "2026-12-31"})
    assert people == [{"name": "Eve", "address": "eve@example.org", "hours": "3", "meetings": "2",
                       "first": "2026-11-17 09:00:00"}]


def test_today_is_that_of_the_person(folder, make_kontor):
    """A person's report of today would be about another day, far from Greenwich."""
    # No day is the same at both at once: they are 26 hours apart.
    zones = ("Pacific/Kiritimati", "Etc/GMT+12")
    reports = folder / "reports.d"
    reports.mkdir()
    text = PEOPLE.replace("required", "required default=today")
    (reports / "without.sql").write_text(text)
    (reports / "with.sql").write_text(text.replace("SELECT", "-- param: zone text\nSELECT", 1))
    calendar = folder / "own.ics"
    calendar.write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//T//T//EN\r\nEND:VCALENDAR\r\n")

    def make(**options):
        options["sections"]["reports"] = {"definitions": reports, "timezone": "UTC"}
        return make_kontor(**options)

    kontor = make_calendar(make, folder, plugins=("calendar", "reports"), timezone=zones[0],
                           file=calendar)

    def today(zone):
        return f"{datetime.datetime.now(zoneinfo.ZoneInfo(zone)):%Y-%m-%d}"

    def ordered(report, parameters):
        path = Asker(kontor).make(report, parameters).removesuffix("/file")
        return json.loads(Asker(kontor).report("GET", path).body)["title"]

    for report, parameters, zone in (("without", {}, zones[0]), ("with", {}, zones[0]),
                                     ("with", {"zone": zones[1]}, zones[1])):
        before = today(zone)
        title = ordered(report, parameters)
        assert any(f"from: {day}, to: {day}" in title for day in (before, today(zone))), title
    before = today(zones[0])
    form = json.loads(Asker(kontor).report("GET", "/without").body)["parameters"]
    assert form[0]["default"] in (before, today(zones[0]))


def test_a_spreadsheet(kontor):
    """What comes out would be no spreadsheet with totals and a chart."""
    asker = Asker(kontor)
    path = asker.make("my-weeks", form="xlsx")
    file = io.BytesIO(asker.report("GET", path).body)
    book = openpyxl.load_workbook(file)
    sheet = book.worksheets[0]
    weeks = [row for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] is not None]
    hours = {str(row[0])[:10]: row[1] for row in weeks}
    assert hours["2026-10-05"] == hours["2026-11-16"] == hours["2026-12-28"] == 1.5
    assert hours["2026-10-12"] == 0
    assert "2026-09-28" in hours
    assert "xl/charts/chart1.xml" in zipfile.ZipFile(file).namelist()


def test_who_is_deleted_leaves_no_reports(kontor):
    """Who has all data deleted would leave a quarter of meetings behind, in memory."""
    ada, bob = Asker(kontor), Asker(kontor, "bob")
    paths = [ada.make("my-meetings"), ada.make("my-meetings", form="xlsx"),
             ada.make("my-weeks")]
    kept = bob.make("my-meetings")
    assert ada.ask("/delete-me", {"delete": True}).status == 204
    assert [ada.report("GET", path).status for path in paths] == [404] * 3
    assert bob.report("GET", kept).status == 200
    assert len(json.loads(kontor.control("jobs", "--json").stdout)["jobs"]) == 1


def test_what_is_deleted_while_it_starts_stays_deleted(kontor):
    """A worker that hears late of a report that was cancelled and deleted would take it for one
    whose worker has died, and tell of that."""
    with Files() as files:
        for number in range(30):
            eve = Asker(kontor, f"eve{number}")
            assert eve.ask("/connect/url", {"address": f"{files.url}/e.ics"}).status == 200
            assert eve.start("my-meetings", wait=0).status == 202
            assert eve.ask("/delete-me", {"delete": True}).status == 204
    time.sleep(0.3)  # the last one would be told of late, too
    assert json.loads(kontor.control("jobs", "--json").stdout)["jobs"] == []


class SlowFiles(Files):
    """A server whose file can be held back."""

    def __init__(self):
        super().__init__()
        self.asked, self.may_answer = threading.Event(), threading.Event()

    async def on_request(self, *arguments):
        self.asked.set()
        while not self.may_answer.is_set():
            await asyncio.sleep(0.01)
        return await super().on_request(*arguments)


def test_deleted_twice_at_once(kontor):
    """Who clicks twice would be told that something can't be reached."""
    with ThreadPoolExecutor() as tabs:
        for number in range(10):
            ada = Asker(kontor, f"ada{number}")
            both = [tabs.submit(ada.ask, "/delete-me", {"delete": True}) for _ in range(2)]
            assert [one.result().status for one in both] == [204, 204]


def test_what_is_on_its_way_when_a_person_is_deleted_goes_too(kontor):
    """A report that another tab has ordered just before would stay behind, found by nobody."""
    eve = Asker(kontor, "eve")
    with SlowFiles() as files, ThreadPoolExecutor() as tabs:
        files.may_answer.set()
        assert eve.ask("/connect/url", {"address": f"{files.url}/e.ics"}).status == 200
        files.asked.clear()
        files.may_answer.clear()
        ordered = tabs.submit(eve.start, "my-meetings")
        assert files.asked.wait(20)
        assert eve.ask("/delete-me", {"delete": True}).status == 204
        files.may_answer.set()
        assert ordered.result().status == 409
    assert json.loads(kontor.control("jobs", "--json").stdout)["jobs"] == []


def test_nobody_else_finds_it(kontor):
    """A colleague who asks for the same quarter would get one's meetings; or could look them up."""
    ada, bob = Asker(kontor, "ada"), Asker(kontor, "bob")
    mine = ada.make("my-meetings")
    theirs = bob.make("my-meetings")
    assert mine != theirs
    assert b"bob" not in ada.report("GET", mine).body
    assert b"ada" not in bob.report("GET", theirs).body
    job = mine.rpartition("/file")[0]
    for other in (bob, Asker(kontor, None), Asker(kontor, "")):
        for path in (mine, job, f"{job}/preview", f"{job}/events"):
            assert other.report("GET", path).status == 404, path
        for path in (f"{job}/cancel", f"{job}/extend"):
            assert other.report("POST", path, {"retention_ms": 1000}).status == 404
        assert other.report("DELETE", job).status == 404
    assert [each["id"] for each in json.loads(ada.report("GET", "/jobs").body)["jobs"]] == [
        job.rpartition("/")[2]]
    assert job.encode() not in bob.report("GET", "/").body
    # who is nobody doesn't even see that there are such reports
    assert json.loads(Asker(kontor, None).report("GET", "/").body)["reports"] == []
    assert Asker(kontor, None).start("my-meetings").status == 404


def test_who_has_signed_in_at_the_calendar(kontor):
    """People whom the web server doesn't know would have their calendar, but no report of it."""
    browser = Browser(kontor)
    browser.connect_google("ada@example.org")
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    asker = Asker(kontor, None)
    listed = json.loads(asker.report("GET", "/", HTTP_COOKIE=cookies).body)
    assert listed["user"] == "ada@example.org"
    assert {report["name"] for report in listed["reports"]} == {
        "my-meetings", "my-weeks", "with-whom"}
    started = asker.report("POST", "/my-meetings/jobs", {"parameters": QUARTER, "format": "csv"},
                           HTTP_PREFER="wait=20", HTTP_COOKIE=cookies)
    path = started.headers["location"].partition("/api/reports")[2]
    assert b"ada's talk" in asker.report("GET", path, HTTP_COOKIE=cookies).body
    assert asker.report("GET", path).status == 404  # without the session
    listed = json.loads(Asker(kontor, "bob").report("GET", "/", HTTP_COOKIE=cookies).body)
    assert listed["user"] == "bob"  # whom the web server has signed in comes first


def test_asked_twice_made_once(kontor, google):
    """Each click would ask Google for the whole quarter again."""
    first = Asker(kontor).make("my-meetings")
    before = google.count("/events")
    assert Asker(kontor).make("my-meetings") == first
    assert google.count("/events") == before


def test_what_is_wrong_is_told(kontor, google):
    """One would wait for a report that never comes, without a reason."""
    asker = Asker(kontor)
    late = asker.start("my-meetings", {"from": "2026-01-01", "to": "2027-12-31"})
    assert late.status == 422 and b"372 days" in late.body
    for name in ("Mars/Olympus", "GMT+0100"):
        zone = asker.start("my-meetings", {**QUARTER, "zone": name})
        assert zone.status == 422 and b"time zone" in zone.body
    nothing = Asker(kontor, "carl").start("my-meetings")
    assert nothing.status == 422 and b"connected" in nothing.body
    google.refresh.clear()
    google.access.clear()
    assert asker.start("my-weeks").status == 409


def test_without_the_calendar(folder, make_kontor):
    """A report that nobody can make would hang."""
    reports = folder / "reports.d"
    reports.mkdir()
    (reports / "with-whom.sql").write_text(PEOPLE)
    kontor = make_kontor(plugins=("reports",), sections={"reports": {"definitions": reports}})
    response = Asker(kontor).start("with-whom", {"from": "2026-11-01", "to": "2026-12-31"})
    assert response.status == 503 and b"calendar" in response.body


@pytest.mark.parametrize("text, told", [
    (PEOPLE.replace("-- param: to date required\n", ""), "needs: param: to date required"),
    (PEOPLE.replace("from date required", "from text required"), "needs: param: from date"),
    (PEOPLE.replace("FROM people", "FROM person"), "no such table: person"),
    (PEOPLE.replace("FROM people", "FROM people; DELETE FROM people"), "one statement"),
    (PEOPLE.replace("SELECT name", "-- param: zone integer\nSELECT name"), "text or a choice")])
def test_mistakes_of_a_definition(folder, make_kontor, text, told):
    """An administrator's slip would be found by the first person who asks."""
    reports = folder / "reports.d"
    reports.mkdir()
    (reports / "with-whom.sql").write_text(text)
    kontor = make_kontor(start=False, plugins=("reports",),
                         sections={"reports": {"definitions": reports}})
    kontor.write_config()
    done = subprocess.run([KONTORD, "-c", kontor.config, "-t"], capture_output=True, text=True,
                          timeout=30, env=ENVIRONMENT, check=False)
    assert done.returncode != 0
    assert told in done.stderr and "with-whom.sql:" in done.stderr
