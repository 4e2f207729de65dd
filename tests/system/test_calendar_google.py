# SPDX-License-Identifier: BSD-2-Clause
"""A person's week out of Google Calendar: connecting, reading, and everything that can go wrong, through
the real kontord against Google's endpoints on this machine."""

import json
import subprocess
import urllib.parse

import pytest

import google as library
from calendars import PUBLIC_URL, Visitor, consent, make_calendar
from google import Google
from kontor import ENVIRONMENT, KONTORD

ADA, GRACE = "ada@example.org", "grace@example.org"


@pytest.fixture
def google():
    with Google() as server:
        yield server


@pytest.fixture
def ada(google):
    """Ada, with a week of which each number is known; times are Berlin's in winter."""
    person = google.person(ADA)
    both = [person.attendee(ADA), person.attendee("Grace@Example.org", displayName="Grace")]
    person.add("Planning", "2026-11-16T09:00:00+01:00", "2026-11-16T10:30:00+01:00", attendees=both)
    for day in (17, 19):
        person.add("Standing", f"2026-11-{day}T14:00:00+01:00", f"2026-11-{day}T15:00:00+01:00",
                   attendees=both, id=f"standing_{day}", iCalUID="standing@google.com",
                   recurringEventId="standing",
                   originalStartTime={"dateTime": f"2026-11-{day}T14:00:00+01:00"})
    person.add("Conference", "2026-11-18", "2026-11-20")
    return person


@pytest.fixture
def kontor(make_kontor, folder, google):
    return make_calendar(make_kontor, folder, **google.options())


@pytest.fixture
def visitor(kontor, ada):
    visitor = Visitor(kontor)
    assert visitor.connect_google() == {"connected": "google"}
    return visitor


def problem(response):
    """What a person reads, and the word for the page."""
    assert response.headers["content-type"] == "application/problem+json"
    return json.loads(response.body)["detail"], response.headers.get("x-calendar-trouble")


# ---------------------------------------------------------------- a good week

def test_week(visitor, google):
    """People would see wrong hours, or nobody whom they met."""
    totals = visitor.week()["totals"]
    assert totals["one_off"] == {"count": 1, "minutes": 90}
    assert totals["recurring"] == {"count": 2, "minutes": 120}
    assert totals["all_day"] == {"count": 1, "days": 2, "event_days": 2}
    week = visitor.week()
    assert [(person["name"], person["address"], person["minutes"]) for person in week["people"]] == [
        ("Grace", GRACE, 210)]
    assert week["warnings"] == []


def test_one_round_trip(visitor, google):
    """Each look at the week would take twice as long as Google needs."""
    before = len(google.requests)
    visitor.week()
    assert [request.path.partition("?")[0].rpartition("/")[2]
            for request in google.requests[before:]] == ["events"]


def test_only_needed_fields(visitor, google):
    """Descriptions and attachments of people's events would travel for nothing."""
    visitor.week()
    query = dict(urllib.parse.parse_qsl(google.requests[-1].path.partition("?")[2]))
    assert "description" not in query["fields"] and "summary" in query["fields"]
    assert query["timeMin"] == "2026-11-15T23:00:00Z" and query["timeMax"] == "2026-11-22T23:00:00Z"
    assert query["timeZone"] == "Europe/Berlin" and query["singleEvents"] == "true"


@pytest.mark.parametrize("empty", [False, True])
def test_all_pages(visitor, ada, google, empty):
    """Of a full week only the beginning would count."""
    for number in range(40):
        ada.add(f"Call {number}", "2026-11-20T09:00:00+01:00", "2026-11-20T09:15:00+01:00",
                attendees=[ada.attendee(ADA), ada.attendee(GRACE)])
    google.page_size, google.empty_pages = 7, empty
    assert visitor.week()["totals"]["one_off"]["count"] == 41


def test_large_pages(visitor, ada):
    """A week of a busy calendar would be missing, or hold up everybody else's."""
    crowd = [ada.attendee(f"guest{number}@example.org") for number in range(200)]
    for number in range(20):
        ada.add(f"Talk {number}", "2026-11-20T09:00:00+01:00", "2026-11-20T09:15:00+01:00",
                attendees=[ada.attendee(ADA), *crowd])
    week = visitor.week()
    assert week["totals"]["one_off"]["count"] == 21 and week["people_total"] == 201


