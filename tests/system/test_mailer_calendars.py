# SPDX-License-Identifier: BSD-2-Clause
"""Calendars that can't be read when the mail is due: it waits for them as long as it may, and never
says that a week was empty of which it has seen only a part."""

import json
import os

import pytest

from calendars import Visitor
from fastcgi import wait_until
from mail_server import MailServer
from mailers import FAKETIME, instant, stopping
from test_calendar_url import Files, connect
from test_mailer import make_mailer  # pylint: disable=unused-import

pytestmark = pytest.mark.skipif(not FAKETIME, reason="libfaketime is missing, or of no use here")

FRIDAY = instant("Europe/Berlin", "2026-11-20 19:00")
WEEK = "2026-11-20"
HOUR = 3600
GRACE = 12 * HOUR
EMPTY = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Club\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def files():
    """Ada's calendar, with a meeting of an hour and a half."""
    with Files() as started:
        started.etag = None
        yield started


@pytest.fixture
def others():
    """Another of hers, in which there is nothing."""
    with Files() as started:
        started.etag, started.body = None, EMPTY
        yield started


@pytest.fixture
def before_friday(make_mailer, server, folder):  # pylint: disable=redefined-outer-name
    """A function that starts a mailer of people with these calendars; the mail is due in an hour."""
    def start(*calendars):
        key = folder / "secret.key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        mailer = make_mailer(
            server, {"ada": {}}, now=FRIDAY - HOUR,
            settings={"fetch_allow": "127.0.0.0/8"},
            sections={"calendar": {"key_file": str(key), "timezone": "Europe/Berlin",
                                   "public_url": "https://kontor.test/tools"}})
        for calendar in calendars:
            assert connect(Visitor(mailer), f"{calendar.url}/a.ics").status == 200
        mailer.wait_log("1 mailers sleep in slot")
        return mailer

    return start


def last(mailer):
    """What the person sees of the last mail."""
    return json.loads(mailer.ask("settings", "ada").body)["last"]


def only_mail(mailer, server):
    """The mail of the week, when it is written down as sent: its subject and its text."""
    mail, = server.wait(1, weekly=True)
    wait_until(lambda: mailer.ledger()["ada", WEEK]["state"] == "sent", 10, "it is written down")
    assert len(server.to("ada@example.org")) == 1
    html = mail.get_body(("html",)).get_content()
    assert str(mail["Subject"]).split(":")[0] in html
    return str(mail["Subject"]), mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize("status, reason", [
    (404, "there is no calendar at its address any more"),
    (410, "there is no calendar at its address any more"),
    (401, "the calendar has to be connected again"), (503, "the calendar can't be read now")])
def test_a_calendar_that_is_away_for_a_while(before_friday, server, files, status, reason):
    """A server that is restarted on Friday evening would cost its people the mail of the week."""
    mailer = before_friday(files)
    files.status = status
    mailer.restart(FRIDAY + 1)
    mailer.wait_log(f"the mail of ada is tried again later: {reason}")
    assert mailer.ledger()["ada", WEEK]["state"] in ("waiting", "claimed")
    answer = mailer.ask("preview", "ada")
    assert answer.status == 503 and reason in json.loads(answer.body)["detail"]
    files.status = 200
    subject, text = only_mail(mailer, server)
    assert subject == "Your week: 1 h 30 in meetings"
    assert "could not be read" not in text
    assert last(mailer)["text"] == ""


def test_a_calendar_that_stays_away(before_friday, server, files):
    """Who has moved a calendar would get no mail any more, and never learn why."""
    mailer = before_friday(files)
    files.status = 404
    mailer.restart(FRIDAY + HOUR)
    mailer.wait_log("the mail of ada is tried again later", count=2)
    assert not server.mails
    mailer.restart(FRIDAY + 2 * HOUR)
    subject, text = only_mail(mailer, server)
    assert subject == "Your week could not be read"
    assert "Your week, 16 to 22 November 2026" in text
    assert "cannot be read: " in text and "connect that one on the page" in text
    assert "https://kontor.test/tools/" in text and "all yours" not in text
    assert last(mailer)["state"] == "sent"
    assert last(mailer)["text"] == "there is no calendar at its address any more"


def test_who_has_connected_nothing_is_not_waited_for(before_friday, server):
    """The calendar would be asked for half a day, again and again, for nothing."""
    mailer = before_friday()
    mailer.restart(FRIDAY + 1)
    mailer.wait_log("the mail of ada is given up: no calendar is connected")
    answer = mailer.ask("preview", "ada")
    assert answer.status == 404 and "no calendar is connected" in answer.body.decode()
    assert not server.mails


@pytest.mark.parametrize("status", [503, 404])
def test_one_of_two_calendars_is_waited_for(before_friday, server, files, others, status):
    """The mail would say that a week was free which was full of meetings."""
    mailer = before_friday(files, others)
    files.status = status
    mailer.restart(FRIDAY + 1)
    mailer.wait_log("the mail of ada is tried again later: a calendar could not be read")
    files.status = 200
    subject, text = only_mail(mailer, server)
    assert subject == "Your week: 1 h 30 in meetings"
    assert "could not be read" not in text


@pytest.mark.parametrize("has_meetings", [True, False])
def test_one_of_two_calendars_stays_away(before_friday, server, files, others, has_meetings):
    """Figures of half of the calendars would be taken for those of all."""
    mailer = before_friday(files, others)
    (others if has_meetings else files).status = 503
    mailer.restart(FRIDAY + 1)
    mailer.wait_log("the mail of ada is tried again later", count=2)
    assert not server.mails
    mailer.restart(FRIDAY + GRACE - HOUR // 4)
    subject, text = only_mail(mailer, server)
    if has_meetings:
        assert subject == "Your week: at least 1 h 30 in meetings, a calendar is missing"
        assert "You spent at least 1 h 30 in meetings: a calendar could not be read." in text
    else:
        assert subject == "Your week: a calendar could not be read"
        assert "A calendar could not be read, so this is not your whole week." in text
    assert "all yours" not in text and "that is fine" not in text and "week before" not in text
    assert "Its events are missing." in text
    assert last(mailer)["text"] == "a calendar could not be read"


def test_who_asks_now_sees_what_there_is(before_friday, files, others):
    """The preview would say that a week was free which was full of meetings."""
    mailer = before_friday(files, others)
    assert Visitor(mailer).week("2026-11-18")["incomplete"] is False
    files.status = 503
    assert Visitor(mailer).week("2026-11-18")["incomplete"] is True
    answer = mailer.ask("preview", "ada")
    assert answer.status == 200
    page = answer.body.decode()
    assert "A calendar could not be read, so this is not your whole week." in page
    assert "all yours" not in page and "that is fine" not in page
