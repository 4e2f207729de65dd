# SPDX-License-Identifier: BSD-2-Clause
"""Workers are killed while a thousand mails go out: each person gets one."""

import collections
import random
import time

import pytest

from fastcgi import wait_until
from mail_server import MailServer
from mailers import FAKETIME, instant, stopping
from test_mailer import make_mailer  # pylint: disable=unused-import

pytestmark = pytest.mark.skipif(not FAKETIME, reason="libfaketime is missing, or of no use here")

PEOPLE = 1000
KILLS = 12
SEED = int(time.time())


def test_killed_workers_lose_no_mail_and_double_none(make_mailer):
    """A crash on Friday evening would cost mails, or bring them twice."""
    print("seed", SEED)
    chance = random.Random(SEED)
    friday = instant("Europe/Berlin", "2026-10-23 19:00")
    people = {f"user{number}": {"since": friday - 3600} for number in range(PEOPLE)}
    with stopping(MailServer()) as server:
        mailer = make_mailer(server, people, now=friday + 1,
                             settings={"workers": "2"}, options={"lease": "2s"})
        for kill in range(1, KILLS + 1):
            server.wait(PEOPLE * kill // (KILLS + 2), seconds=120)
            workers = wait_until(mailer.workers, 30, "a worker serves")
            mailer.kill(chance.choice(workers))

        def is_over():
            entries = mailer.ledger()
            return len(entries) == PEOPLE and all(entry["state"] == "sent"
                                                  for entry in entries.values())
        wait_until(is_over, 240, "all are sent")
        copies = collections.defaultdict(set)
        for mail in server.mails:
            copies[mail["To"]].add(mail["Message-ID"])
        assert len(copies) == PEOPLE
        assert all(len(identities) == 1 for identities in copies.values())
        # What was taken by the server and not yet written down when its worker was killed comes
        # again with the same Message-ID: at most what was under way, for each kill.
        again = len(server.mails) - PEOPLE
        print(f"{again} of {PEOPLE} mails came again, with the same Message-ID")
        assert again <= KILLS * 4