def test_more_events_than_allowed(make_kontor, folder, google, ada):
    """Of an absurd calendar a part would count, without a word."""
    visitor = Visitor(make_calendar(make_kontor, folder, **google.options(), instances_max=2))
    visitor.connect_google()
    assert any("only the first 2" in warning for warning in visitor.week()["warnings"])


def test_answers(visitor, ada):
    """Meetings that were declined, or never answered, would count as held."""
    for answer in ("declined", "tentative", "needsAction"):
        ada.add(answer, "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00",
                attendees=[ada.attendee(ADA, answer), ada.attendee(GRACE)],
                organizer={"email": GRACE})
    ada.add("Maybe", "2026-11-20T09:00:00+01:00", "2026-11-20T09:30:00+01:00", status="tentative",
            attendees=[ada.attendee(ADA), ada.attendee(GRACE)])
    totals = visitor.week()["totals"]
    assert totals["declined"] == {"count": 1, "minutes": 60}
    assert totals["tentative"] == {"count": 2, "minutes": 90}
    assert totals["unanswered"] == {"count": 1, "minutes": 60}


def test_sorts_of_events(visitor, ada):
    """Focus time, absence and the place of work would count as meetings."""
    for kind in ("focusTime", "outOfOffice", "workingLocation", "birthday", "fromGmail"):
        ada.add(kind, "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00", eventType=kind)
    ada.add("free", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00",
            transparency="transparent")
    ada.add("cancelled", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00",
            status="cancelled")
    totals = visitor.week()["totals"]
    assert totals["focus"]["minutes"] == totals["out_of_office"]["minutes"] == 60
    assert totals["other"] == {"count": 3, "minutes": 180}
    assert totals["free"]["minutes"] == 60
    assert totals["own"]["count"] == 0


def test_people(visitor, ada):
    """Rooms and shared calendars would be told as people, the organiser would be missing."""
    room = {"email": "room@resource.calendar.google.com", "resource": True,
            "responseStatus": "accepted"}
    ada.add("Review", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00",
            attendees=[ada.attendee(ADA), room, ada.attendee("no@example.org", "declined")],
            organizer={"email": "Edsger@Example.org", "displayName": "Edsger"})
    ada.add("Shared", "2026-11-20T11:00:00+01:00", "2026-11-20T12:00:00+01:00",
            attendees=[ada.attendee(ADA)],
            organizer={"email": "x@group.calendar.google.com"})
    week = visitor.week()
    assert {person["address"] for person in week["people"]} == {GRACE, "edsger@example.org"}
    assert week["totals"]["own"] == {"count": 1, "minutes": 60}


def test_hidden_guests_are_told(visitor, ada):
    """People would take a meeting of many for one of two, without knowing."""
    ada.add("All hands", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00",
            attendees=[ada.attendee(ADA), ada.attendee(GRACE)], attendeesOmitted=True)
    assert any("All hands" in warning for warning in visitor.week()["warnings"])


def test_other_zone(visitor):
    """Travellers would see all-day events on the wrong day."""
    week = visitor.json("/week?date=2026-11-18&tz=Pacific/Auckland")
    assert [day["date"] for day in week["days"] if day["all_day"]] == ["2026-11-18", "2026-11-19"]


# ---------------------------------------------------------------- several calendars

def test_calendars_are_read_at_once(visitor, ada, google):
    """With many calendars people would wait for the sum of them."""
    for number in range(5):
        ada.add_calendar(f"c{number}@group.calendar.google.com", f"Calendar {number}")
        ada.add("There", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00",
                calendar=f"c{number}@group.calendar.google.com", id=f"there{number}",
                attendees=[ada.attendee(ADA), ada.attendee(GRACE)])
    visitor.connect_google()  # the list is read at once
    connection, = visitor.connections()
    everything = [calendar["id"] for calendar in connection["calendars"]]
    visitor.json("/choose", {"id": connection["id"], "chosen": everything})
    google.delay_ms = 400
    response = visitor.ask("/week?date=2026-11-18")
    assert json.loads(response.body)["totals"]["one_off"]["count"] == 6
    taken_ms = float(response.headers["server-timing"].split(";dur=")[1].split(",")[0])
    assert 400 <= taken_ms < 1200


@pytest.fixture
def curious(make_kontor, folder, google, ada):
    """A visitor whose list of calendars is looked at each time."""
    visitor = Visitor(make_calendar(make_kontor, folder, **google.options(), google_list_age="0s"))
    visitor.connect_google()
    return visitor


