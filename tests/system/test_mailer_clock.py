# SPDX-License-Identifier: BSD-2-Clause
"""One mail per person and week, whatever happens to the clock and to kontor."""

import json

import pytest

from fastcgi import wait_until
from mail_server import MailServer
from mailers import FAKETIME, instant, stopping
from test_mailer import make_mailer  # pylint: disable=unused-import

pytestmark = pytest.mark.skipif(not FAKETIME, reason="libfaketime is missing, or of no use here")

ZONE = "Europe/Berlin"
FRIDAY = instant(ZONE, "2026-10-23 19:00")
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


def wait_state(mailer, week, state, user="ada"):
    return wait_until(lambda: mailer.ledger().get((user, week), {}).get("state") == state, 20,
                      f"the mail of {week} is {state}")


def wait_asleep(mailer):
    """Wait until all sleepers were started, have looked, and sleep for more than a moment."""
    def is_asleep():
        status = json.loads(mailer.control("mailer", "--json").stdout or "{}")
        return (status.get("sleepers", 0) > 0 and status["waiting"] + status["sending"] == 0 and
                status["next_wake_ms"] > (mailer.now + 30) * 1000)
    wait_until(is_asleep, 20, "all sleep")


def test_restarted_just_before_and_just_after(make_mailer, server):
    """An update of kontor at 19:00 would cost the mail, or bring it twice."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY - 60)
    wait_asleep(mailer)
    assert server.mails == []
    mailer.restart(FRIDAY + 60)
    wait_state(mailer, "2026-10-23", "sent")
    mailer.restart(FRIDAY + 120)
    wait_asleep(mailer)
    settings = json.loads(mailer.ask("settings", "ada").body)
    assert settings["last"]["state"] == "sent"
    assert len(server.mails) == 1


def test_the_clock_reaches_the_hour_while_it_runs(make_mailer, server):
    """Nobody would get a mail unless kontor was restarted."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY - 2)
    mailer.wait_log("mailers sleep in slot")
    server.wait(1, weekly=True)
    wait_state(mailer, "2026-10-23", "sent")


def test_missed_within_the_grace_is_caught_up_once(make_mailer, server):
    """A night without power would cost the mail."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 11 * HOUR)
    wait_state(mailer, "2026-10-23", "sent")
    assert len(server.mails) == 1


def test_missed_for_longer_is_skipped_and_recorded(make_mailer, server):
    """A mail about a week long gone would come, or nobody would know that one is missing."""
    mailer = make_mailer(server, {"ada": {"since": FRIDAY - 30 * DAY}}, now=FRIDAY + 13 * HOUR)
    wait_asleep(mailer)
    assert server.mails == []
    mailer.restart(FRIDAY + 7 * DAY + HOUR + 1)
    wait_state(mailer, "2026-10-30", "sent")
    wait_state(mailer, "2026-10-23", "skipped")
    assert len(server.mails) == 1
    assert "skipped      1" in mailer.control("mailer").stdout


def test_clock_set_back_gives_no_second_mail(make_mailer, server):
    """A clock that is set right would bring the mail again."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1)
    wait_state(mailer, "2026-10-23", "sent")
    mailer.restart(FRIDAY - 2)
    wait_asleep(mailer)  # beyond the hour, until next week
    assert len(server.mails) == 1


def test_the_clock_is_set_while_it_runs(make_mailer, server):
    """Whose hour the clock jumped over would wait for a week; whose hour comes twice, get two."""
    mailer = make_mailer(server, {"ada": {}, "bob": {"hour": 20}, "eve": {"hour": 22}},
                         now=FRIDAY - 4, is_settable=True)
    mailer.wait_log("3 mailers sleep in slot")
    mailer.set_clock(FRIDAY + HOUR + 60)
    for user in ("ada", "bob"):
        wait_state(mailer, "2026-10-23", "sent", user)
    mailer.set_clock(FRIDAY - 4)
    assert mailer.ask("settings", "eve", {"hour": 19}).status == 200
    wait_state(mailer, "2026-10-23", "sent", "eve")
    assert sorted(mail["To"] for mail in server.mails) == [
        "ada@example.org", "bob@example.org", "eve@example.org"]


