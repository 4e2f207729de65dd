# SPDX-License-Identifier: BSD-2-Clause
"""Who somebody is: signing in with Google, sessions and their end, settings, deleting everything."""

import json
import re

import pytest

from calendars import Visitor, consent, make_calendar
from google import Google
from store import Store

ADA, GRACE = "ada@example.org", "grace@example.org"
DAY_MS = 24 * 3600 * 1000


class Browser(Visitor):
    """Somebody whom no web server authenticates, with a jar of cookies."""

    def __init__(self, kontor):
        super().__init__(kontor, None)
        self.cookies, self.lines = {}, []

    def ask(self, path, body=None, **others):
        if self.cookies:
            others.setdefault("HTTP_COOKIE", "; ".join(
                f"{name}={value}" for name, value in self.cookies.items()))
        response = super().ask(path, body, **others)
        head = bytes(response.stdout).partition(b"\r\n\r\n")[0].decode()
        for line in re.findall(r"(?im)^set-cookie: *(.*?)\r?$", head):
            self.lines.append(line)
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return response

    def me(self):
        return self.json("/me")


@pytest.fixture
def google():
    with Google() as server:
        server.person(ADA).add("Alone", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00")
        server.person(GRACE)
        yield server


@pytest.fixture
def kontor(make_kontor, folder, google):
    return make_calendar(make_kontor, folder, plugins=("calendar", "store"), **google.options())


@pytest.fixture
def ada(kontor):
    browser = Browser(kontor)
    assert browser.connect_google(ADA) == {"connected": "google"}
    return browser


def stored(kontor, prefix=""):
    """The documents of the calendar in the store."""
    return Store(kontor, space="calendar").scan_all(prefix)


def change_sessions(kontor, field, by):
    """As if it had been longer ago."""
    sessions = stored(kontor, "session/")
    assert sessions
    for document in sessions:
        session = json.loads(document.value)
        session[field] -= by
        answer = Store(kontor, space="calendar").put(document.key, json.dumps(session).encode())
        assert answer.error == ""


# ---------------------------------------------------------------- signing in

def test_sign_in(ada):
    """Without a web server that knows them, people could not use their calendars at all."""
    me = ada.me()
    assert (me["user"], me["signed_in_by"]) == (ADA, "session")
    assert [connection["label"] for connection in ada.connections()] == [ADA]
    assert ada.week()["totals"]["own"]["count"] == 1


def test_cookie(ada, kontor):
    """A session could be stolen by a script, over plain HTTP, or out of the store."""
    line = next(line for line in ada.lines if line.startswith("__Host-kontor="))
    fields = [field.strip() for field in line.split(";")][1:]
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(fields)
    assert not any(field.lower().startswith("domain") for field in fields)
    cookie = ada.cookies["__Host-kontor"].encode()
    documents = stored(kontor)
    assert len(documents) == 2  # the session, and what is connected
    assert all(cookie not in item.value and cookie not in item.key.encode() for item in documents)


def test_web_server_first(ada, kontor):
    """Who is authenticated by the web server would get another person's calendars by a cookie."""
    both = Visitor(kontor, "grace")
    cookie = f"__Host-kontor={ada.cookies['__Host-kontor']}"
    me = both.json("/me", HTTP_COOKIE=cookie)
    assert (me["user"], me["signed_in_by"]) == ("grace", "web server")


def test_made_up_cookies(kontor, ada):
    """Anybody could be anybody."""
    good = ada.cookies["__Host-kontor"]
    for cookie in ("", "x", good[:-2], good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
                   "1." + "A" * 200, "A" * 5000):
        browser = Browser(kontor)
        browser.cookies = {"__Host-kontor": cookie}
        assert browser.me()["user"] is None
    browser.cookies = {"kontor": good}  # the name that a plain-HTTP page could set
    assert browser.me()["user"] is None


def test_another_browser_comes_back(kontor):
    """A stranger could have people sign in as themselves, and connect their calendars there."""
    stranger, victim = Browser(kontor), Browser(kontor)
    address = consent(stranger.go_to_google(), GRACE)
    assert victim.come_back(address) == {"problem": "state"}
    assert victim.me()["user"] is None
    assert stranger.come_back(address) == {"connected": "google"}
    assert stranger.me()["user"] == GRACE


def test_planted_cookie(ada, kontor):
    """Who planted a cookie in a browser before would share its next session (fixation)."""
    planted = dict(ada.cookies)
    ada.ask("/sign-out", {"everywhere": False})
    browser, attacker = Browser(kontor), Browser(kontor)
    browser.cookies, attacker.cookies = dict(planted), dict(planted)
    assert browser.connect_google(ADA) == {"connected": "google"}
    assert browser.cookies["__Host-kontor"] != planted["__Host-kontor"]
    assert browser.me()["user"] == ADA and attacker.me()["user"] is None


# ---------------------------------------------------------------- the end

def test_sign_out(ada, kontor):
    """Whoever uses the computer next would see the calendars."""
    old, other = dict(ada.cookies), Browser(kontor)
    assert other.connect_google(ADA) == {"connected": "google"}
    assert ada.ask("/sign-out", {"everywhere": False}).status == 204
    assert ada.me()["user"] is None
    ada.cookies = old
    assert ada.me()["user"] is None
    assert other.me()["user"] == ADA


def test_sign_out_everywhere(ada, kontor):
    """A lost telephone would stay signed in."""
    other = Browser(kontor)
    other.connect_google(ADA)
    old = dict(other.cookies)
    assert ada.ask("/sign-out", {"everywhere": True}).status == 204
    other.cookies = old
    assert ada.me()["user"] is None and other.me()["user"] is None


@pytest.mark.parametrize("field, days, lives", [
    ("seen_ms", 13, True), ("seen_ms", 15, False), ("created_ms", 89, True), ("created_ms", 91, False)])
def test_age(ada, kontor, field, days, lives):
    """Sessions would never end, or end in the middle of the work."""
    change_sessions(kontor, field, days * DAY_MS)
    assert (ada.me()["user"] == ADA) is lives


def test_sessions_of_one_person(ada, kontor):
    """The store would grow with each sign-in."""
    for _ in range(21):
        Browser(kontor).connect_google(ADA)
    assert len(stored(kontor, "session/")) == 20


# ---------------------------------------------------------------- settings and deleting

def test_settings(ada):
    """On the next computer the weeks would be another zone's."""
    assert ada.me()["timezone"] is None
    me = ada.json("/me", {"timezone": "Asia/Tokyo", "week_start": "sunday"})
    assert (me["timezone"], me["week_start"]) == ("Asia/Tokyo", "sunday")
    assert ada.json("/me", {"week_start": "monday"})["timezone"] == "Asia/Tokyo"
    for wrong in ({"timezone": "Europe/Atlantis"}, {"timezone": "A" * 300}, {"timezone": "GMT+0100"},
                  {"week_start": "tuesday"}):
        assert ada.ask("/me", wrong).status == 400
    assert ada.me()["timezone"] == "Asia/Tokyo"


def test_delete_me(ada, kontor, google):
    """What people want forgotten would stay, here or as a consent at Google."""
    ada.json("/me", {"timezone": "Asia/Tokyo"})
    grace = Browser(kontor)
    grace.connect_google(GRACE)
    kept = dict(ada.cookies)
    assert ada.ask("/delete-me", {}).status == 400
    assert ada.ask("/delete-me", {"delete": True}).status == 204
    ada.cookies = kept
    assert ada.me()["user"] is None
    assert len(stored(kontor)) == 2  # Grace's session, and what she has connected
    assert all(ADA.encode() not in item.value for item in stored(kontor))
    assert len(google.refresh) == 1  # Grace's
    assert grace.me()["user"] == GRACE and len(grace.connections()) == 1


def test_on_to_the_weekly_mail(kontor):
    """Who signs in to have the mail would land somewhere else, and look for it."""
    browser = Browser(kontor)
    address = consent(browser.go_to_google("?for=mailer"), ADA)
    assert browser.come_back(address, page="mailer/") == {"connected": "google"}
    assert browser.me()["user"] == ADA


@pytest.mark.parametrize("path, body", [("/me", {"timezone": "UTC"}), ("/sign-out", {"everywhere": True}),
                                        ("/delete-me", {"delete": True})])
def test_other_sites(ada, path, body):
    """Another site's page could sign people out, or delete what they have (CSRF)."""
    assert ada.ask(path, body, HTTP_SEC_FETCH_SITE="cross-site").status == 403
    assert ada.ask(path, body, HTTP_ORIGIN="https://evil.example").status == 403
    form = ada.ask(path, b"everywhere=true", CONTENT_TYPE="application/x-www-form-urlencoded")
    assert form.status == 415
    assert ada.me()["user"] == ADA and len(ada.connections()) == 1


def test_plain_http(make_kontor, folder, google):
    """A cookie would go over the wire for everybody to read."""
    kontor = make_calendar(make_kontor, folder, **{
        **google.options(), "public_url": "http://kontor.example.org"})
    browser = Browser(kontor)
    assert browser.me()["google"] is False
    assert browser.ask("/connect/google", HTTP_HOST="kontor.example.org").status == 403
    assert browser.ask("/connect/google", HTTP_HOST="localhost:8080").status == 302
    assert list(browser.cookies) == ["kontor-way"]


# ---------------------------------------------------------------- the sample

def test_sample_week(kontor):
    """Who is new would see nothing, and go."""
    nobody = Browser(kontor)
    first, again = (nobody.json("/week?sample=1&date=2026-11-18&tz=Europe/Berlin") for _ in range(2))
    assert first == again
    assert first["totals"]["meetings"]["count"] >= 8 and first["people_total"] >= 5
    assert first["warnings"] == []
    sunday = nobody.json("/week?sample=1&date=2026-11-18&week_start=sunday")["week"]
    assert (sunday["first_date"], sunday["week_start"]) == ("2026-11-15", "sunday")
    assert nobody.ask("/week?sample=1&week_start=tuesday").status == 400
    assert nobody.ask("/week").status == 401