def test_new_calendar(curious, ada, google):
    """Who makes a calendar at Google would have to connect again."""
    curious.week()
    team = ada.add_calendar("team@group.calendar.google.com", "Team")
    ada.add("There", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00", calendar=team,
            id="there", attendees=[ada.attendee(ADA), ada.attendee(GRACE)])
    assert curious.week()["totals"]["one_off"]["count"] == 2
    connection, = curious.connections()
    assert [calendar["name"] for calendar in connection["calendars"]] == [ADA, "Team"]
    curious.json("/choose", {"id": connection["id"], "chosen": [ADA]})
    assert curious.week()["totals"]["one_off"]["count"] == 1
    assert not curious.connections()[0]["calendars"][1]["chosen"]


def test_calendar_that_is_gone(curious, ada, google):
    """Who deletes a calendar at Google would read of it for ever."""
    ada.add_calendar("team@group.calendar.google.com", "Team")
    assert curious.week()["warnings"] == []
    del ada.events["team@group.calendar.google.com"], ada.calendars[1]
    assert ["Team" in warning for warning in curious.week()["warnings"]] == [True]
    week = curious.week()
    assert week["warnings"] == [] and week["totals"]["one_off"]["count"] == 1


def test_expired_token_with_an_old_list(curious, ada, google):
    """The list and the events would each renew the token, or one of them be lost."""
    ada.add_calendar("team@group.calendar.google.com", "Team")
    google.expire_access()
    before = google.count("/token")
    week = curious.week()
    assert week["totals"]["one_off"]["count"] == 1 and week["warnings"] == []
    assert google.count("/token") == before + 1
    assert len(curious.connections()[0]["calendars"]) == 2


def test_list_that_fails(curious, google):
    """A week would fail since Google can't say which calendars there are."""
    google.fail(500, "/calendarList", times=10)
    week = curious.week()
    assert week["totals"]["one_off"]["count"] == 1 and week["warnings"] == []


