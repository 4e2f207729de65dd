# SPDX-License-Identifier: BSD-2-Clause
"""The weekly mail from signing up to the inbox, with a real SMTP server."""

import email.utils
import json

import pytest

from fastcgi import wait_until
from mail_server import MailServer, PASSWORD, USER, make_certificate
from mailers import FAKETIME, Mailer, PUBLIC, instant, link_in, stopping

pytestmark = pytest.mark.skipif(not FAKETIME, reason="libfaketime is missing, or of no use here")

# A Friday of the sample calendar's week, a moment before and after 19:00.
FRIDAY = instant("Europe/Berlin", "2026-10-23 19:00")
HOUR = 3600


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def make_mailer(folder, plugin_dir):
    started = []

    def make(server, people=None, now=None, **options):
        home = folder / f"mailer{len(started)}"
        home.mkdir(mode=0o755)
        instance = Mailer(home, plugin_dir, server, **options)
        started.append(instance)
        if people:
            instance.people(people)
        instance.now = now
        return instance.start()

    yield make
    for instance in started:
        print(instance.log())
    for instance in started:
        instance.stop()


def sign_up(mailer, server, user="ada", **chosen):
    """Switch the mail on and confirm the address."""
    answer = mailer.ask("settings", user, {
        "on": True, "address": f"{user}@example.org", "zone": "Europe/Berlin", **chosen})
    assert answer.status == 200, answer.body
    link = link_in(server.wait(1)[-1], "/verify")
    answer = mailer.follow(link, method="POST")
    assert answer.status == 200, answer.body


def test_signing_up_confirming_and_friday(make_mailer, server):
    """Nobody would get the mail they asked for."""
    mailer = make_mailer(server, now=FRIDAY - 3)
    answer = mailer.ask("settings", "ada")
    assert answer.status == 200
    assert json.loads(answer.body)["on"] is False
    sign_up(mailer, server)
    settings = json.loads(mailer.ask("settings", "ada").body)
    assert (settings["on"], settings["verified"], settings["next"]) == (True, True, FRIDAY)
    mail = server.wait(1, weekly=True)[0]
    assert mail.envelope_to == ["ada@example.org"]
    wait_until(lambda: json.loads(mailer.ask("settings", "ada").body).get("last", {})
               .get("state") == "sent", 10, "it is written down")
    settings = json.loads(mailer.ask("settings", "ada").body)
    assert settings["next"] == FRIDAY + 7 * 24 * HOUR + HOUR  # summer time has ended


def test_the_mail_as_python_reads_it(make_mailer, server):
    """Mail programs would show garbage, or junk filters would take the mail away."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1)
    mail = server.wait(1, weekly=True)[0]
    assert not mail.defects
    assert mail.envelope_from == "kontor@kontor.test"
    assert str(mail["From"]) == "kontor <kontor@kontor.test>"
    assert mail["To"] == "ada@example.org"
    assert mail["Message-ID"].endswith("@kontor.test>")
    assert abs(email.utils.parsedate_to_datetime(mail["Date"]).timestamp() - FRIDAY) < 60
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith(f"<{PUBLIC}/api/mailer/unsubscribe?token=")
    assert mail.get_content_type() == "multipart/alternative"
    parts = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in parts] == ["utf-8", "utf-8"]
    assert not any(part.defects for part in parts)
    text, page = (part.get_content() for part in parts)
    assert "You spent" in text and "in meetings" in text and "than the week before" in text
    for body in (text, page):
        assert all(kind in body for kind in ("One-off meetings", "Recurring meetings", "Focus time",
                                             "Own appointments"))
        assert all(day in body for day in ("Mon", "Sun")) and "Ada" in body
    assert "prefers-color-scheme: dark" in page and "<td width=" in page
    assert "src=" not in page
    assert all(len(line) <= 998 for line in mail.raw.split(b"\r\n"))
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")


def test_an_empty_week_says_so_kindly(make_mailer, server):
    """People on holiday would get a mail of zeros."""
    make_mailer(server, {"ada": {}}, now=instant("Europe/Berlin", "2024-05-03 19:00") + 1)
    mail = server.wait(1, weekly=True)[0]
    assert "no meetings" in str(mail["Subject"])
    assert "\u2014" in str(mail["Subject"])
    assert "all yours" in mail.get_body(("plain",)).get_content()


def test_one_click_unsubscribes_and_opening_the_link_does_not(make_mailer, server):
    """Mail filters that look at links would end subscriptions, or nobody could."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1)
    mail = server.wait(1, weekly=True)[0]
    link = mail["List-Unsubscribe"].strip("<>").replace("\r\n", "")
    answer = mailer.follow(link)
    assert answer.status == 200
    assert json.loads(mailer.ask("settings", "ada").body)["on"] is True
    answer = mailer.follow(link, b"List-Unsubscribe=One-Click",
                           content_type="application/x-www-form-urlencoded")
    assert answer.status == 200
    assert json.loads(mailer.ask("settings", "ada").body)["on"] is False
    assert mailer.follow(link[:-3] + "AAA", method="POST").status == 400
    assert mailer.ask("unsubscribe", method="POST").status == 400


@pytest.mark.parametrize("mode", ["mail421", "rcpt450", "data451", "greylist", "die_in_data"])
def test_what_fails_for_now_is_tried_again(make_mailer, server, mode):
    """A mail server with a cold would cost people their mail."""
    server.mode = mode
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1)
    mailer.wait_log("the mail of ada is tried again later")
    if mode != "greylist":
        server.mode = "accept"
    server.wait(1, weekly=True)
    wait_until(lambda: mailer.ledger()["ada", "2026-10-23"]["state"] == "sent", 10, "written down")
    assert len(server.to("ada@example.org")) == 1


