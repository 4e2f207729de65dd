# SPDX-License-Identifier: BSD-2-Clause
"""The weekly mail by the machine's own clock: what libfaketime can't show with the sanitizers."""

import time

import pytest

from fastcgi import wait_until
from mail_server import MailServer
from mailers import stopping
from test_mailer import make_mailer  # pylint: disable=unused-import

PEOPLE = 60
TOO_LATE = 5


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


def due_since_this_hour():
    """Settings whose mail became due at the last full hour."""
    now = time.gmtime()
    return {"zone": "UTC", "day": now.tm_wday, "hour": now.tm_hour,
            "since": int(time.time()) - 2 * 3600}


def test_many_at_once_with_failures_between(make_mailer, server):
    """Memory would be used wrongly, or a mail lost, when servers have a cold and people change."""
    people = {f"user{number}": due_since_this_hour() for number in range(PEOPLE)}
    server.mode = "greylist"
    mailer = make_mailer(server, people, settings={"workers": "2"})
    for number in range(0, PEOPLE, TOO_LATE):
        assert mailer.ask("settings", f"user{number}", {"hour": 3}).status == 200
    wait_until(lambda: [entry["state"] for entry in mailer.ledger().values()
                        ].count("sent") >= PEOPLE - PEOPLE // TOO_LATE, 120, "all are sent")
    assert len({mail["To"] for mail in server.mails}) >= PEOPLE - PEOPLE // TOO_LATE
    assert len({mail["Message-ID"] for mail in server.mails}) == len(server.mails)
    assert mailer.ask("settings", "user1", {"on": False}).status == 200
    assert mailer.control("mailer").returncode == 0
    assert mailer.control("mailer", "send", "user2").returncode == 0
    assert mailer.ask("preview", "user3").status == 200
    server.mode = "rcpt550"
    assert mailer.control("mailer", "send", "user4").returncode == 1