def test_same_event_in_two_calendars(visitor, ada):
    """An event in one's own and the team's calendar would count twice."""
    team = ada.add_calendar("team@group.calendar.google.com", "Team")
    fields = {"id": "both", "attendees": [ada.attendee(ADA), ada.attendee(GRACE)]}
    for calendar in (None, team):
        ada.add("Both", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00", calendar, **fields)
    visitor.connect_google()
    connection, = visitor.connections()
    visitor.json("/choose", {"id": connection["id"], "chosen": [ADA, team]})
    assert visitor.week()["totals"]["one_off"] == {"count": 2, "minutes": 150}


def test_calendar_that_fails_is_told(visitor, ada, google):
    """One broken calendar would take the whole week along, or its hours would be missing in
    silence."""
    ada.add_calendar("team@group.calendar.google.com", "Team")
    visitor.connect_google()
    connection, = visitor.connections()
    visitor.json("/choose", {"id": connection["id"],
                             "chosen": [ADA, "team@group.calendar.google.com"]})
    google.fail(404, "team%40group.calendar.google.com/events")
    week = visitor.week()
    assert week["totals"]["one_off"]["count"] == 1
    assert [warning for warning in week["warnings"] if "Team" in warning]
    assert week["incomplete"]


# ---------------------------------------------------------------- what goes wrong

def test_expired_token_is_renewed(visitor, google):
    """After an hour people would have to connect again."""
    google.expire_access()
    assert visitor.week()["totals"]["one_off"]["count"] == 1
    before = google.count("/token")
    assert visitor.week()["totals"]["one_off"]["count"] == 1
    assert google.count("/token") == before  # the new one was kept


def test_token_is_renewed_in_time(kontor, ada, google):
    """Each first look after an hour would be refused once before it works."""
    google.lifetime_s = 30
    visitor = Visitor(kontor)
    visitor.connect_google()
    before = google.count("/events")
    assert visitor.week()["totals"]["one_off"]["count"] == 1
    assert google.count("/events") == before + 1


@pytest.mark.parametrize("expires", [False, True])
def test_list_that_was_not_there(kontor, ada, google, expires):
    """Who connects while Google's list fails would never see a calendar."""
    visitor = Visitor(kontor)
    google.fail(500, "/calendarList", times=4)
    assert visitor.connect_google() == {"connected": "google"}
    assert visitor.connections()[0]["calendars"] == []
    if expires:
        google.expire_access()
    assert visitor.week()["totals"]["one_off"]["count"] == 1


def test_nothing_chosen(visitor):
    """Who unticks everything would take it for a free week."""
    connection, = visitor.connections()
    visitor.json("/choose", {"id": connection["id"], "chosen": []})
    week = visitor.week()
    assert week["events_total"] == 0
    assert any("No calendar of Google" in warning for warning in week["warnings"])


def test_withdrawn_consent_is_told(visitor, google):
    """Who withdrew the consent at Google would read of a failure, for ever, and Google be asked
    for ever."""
    google.forget(next(iter(google.refresh)))
    detail, trouble = problem(visitor.ask("/week?date=2026-11-18"))
    assert trouble == "reconnect" and "connect it again" in detail
    assert visitor.connections()[0]["needs_reconnect"]
    before = len(google.requests)
    assert visitor.ask("/week?date=2026-11-18").status == 409
    assert len(google.requests) == before
    assert visitor.connect_google() == {"connected": "google"}
    assert visitor.week()["totals"]["one_off"]["count"] == 1
    assert len(visitor.connections()) == 1


def test_token_that_google_never_likes(visitor, google):
    """A request would go round in circles."""
    google.fail(401, times=50)
    detail, trouble = problem(visitor.ask("/week?date=2026-11-18"))
    assert trouble == "reconnect" and "own token" in detail
    assert google.count("/events") == 2 and len(google.requests) < 12


@pytest.mark.parametrize("trouble", [403, "user-limit", 429, 500, 503, "truncated", "silence", 410])
def test_passing_trouble(visitor, google, trouble):
    """A hiccup of Google's would be people's."""
    google.fail(trouble)
    assert visitor.week()["totals"]["one_off"]["count"] == 1


@pytest.mark.parametrize("trouble, word, status", [
    (403, "busy", 503), (429, "busy", 503), ("daily-limit", "busy", 503), (500, "broken", 502),
    ("garbage", "broken", 502), ("html", "broken", 502), ("truncated", "broken", 502),
    (410, "broken", 502), (404, "gone", 404), ("forbidden", "denied", 403),
    ("not-configured", "denied", 403), ("scopes", "reconnect", 409)])
def test_lasting_trouble_is_told(visitor, google, trouble, word, status):
    """People would not know what is wrong, or what to do."""
    google.fail(trouble, times=50)
    response = visitor.ask("/week?date=2026-11-18")
    detail, said = problem(response)
    assert (said, response.status) == (word, status)
    assert "Google" in detail
    assert google.count("/events") <= 8


def test_pause_that_is_too_long_is_told(visitor, google):
    """Who asks would wait for a pause that nobody has time for."""
    google.fail(429, retry_after=3600)
    response = visitor.ask("/week?date=2026-11-18")
    assert problem(response)[1] == "busy"
    assert 3600 <= int(response.headers["retry-after"]) < 3700
    assert google.count("/events") == 1


def test_pause_is_kept(visitor, google):
    """Google would block an installation that doesn't do as it says."""
    google.fail(429, retry_after=1)
    response = visitor.ask("/week?date=2026-11-18")
    assert response.status == 200
    assert float(response.headers["server-timing"].split(";dur=")[1].split(",")[0]) >= 1000


def test_slow_google(make_kontor, folder, google, ada):
    """A request would hang as long as Google does."""
    visitor = Visitor(make_calendar(make_kontor, folder, **{**google.options(),
                                                            "source_timeout": "1s"}))
    visitor.connect_google()
    google.delay_ms = 10000
    response = visitor.ask("/week?date=2026-11-18")
    assert response.status == 504 and problem(response)[1] == "late"


@pytest.mark.parametrize("event", [
    {"start": {}, "end": {}}, {"start": {"date": "2026-02-31"}, "end": {"date": "2026-03-01"}},
    {"start": "soon", "end": None}, {"start": {"dateTime": "2026-11-20T09:00:00"}, "end": {}},
    {"start": {"dateTime": 7}, "end": {"dateTime": []}}, {}])
def test_surprising_events(visitor, ada, event, monkeypatch):
    """One odd event would cost people the whole week."""
    ada.events[ADA].append({"id": "odd", "summary": "Odd one", "status": "confirmed", **event})
    monkeypatch.setattr(library.Google, "events", staticmethod(lambda events, query: events))
    week = visitor.week()
    assert week["totals"]["one_off"]["count"] == 1
    assert any("Odd one" in warning for warning in week["warnings"])


# ---------------------------------------------------------------- connecting

def test_refusal(kontor, ada):
    """Who says no to Google would be stuck there."""
    visitor = Visitor(kontor)
    assert visitor.connect_google(decision="deny") == {"problem": "refused"}
    assert visitor.connections() == []


def test_unticked_boxes(kontor, ada, google):
    """Who unticks the calendar would be connected, and see nothing ever."""
    visitor = Visitor(kontor)
    assert visitor.connect_google(without=[library.EVENTS_SCOPE]) == {"problem": "permissions"}
    assert visitor.connections() == [] and google.refresh == {}


@pytest.mark.parametrize("trouble, word", [(500, "broken"), (429, "busy"), ("garbage", "broken"),
                                           ("silence", "broken"), ("html", "broken")])
def test_trouble_while_connecting(kontor, ada, google, trouble, word):
    """Who connects on a bad day would end on a page of errors, or half connected."""
    visitor = Visitor(kontor)
    google.fail(trouble, "/token", times=8)
    assert visitor.connect_google() == {"problem": word}
    assert visitor.connections() == []


def test_hiccup_while_connecting(kontor, ada, google):
    """A hiccup of Google's would cost people a second try."""
    google.fail(500, "/token")
    assert Visitor(kontor).connect_google() == {"connected": "google"}


def test_wrong_client_secret(make_kontor, folder, google, ada):
    """An operator's mistake would look like the person's."""
    options = {**google.options(), "google_client_secret": "wrong"}
    kontor = make_calendar(make_kontor, folder, **options)
    assert Visitor(kontor).connect_google() == {"problem": "denied"}
    kontor.wait_log("client_id, client_secret")


def test_google_is_not_set_up(make_kontor, folder):
    """People would be sent to Google with nothing that Google knows."""
    visitor = Visitor(make_calendar(make_kontor, folder))
    response = visitor.ask("/connect/google")
    assert response.status == 501 and b"google_client_id" in response.body


@pytest.mark.parametrize("path, body, status", [
    ("/choose", [], 400), ("/choose", {"id": "x", "chosen": 7}, 400),
    ("/choose", {"id": "x", "chosen": []}, 404), ("/disconnect", {"id": 7}, 400),
    ("/choose", b"{", 400), ("/connect/caldav", {"address": "https://example.org", "login": "a:b"}, 400),
    ("/connect/url", {"address": 7}, 400)])
def test_questions_that_make_no_sense(visitor, path, body, status):
    """A page with a mistake would change what people have connected."""
    before = visitor.connections()
    assert visitor.ask(path, body, CONTENT_TYPE="application/json").status == status
    assert visitor.connections() == before


def test_too_many_connections(kontor, google):
    """One person could fill the store."""
    visitor = Visitor(kontor)
    for number in range(10):
        google.person(f"ada{number}@example.org")
        assert visitor.connect_google(f"ada{number}@example.org") == {"connected": "google"}
    google.person("one.more@example.org")
    assert visitor.connect_google("one.more@example.org") == {"problem": "too_many"}
    assert len(visitor.connections()) == 10


def test_state_of_somebody_else(kontor, ada, google):
    """A stranger could make people connect the stranger's calendar (login CSRF)."""
    stranger = Visitor(kontor, "mallory")
    address = consent(stranger.go_to_google(), ADA)
    assert Visitor(kontor, "ada").come_back(address) == {"problem": "state"}
    assert Visitor(kontor, "ada").connections() == []


@pytest.mark.parametrize("change", [lambda text: text[:-2] + "AA", lambda text: "v1.AAAA",
                                    lambda text: "", lambda text: text + "=" * 100])
def test_made_up_state(kontor, ada, google, change):
    """Anybody could send people back with a code of their own."""
    visitor = Visitor(kontor)
    url = urllib.parse.urlsplit(consent(visitor.go_to_google(), ADA))
    query = dict(urllib.parse.parse_qsl(url.query))
    query["state"] = change(query["state"])
    address = url._replace(query=urllib.parse.urlencode(query)).geturl()
    assert visitor.come_back(address) == {"problem": "state"}
    assert google.count("/token") == 0


def test_code_of_another_flow(kontor, ada, google):
    """A stolen code could be used by another (PKCE)."""
    visitor = Visitor(kontor)
    stolen = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(
        consent(visitor.go_to_google(), ADA)).query))["code"]
    url = urllib.parse.urlsplit(consent(visitor.go_to_google(), ADA))
    query = {**dict(urllib.parse.parse_qsl(url.query)), "code": stolen}
    address = url._replace(query=urllib.parse.urlencode(query)).geturl()
    assert visitor.come_back(address) == {"problem": "reconnect"}