def test_clock_a_year_ahead_for_a_moment_loses_no_mail(make_mailer, server):
    """A broken clock would silence the mailer for a year."""
    mailer = make_mailer(server, {"ada": {}}, now=instant(ZONE, "2027-10-22 19:00") + 1)
    wait_state(mailer, "2027-10-22", "sent")
    mailer.restart(FRIDAY + 1)
    wait_state(mailer, "2026-10-23", "sent")


@pytest.mark.parametrize("friday", ["2026-03-27", "2026-04-03", "2026-10-23", "2026-10-30"])
def test_around_changes_of_clocks(make_mailer, server, friday):
    """Twice a year the mail would come an hour early or late, or not."""
    at = instant(ZONE, f"{friday} 19:00")
    mailer = make_mailer(server, {"ada": {}}, now=at - 2)
    mailer.wait_log("mailers sleep in slot")
    mail = server.wait(1, weekly=True)[0]
    assert 0 <= mail["Date"].datetime.timestamp() - at < 30


def test_moving_west_after_the_mail_brings_no_second(make_mailer, server):
    """Travellers would get two mails a week."""
    friday = instant("Pacific/Auckland", "2026-10-23 19:00")
    mailer = make_mailer(server, {"ada": {"zone": "Pacific/Auckland"}}, now=friday + 1)
    wait_state(mailer, "2026-10-23", "sent")
    answer = mailer.ask("settings", "ada", {"zone": "Pacific/Honolulu"})
    assert answer.status == 200
    mailer.restart(instant("Pacific/Honolulu", "2026-10-23 19:00") + 1)
    wait_asleep(mailer)
    wait_until(lambda: json.loads(mailer.ask("settings", "ada").body)["next"] ==
               instant("Pacific/Honolulu", "2026-10-30 19:00"), 10, "it sleeps for a week")
    assert len(server.mails) == 1


def test_moving_east_on_friday_brings_the_mail_at_once(make_mailer, server):
    """Travellers would miss a week."""
    noon = instant("Pacific/Honolulu", "2026-10-23 12:00")
    mailer = make_mailer(server, {"ada": {"zone": "Pacific/Honolulu"}}, now=noon)
    wait_asleep(mailer)
    assert server.mails == []
    assert mailer.ask("settings", "ada", {"zone": "Pacific/Auckland"}).status == 200
    wait_state(mailer, "2026-10-23", "sent")
    assert len(server.mails) == 1


def test_another_hour_is_told_at_once_on_whichever_worker(make_mailer, server):
    """Who chose another hour, or switched off, would get the mail as before."""
    mailer = make_mailer(server, {"ada": {}, "bob": {}}, now=FRIDAY + 60 - 2 * HOUR,
                         settings={"workers": "3"})
    mailer.wait_log("mailers sleep in slot", count=3)
    assert mailer.ask("settings", "ada", {"hour": 17}).status == 200
    wait_state(mailer, "2026-10-23", "sent")
    assert mailer.ask("settings", "bob", {"on": False}).status == 200
    assert mailer.ask("settings", "bob", {"hour": 17}).status == 200
    assert [mail["To"] for mail in server.mails] == ["ada@example.org"]
    assert ("bob", "2026-10-23") not in mailer.ledger()


def test_switched_on_after_the_hour_brings_nothing_until_next_week(make_mailer, server):
    """Who signs up on Friday night would get a mail at once, which they did not ask for."""
    mailer = make_mailer(server, {"ada": {"on": False}}, now=FRIDAY + HOUR)
    assert mailer.ask("settings", "ada", {"on": True}).status == 200
    wait_asleep(mailer)
    mailer.restart(FRIDAY + 2 * HOUR)
    wait_asleep(mailer)
    assert server.mails == []
    assert mailer.ledger() == {}
