# SPDX-License-Identifier: BSD-2-Clause
"""What comes between a mailer and its mail: slow servers, a store that is away, a reload, somebody
who ends its process; and what the operator sees of it."""

import json
import re
import signal
import time

import pytest

from fastcgi import wait_until
from mail_server import MailServer, make_certificate
from mailers import FAKETIME, instant, stopping
from observers import ask, find
from redis_server import Redis
from test_mailer import make_mailer  # pylint: disable=unused-import

pytestmark = pytest.mark.skipif(not FAKETIME, reason="libfaketime is missing, or of no use here")

FRIDAY = instant("Europe/Berlin", "2026-10-23 19:00")
WEEK = "2026-10-23"


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def redis(folder):
    with stopping(Redis(folder / "redis", appendonly="yes", appendfsync="always")) as started:
        yield started


def everybody(count):
    return {f"user{number}": {} for number in range(count)}


def wait_sent(mailer, count):
    """Wait until so many mails are written down as sent."""
    wait_until(lambda: sum(entry["state"] == "sent" for entry in mailer.ledger().values()) >= count,
               60, f"{count} are sent")


def figures(mailer):
    """The mailer's figures in /metrics, all workers together."""
    text = ask(mailer, "/metrics").body.decode()
    found = {}
    for name, value in re.findall(r"^kontor_mailer_(\w+)\{[^}]*\} (\d+)", text, re.MULTILINE):
        found[name] = found.get(name, 0) + int(value)
    return found


def test_a_slow_server_takes_as_many_at_once_as_there_are_connections(make_mailer, server):
    """Twenty people would wait for each other, and a zone of thousands until Saturday."""
    server.delay = 0.5
    make_mailer(server, everybody(20), now=FRIDAY + 1, options={"connections": "10"})
    server.wait(1, weekly=True)
    began = time.monotonic()
    server.wait(20, weekly=True)
    assert time.monotonic() - began < 4


def test_a_server_that_takes_too_long_is_asked_again(make_mailer, server):
    """A mail server that hangs would keep the mail, and the place of others, for ever."""
    server.delay = 3
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1, options={"smtp_timeout": "500ms"})
    mailer.wait_log("the mail of ada is tried again later")
    server.delay = 0
    wait_sent(mailer, 1)
    assert len({mail["Message-ID"] for mail in server.wait(1, weekly=True)}) == 1


def test_smtps(make_mailer, folder):
    """Providers with port 465 alone could not be used."""
    certificate = make_certificate(folder)
    with stopping(MailServer(smtps=certificate)) as server:
        make_mailer(server, {"ada": {}}, now=FRIDAY + 1, options={
            "smtp": f"smtps://localhost:{server.port}", "smtp_tls": "required",
            "smtp_ca_file": str(certificate[0])})
        server.wait(1, weekly=True)


def test_smtps_of_a_stranger(make_mailer, folder):
    """Someone in the middle could read along."""
    with stopping(MailServer(smtps=make_certificate(folder))) as server:
        mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1, options={
            "smtp": f"smtps://localhost:{server.port}", "smtp_tls": "required"})
        mailer.wait_log("the mail of ada is tried again later")
        assert server.mails == []


def test_two_generations_at_once(make_mailer, server):
    """A new configuration on Friday evening would cost mails, or bring them twice."""
    server.delay = 0.1
    mailer = make_mailer(server, everybody(300), now=FRIDAY + 1, settings={"workers": "2"},
                         options={"lease": "1min"})
    for count in (60, 150):
        server.wait(count, weekly=True, seconds=60)
        mailer.signal(signal.SIGHUP)
    wait_sent(mailer, 300)
    assert len({mail["To"] for mail in server.mails}) == 300
    assert len(server.mails) == 300


def test_redis_keeps_the_ledger(make_mailer, server, redis):
    """Where one machine is outgrown there would be no weekly mail, or several."""
    mailer = make_mailer(server, everybody(30), now=FRIDAY + 1,
                         settings={"store": redis.unix, "workers": "2"})
    wait_sent(mailer, 30)
    mailer.restart(FRIDAY + 120)
    mailer.wait_log("mailers sleep in slot", count=4)
    assert len(server.mails) == 30


def test_a_store_that_is_away_on_friday(make_mailer, server, redis):
    """An hour without the store would cost the mail, or bring it twice."""
    server.delay = 0.1
    mailer = make_mailer(server, everybody(60), now=FRIDAY + 1,
                         settings={"store": redis.unix, "store_timeout": "1s"},
                         options={"lease": "1min"})
    server.wait(20, weekly=True)
    redis.kill()
    mailer.wait_log("redis.sock.* can't be reached")
    time.sleep(6)  # the store stays away for a while
    redis.start()
    wait_sent(mailer, 60)
    assert len({mail["Message-ID"] for mail in server.mails}) == 60
    assert len(server.mails) == 60


SLEEPER = "mailer%20of%20a%20person"
SLEEPERS = "sleepers%20of%20the%20mailer"