def test_nobody_signed_in(kontor, ada):
    """Calendars would belong to whoever comes."""
    nobody = Visitor(kontor, None)
    for path in ("/connections", "/week?date=2026-11-18"):
        assert nobody.ask(path).status == 401


def test_disconnect(visitor, google):
    """Who disconnects would stay connected, here or at Google."""
    connection, = visitor.connections()
    assert visitor.json("/disconnect", {"id": connection["id"]}) == {"connections": []}
    assert google.refresh == {}
    assert visitor.ask("/week?date=2026-11-18").status == 404
    assert visitor.ask("/disconnect", {"id": connection["id"]}).status == 404


def test_form_of_another_site(visitor):
    """Another site could disconnect people's calendars (CSRF)."""
    response = visitor.ask("/disconnect", b'{"all": true}',
                           CONTENT_TYPE="application/x-www-form-urlencoded")
    assert response.status == 415
    assert visitor.ask("/disconnect", {"all": True}, HTTP_SEC_FETCH_SITE="cross-site").status == 403
    assert visitor.ask("/disconnect", {}).status == 400
    assert len(visitor.connections()) == 1


def test_two_people(visitor, kontor, google):
    """People would see each other's weeks."""
    google.person(GRACE).add("Alone", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00")
    grace = Visitor(kontor, "grace")
    assert grace.ask("/week?date=2026-11-18").status == 404
    grace.connect_google(GRACE)
    assert grace.week()["totals"]["own"]["count"] == 1
    assert visitor.week()["totals"]["own"]["count"] == 0


def test_tokens_are_sealed(visitor, google, folder):
    """Who gets hold of a backup could read everybody's calendar."""
    visitor.week()
    stored = b"".join(path.read_bytes() for path in folder.glob("store.db*"))
    assert b"account/" in stored
    for token in [*google.refresh, *google.access]:
        assert token.encode() not in stored
    assert all(token not in visitor.kontor.log() for token in [*google.refresh, *google.access])


def test_another_key(visitor, kontor, folder, google, make_kontor):
    """After the key is lost people would read of a broken server, and not what to do."""
    kontor.stop()
    (folder / "secret.key").write_bytes(bytes(32))
    other = Visitor(make_calendar(make_kontor, folder, **google.options()))
    assert problem(other.ask("/week?date=2026-11-18"))[1] == "reconnect"


def test_key_as_a_credential(make_kontor, folder, google, ada, monkeypatch):
    """An installation by the package could not connect anything: systemd hands its key over."""
    (folder / "secret.key").write_bytes(bytes(range(32)))
    (folder / "secret.key").chmod(0o600)
    monkeypatch.setitem(ENVIRONMENT, "CREDENTIALS_DIRECTORY", str(folder))
    kontor = make_kontor(plugins=("calendar",), settings={"store": f"sqlite:{folder}/store.db"},
                         sections={"calendar": {"public_url": PUBLIC_URL, **google.options()}})
    assert Visitor(kontor).connect_google() == {"connected": "google"}


def test_after_a_restart(visitor, kontor):
    """People would have to connect again after each update."""
    kontor.stop()
    kontor.start()
    assert visitor.week()["totals"]["one_off"]["count"] == 1


@pytest.mark.parametrize("mode, content", [(0o644, bytes(32)), (0o600, b"short"), (0o600, None)],
                         ids=["readable", "short", "missing"])
def test_bad_key_file(make_kontor, folder, mode, content):
    """Tokens would be sealed with a key that anybody can read, or that is none."""
    key = folder / "secret.key"
    if content is not None:
        key.write_bytes(content)
        key.chmod(mode)
    kontor = make_kontor(start=False, plugins=("calendar",),
                         sections={"calendar": {"key_file": str(key)}})
    result = subprocess.run([str(KONTORD), "-t", "-c", str(kontor.config)], capture_output=True,
                            text=True, stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
    assert result.returncode != 0
    assert str(key) in result.stdout + result.stderr