@pytest.mark.parametrize("mode", ["rcpt550", "data552"])
def test_what_fails_for_good_is_told_and_not_tried_again(make_mailer, server, mode):
    """A mailbox that is gone would be knocked at for hours, and nobody would know."""
    server.mode = mode
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1)
    mailer.wait_log("the mail of ada is given up")
    last = wait_until(lambda: json.loads(mailer.ask("settings", "ada").body)["last"], 10, "told")
    wait_until(lambda: mailer.ledger()["ada", "2026-10-23"]["state"] == "failed", 10, "written")
    entry = mailer.ledger()["ada", "2026-10-23"]
    assert entry["tries"] == 1
    assert entry["code"] == int(mode[-3:])
    assert last["state"] in ("failed", "claimed")
    assert server.mails == []


def test_a_connection_lost_after_the_end_of_the_mail_gives_the_same_message_id(make_mailer, server):
    """A mail that may have arrived would come twice where mail programs drop known ones."""
    server.mode = "die_after_dot"
    make_mailer(server, {"ada": {}}, now=FRIDAY + 1)
    mails = server.wait(2, weekly=True)
    assert mails[0]["Message-ID"] == mails[1]["Message-ID"]
    assert server.deaths == 1


def test_starttls_and_login(make_mailer, folder):
    """Mails would go out in the clear, or not at all where a login is needed."""
    certificate = make_certificate(folder)
    with stopping(MailServer(tls=certificate, needs_login=True)) as server:
        make_mailer(server, {"ada": {}}, now=FRIDAY + 1, options={
            "smtp_tls": "required", "smtp_ca_file": str(certificate[0]),
            "smtp_user": USER.decode(), "smtp_password": PASSWORD.decode()})
        server.wait(1, weekly=True)


def test_a_server_without_tls_gets_nothing_when_tls_is_required(make_mailer, server):
    """Someone in the middle could strip STARTTLS and read along."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY + 1, options={"smtp_tls": "required"})
    mailer.wait_log("the mail of ada is tried again later")
    assert server.mails == []


def test_connections_are_kept(make_mailer, server):
    """A thousand mails would be a thousand connections, which mail servers refuse."""
    people = {f"user{number}": {} for number in range(100)}
    make_mailer(server, people, now=FRIDAY + 1, options={"connections": "4"})
    server.wait(100, weekly=True, seconds=60)
    assert len({mail["Message-ID"] for mail in server.mails}) == 100
    assert len(server.sessions) <= 8


def test_send_me_one_now_and_preview(make_mailer, server):
    """People could not see what they will get."""
    mailer = make_mailer(server, {"ada": {}}, now=FRIDAY - 24 * HOUR)
    answer = mailer.ask("preview", "ada")
    assert answer.status == 200
    assert b"Your week" in answer.body
    answer = mailer.ask("send", "ada", {})
    assert answer.status == 200, answer.body
    server.wait(1, weekly=True)
    assert mailer.ask("send", "ada", {}).status == 429
    assert mailer.ask("send", "bob", {}).status == 409
    assert mailer.ask("send", "ada", b"x=1",
                      content_type="application/x-www-form-urlencoded").status == 415
    assert mailer.ask("preview").status == 401


@pytest.mark.parametrize("wish", [
    {"day": "someday"}, {"hour": 24}, {"hour": 1.5}, {"zone": "Mars/Olympus"}, {"on": True},
    {"address": "a@b\r\nBcc: c@d"}, {"on": "yes"}, {"zone": "../../etc/passwd"},
    {"zone": "Foo+3"}, {"zone": "GMT+0100"}])
def test_wishes_that_make_no_sense(make_mailer, server, wish):
    """Something would be stored that can't be sent."""
    mailer = make_mailer(server, now=FRIDAY - 24 * HOUR)
    assert mailer.ask("settings", "ada", wish).status == 422
    assert json.loads(mailer.ask("settings", "ada").body)["on"] is False


def test_a_zone_that_is_gone(make_mailer, server):
    """One would switch the mail on, and no mail would ever come."""
    mailer = make_mailer(server, {"ada": {"zone": "Foo+3"}}, now=FRIDAY - 24 * HOUR)
    mailer.wait_log("the mail of ada can't be sent: there is no zone Foo\\+3")
    later = mailer.ask("settings", "ada", {"hour": 20})
    assert later.status == 422 and b"time zone" in later.body
    assert mailer.ask("settings", "ada", {"on": False}).status == 200
    assert mailer.ask("settings", "ada", {"on": True}).status == 422
    here = mailer.ask("settings", "ada", {"on": True, "zone": "Europe/Berlin"})
    assert here.status == 200 and json.loads(here.body)["next"] == FRIDAY


def test_kontorctl_shows_and_sends(make_mailer, server):
    """The operator could not see whether mails go out."""
    people = {f"user{number}": {} for number in range(20)}
    mailer = make_mailer(server, people, now=FRIDAY - 24 * HOUR, settings={"workers": "2"})
    mailer.wait_log("mailers sleep in slot", count=2)

    def status():
        result = mailer.control("mailer", "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)
    wait_until(lambda: status()["sleepers"] == 20, 10, "all sleep")
    assert status()["next_wake_ms"] == FRIDAY * 1000
    assert "asleep       20" in mailer.control("mailer").stdout
    result = mailer.control("mailer", "send", "user7")
    assert (result.returncode, result.stdout) == (0, "sent\n"), result.stderr
    assert server.wait(1, weekly=True)[0].envelope_to == ["user7@example.org"]
    result = mailer.control("mailer", "send", "nobody")
    assert result.returncode == 1
    assert "no confirmed address" in result.stderr