def make_mortal(make_mailer, server, people, now, **others):
    """A mailer whose processes can be killed by hand."""
    mailer = make_mailer(server, people, now=now, plugins=("calendar", "mailer", "observer"),
                         sections={"observer": {"killers": "eve"}}, **others)
    mailer.wait_log(f"{len(people)} mailers sleep in slot")
    return mailer


def kill(mailer, process):
    body = {"observer": process["observer"], "pid": process["pid"]}
    assert ask(mailer, "/api/observer/kill", "POST", body, REMOTE_USER="eve").status == 200


def others_than(mailer, search, before, count):
    """Wait until that many processes are there, none of which is one of those before."""
    pids = {process["pid"] for process in before}

    def all_new():
        found = find(mailer, search)
        is_new = not pids & {process["pid"] for process in found}
        return len(found) == count and is_new and found

    return wait_until(all_new, 5, f"{count} others are there")


def test_a_mailer_that_was_killed_comes_back(make_mailer, server):
    """A slip of the operator would cost a person all mails until the next start of kontor."""
    mailer = make_mortal(make_mailer, server, everybody(3), FRIDAY - 5)
    before = find(mailer, SLEEPER)
    assert len(before) == 3
    for process in before:
        kill(mailer, process)
    after = others_than(mailer, SLEEPER, before, 3)
    supervisor, = find(mailer, SLEEPERS)
    assert all(process["parent"] == supervisor["pid"] for process in after)
    assert all(process["restarts"] == 1 for process in after)
    server.wait(3, weekly=True, seconds=15)


def test_one_mailer_that_keeps_crashing_disturbs_nobody(make_mailer, server):
    """Whatever is wrong with one person would cost all others their mail."""
    mailer = make_mortal(make_mailer, server, everybody(20), FRIDAY - 10)
    first = find(mailer, SLEEPER)
    victim = first[0]
    for restarts in range(1, 13):
        kill(mailer, victim)
        now = others_than(mailer, SLEEPER, [victim], 20)
        victim, = (process for process in now if process["restarts"] > 0)
        assert victim["restarts"] == restarts
    assert len({process["pid"] for process in first} & {process["pid"] for process in now}) == 19
    server.wait(19, weekly=True, seconds=30)
    wait_sent(mailer, 19)
    assert len(server.mails) == 19  # the one pauses for half an hour by now


@pytest.mark.parametrize("victim", [SLEEPERS, "house%20of%20the%20mailer",
                                    "gate%20of%20the%20mailer"])
def test_what_holds_the_mailers_comes_back_with_all_of_them(make_mailer, server, victim):
    """Sleepers would be left that nobody knows, or people whom nobody sends a mail."""
    server.delay = 0.1
    mailer = make_mortal(make_mailer, server, everybody(30), FRIDAY - 4,
                         options={"connections": "2"})
    for round_ in range(3):  # asleep, while mails go out, and when most are out
        before = find(mailer, SLEEPER)
        kill(mailer, find(mailer, victim)[0])
        others_than(mailer, SLEEPER, before, 30)
        if round_ < 2:
            server.wait(10 * (round_ + 1), weekly=True, seconds=30)
    wait_sent(mailer, 30)
    assert len({mail["To"] for mail in server.mails}) == 30
    assert len({mail["Message-ID"] for mail in server.mails}) == 30
    assert figures(mailer)["mailers"] == 30


def test_a_plugin_that_starts_anew_in_the_middle(make_mailer, server):
    """A slip of the operator would cost mails, or show twice as many mailers as there are."""
    server.delay = 0.2
    mailer = make_mortal(make_mailer, server, everybody(30), FRIDAY - 4,
                         options={"connections": "2"})
    server.wait(5, weekly=True, seconds=30)
    kill(mailer, find(mailer, "plugin%20mailer")[0])
    wait_sent(mailer, 30)
    wait_until(lambda: len(find(mailer, SLEEPER)) == 30 and figures(mailer)["mailers"] == 30, 20,
               "all sleep, once")
    assert "did not start" not in mailer.log()
    assert len({mail["To"] for mail in server.mails}) == 30
    assert len({mail["Message-ID"] for mail in server.mails}) == 30


def test_what_the_operator_sees(make_mailer, server):
    """Nobody would be told that mails do not go out."""
    server.mode = "rcpt550"
    mailer = make_mailer(server, everybody(5), now=FRIDAY + 1,
                         plugins=("calendar", "mailer", "observer"), settings={"workers": "2"})
    mailer.wait_log("the mail of user. is given up: the mail server said 550", count=5)
    wait_until(lambda: figures(mailer).get("mails_failed_total") == 5, 10, "five have failed")
    assert figures(mailer)["mailers"] == 5
    assert figures(mailer)["mails_sent_total"] == 0
    status = json.loads(mailer.control("mailer", "--json").stdout)
    assert status["failed"] == 5
    assert "given up     5" in mailer.control("mailer").stdout
    last = json.loads(mailer.ask("settings", "user1").body)["last"]
    assert (last["state"], last["text"]) == ("failed", "the mail server said 550")
