# SPDX-License-Identifier: BSD-2-Clause
"""Signing in by a link that is sent by mail, who may sign in at all, and one person in both plugins."""

import hashlib
import json
import os
import re
import secrets
import subprocess
import time

import pytest

from calendars import PUBLIC_URL
from fastcgi import wait_until
from google import Google
from kontor import KONTORD
from mail_server import MailServer
from mailers import Mailer, PUBLIC, link_in, stopping
from store import Store
from test_calendar_identity import Browser

ADA, GRACE, EVE = "ada@example.org", "grace@example.org", "eve@evil.example"


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def make_house(folder, plugin_dir):
    """A kontor with both plugins where people can sign in by mail."""
    started = []

    def make(server, plugins="calendar mailer store", workers=1, start=True, **calendar):
        home = folder / f"house{len(started)}"
        home.mkdir(mode=0o755)
        key = home / "secret.key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        options = {"key_file": str(key), "public_url": PUBLIC + "/", "sign_in_mail": "yes",
                   "sign_in_domains": "Example.org, example.com", "source_timeout": "5s", **calendar}
        options = {name: value for name, value in options.items() if value is not None}
        instance = Mailer(home, plugin_dir, server, calendar=options)
        if "mailer" not in plugins:
            del instance.sections["mailer"]
        instance.write_config(plugins=plugins, workers=workers)
        started.append(instance)
        return instance.start() if start else instance

    yield make
    for instance in started:
        print(instance.log())
    for instance in started:
        instance.stop()


@pytest.fixture
def house(make_house, server):
    return make_house(server)


def ask(browser, address=ADA, **others):
    """Ask for a link."""
    return browser.ask("/sign-in", {"address": address}, **others)


def token_of(mail):
    link = link_in(mail, "/sign-in/")
    assert re.fullmatch(re.escape(PUBLIC) + r"/sign-in/(\?for=mailer)?#\d{13}\.[\w-]{43}", link), link
    return link.partition("#")[2]


def confirm(browser, token, **others):
    return browser.ask("/sign-in/confirm", {"token": token}, **others)


def sign_in(house, server, address=ADA):
    """The whole dance. Returns the browser."""
    browser, before = Browser(house), len(server.mails)
    assert ask(browser, address).status == 202
    answer = confirm(browser, token_of(server.wait(before + 1)[-1]))
    assert answer.status == 200, answer.body
    return browser


def links(house):
    """What the store has of links that wait."""
    return Store(house, space="calendar").scan_all("sign-in/")


def plant(house, browser, until_ms, address=ADA):
    """Put a link into the store, as if it had been asked for by this browser; its token."""
    token = f"{until_ms:013d}.{secrets.token_urlsafe(32)}"
    digest = hashlib.blake2b(token.encode(), digest_size=32).hexdigest()
    secret = secrets.token_hex(32)
    browser.cookies["__Host-kontor-way"] = secret
    mark = hashlib.blake2b(secret.encode(), digest_size=32).hexdigest()
    value = json.dumps({"version": 1, "address": address, "mark": mark}).encode()
    answer = Store(house, space="calendar").put(f"sign-in/{until_ms:013d}/{digest}", value)
    assert answer.error == ""
    return token


# ---------------------------------------------------------------- the dance

def test_sign_in_by_mail(house, server):
    """Without Google and without a web server that knows them, people could not sign in."""
    browser = Browser(house)
    assert browser.me()["mail"] is True and browser.me()["user"] is None
    answer = ask(browser, " ADA@Example.org ")
    assert (answer.status, json.loads(answer.body)) == (202, {"minutes": 15})
    mail = server.wait(1)[0]
    assert mail.envelope_to == [ADA]
    assert mail["Auto-Submitted"] == "auto-generated" and "List-Unsubscribe" not in mail
    answer = confirm(browser, token_of(mail))
    assert (answer.status, json.loads(answer.body)) == (200, {"user": ADA})
    me = browser.me()
    assert (me["user"], me["signed_in_by"], me["can_connect"]) == (ADA, "session", True)
    assert links(house) == []


def test_a_link_works_once(house, server):
    """Whoever finds the mail later could sign in."""
    browser = Browser(house)
    ask(browser)
    token, cookies = token_of(server.wait(1)[0]), dict(browser.cookies)
    assert confirm(browser, token).status == 200
    again = Browser(house)
    again.cookies = cookies
    assert confirm(again, token).status == 410
    assert again.me()["user"] is None


def test_a_link_is_too_old(house):
    """A mail from last year would open the door."""
    now = int(time.time() * 1000)
    browser = Browser(house)
    assert confirm(browser, plant(house, browser, now - 1000)).status == 410
    assert browser.me()["user"] is None
    assert links(house) == []
    assert confirm(browser, plant(house, browser, now + 60_000)).status == 200


def test_another_browser(house, server):
    """A stranger who has people click on a link would have them signed in as the stranger."""
    asked, other = Browser(house), Browser(house)
    ask(asked)
    token = token_of(server.wait(1)[0])
    assert confirm(other, token).status == 409
    other.cookies["__Host-kontor-way"] = "0" * 64
    assert confirm(other, token).status == 409
    assert other.me()["user"] is None
    assert confirm(asked, token).status == 200  # the other one didn't use it up


def test_two_mails_to_one_browser(house, server):
    """Who asks twice, since mail is slow, and opens the first would be refused."""
    browser = Browser(house)
    ask(browser)
    ask(browser)
    first, second = server.wait(2)
    assert token_of(first) != token_of(second)
    assert confirm(browser, token_of(first)).status == 200


@pytest.mark.parametrize("token", ["", "x", "1" * 13 + "." + "A" * 43, "1" * 57, "%" * 57, "A" * 10000,
                                   "../../../../../../../../../../../../../../../../../../../"])
def test_made_up_tokens(house, token):
    """Anybody could be anybody."""
    browser = Browser(house)
    ask(browser)
    assert confirm(browser, token).status == 410
    assert browser.me()["user"] is None


def test_nothing_of_a_link_is_kept_or_logged(make_house, server):
    """Who reads the log or the store could sign in as everybody who is about to."""
    house = make_house(server, start=False)
    house.write_config(log_level="debug", request_log="yes")
    house.start()
    browser = Browser(house)
    ask(browser)
    token = token_of(server.wait(1)[0])
    secret = token.partition(".")[2]
    assert all(secret not in item.key and secret.encode() not in item.value for item in links(house))
    assert len(links(house)) == 1
    confirm(browser, token)
    assert secret not in house.log()
    assert browser.cookies["__Host-kontor"] not in house.log()


def test_links_that_nobody_uses_go(house, server):
    """The store would grow with each mail that nobody opens."""
    now = int(time.time() * 1000)
    for index in range(5):
        plant(house, Browser(house), now - 100_000 + index)
    assert len(links(house)) == 5
    ask(Browser(house))
    server.wait(1)
    assert len(links(house)) == 1


# ---------------------------------------------------------------- what goes wrong

def test_the_same_answer_for_everybody(house, server):
    """Strangers could find out who uses kontor, or which mailboxes there are."""
    sign_in(house, server)
    known, unknown = ask(Browser(house), ADA), ask(Browser(house), GRACE)
    server.mode = "rcpt550"
    missing = ask(Browser(house), "nobody@example.org")
    assert known.status == unknown.status == missing.status == 202
    assert known.body == unknown.body == missing.body


def test_mail_server_is_down(make_house):
    """People would wait for a mail that never comes."""
    server = MailServer()
    house = make_house(server)
    for mode in ("mail421", "die_in_data"):
        server.mode = mode
        answer = ask(Browser(house))
        assert answer.status == 503 and b"can't be sent now" in answer.body
    assert links(house) == []
    server.stop()
    assert ask(Browser(house), GRACE).status == 503
    assert links(house) == []


def test_no_mailer(make_house, server):
    """The operator would look for the mistake in the mail server."""
    house = make_house(server, plugins="calendar store")
    browser = Browser(house)
    assert browser.me()["mail"] is False
    answer = ask(browser)
    assert answer.status == 503 and b"load the plugin mailer" in answer.body
    house.wait_log("the plugin mailer isn't loaded")


def test_switched_off(make_house, server):
    """An update would let strangers in whom the operator never asked for."""
    house = make_house(server, sign_in_mail=None)
    browser = Browser(house)
    assert browser.me()["mail"] is False
    assert ask(browser).status == 501 and confirm(browser, "x").status == 501


@pytest.mark.parametrize("calendar, words", [
    ({"sign_in_domains": None}, "say who may sign in"), ({"sign_in_domains": " , "}, "no domains"),
    ({"sign_in_domains": ""}, ""), ({"sign_in_domains": "@example.org"}, "no domains"), ({"public_url": None}, "needs public_url"),
    ({"google_token": "http://oauth2.example.org/token"}, "has to begin with https://")])
def test_the_configuration_is_checked(make_house, server, calendar, words):
    """A door would stand open, or stay closed, and nobody know why."""
    house = make_house(server, start=False, **calendar)
    result = subprocess.run([str(KONTORD), "-t", "-c", str(house.config)], capture_output=True,
                            text=True, timeout=20, check=False)
    assert result.returncode != 0
    assert words in result.stdout + result.stderr


@pytest.mark.parametrize("others", [{"HTTP_SEC_FETCH_SITE": "cross-site"},
                                    {"HTTP_ORIGIN": "https://evil.example"}])
def test_other_sites(house, server, others):
    """Another site's page could have mails sent, or people signed in (CSRF)."""
    browser = Browser(house)
    assert ask(browser, **others).status == 403
    ask(browser)
    token = token_of(server.wait(1)[0])
    assert confirm(browser, token, **others).status == 403
    form = browser.ask("/sign-in/confirm", f"token={token}".encode(),
                       CONTENT_TYPE="application/x-www-form-urlencoded")
    assert form.status == 415
    assert confirm(browser, token).status == 200
    assert len(server.mails) == 1


def test_plain_http(make_house, server):
    """A session would go over the wire for everybody to read."""
    house = make_house(server, public_url="http://kontor.example.org")
    browser = Browser(house)
    assert ask(browser, HTTP_HOST="kontor.example.org").status == 403
    assert ask(browser, HTTP_HOST="localhost:8080").status == 202


# ---------------------------------------------------------------- who may

@pytest.mark.parametrize("address, status", [
    (ADA, 202), ("x@EXAMPLE.com", 202), (EVE, 403), ("ada@sub.example.org", 403),
    ("ada@example.org.evil.example", 403), ("ada@example.org\r\nBcc: eve@evil.example", 422),
    ("", 422), ("ada", 422), ("Ada <ada@example.org>", 422)])
def test_domains(house, server, address, status):
    """Strangers could sign in, or have mail sent to anybody."""
    answer = ask(Browser(house), address)
    assert answer.status == status, answer.body
    assert len(server.mails) == (status == 202)


def test_everybody(make_house, server):
    """An open site could not be opened."""
    house = make_house(server, sign_in_domains="*")
    assert sign_in(house, server, EVE).me()["user"] == EVE


def test_a_domain_that_goes_takes_its_sessions_along(house, server):
    """Who has left would stay for three months."""
    browser = sign_in(house, server)
    asked = Browser(house)
    assert ask(asked, GRACE).status == 202
    token = token_of(server.wait(2)[-1])
    house.sections["calendar"]["sign_in_domains"] = "example.com"
    house.write_config()
    house.stop()
    house.start()
    assert browser.me()["user"] is None
    assert confirm(asked, token).status == 410


@pytest.mark.parametrize("person, hosted, word", [
    (ADA, "example.org", None), (ADA, None, "not_allowed"), (EVE, "evil.example", "not_allowed"),
    ("ada@gmail.com", None, None)])
def test_google_and_domains(make_house, server, person, hosted, word):
    """Any account of Google's would be let in, or one with an address that somebody else has now."""
    with Google() as google:
        google.person(person).hosted_domain = hosted
        house = make_house(server, sign_in_domains="example.org, gmail.com", public_url=PUBLIC_URL,
                           **google.options())
        browser = Browser(house)
        assert browser.connect_google(person) == ({"problem": word} if word else
                                                  {"connected": "google"})
        assert browser.me()["user"] == (None if word else person)
        assert bool(google.refresh) is not bool(word)  # what is not kept is given back


@pytest.mark.parametrize("claims", [
    {"iss": "https://evil.example"}, {"aud": "another"}, {"azp": "another"}, {"nonce": "another"},
    {"nonce": None}, {"exp": 1}, {"iat": 1}, {"email": None}, {"email_verified": False}])
def test_id_tokens_for_others(make_house, server, claims):
    """A token that another site has got could be used to be its person here."""
    with Google() as google:
        google.person(ADA)
        google.claims = claims
        house = make_house(server, sign_in_domains="*", public_url=PUBLIC_URL, **google.options())
        browser = Browser(house)
        answer = browser.connect_google(ADA)
        assert set(answer) == {"problem"} and answer["problem"] in ("broken", "denied")
        assert browser.me()["user"] is None and google.refresh == {}


# ---------------------------------------------------------------- how often

def test_one_mailbox(house, server):
    """Strangers could fill anybody's mailbox."""
    answers = [ask(Browser(house), REMOTE_ADDR=f"192.0.2.{index}") for index in range(5)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 300
    assert len(server.mails) == 3
    assert ask(Browser(house), GRACE).status == 202


def test_one_client(make_house, server):
    """One stranger could write to everybody, as often as there are workers."""
    house = make_house(server, workers=3)
    status = [ask(Browser(house), f"user{index}@example.org").status for index in range(35)]
    assert status.count(202) == 30 and status.count(429) == 5
    assert ask(Browser(house), REMOTE_ADDR="192.0.2.9").status == 202


def test_google_has_the_same_limit(make_house, server):
    """A stranger could have kontor seal states for ever."""
    with Google() as google:
        house = make_house(server, **google.options())
        status = [Browser(house).ask("/connect/google").status for _ in range(31)]
        assert status == [302] * 30 + [429]


def test_the_counting_worker_dies(make_house, server):
    """Nobody could sign in any more until a restart."""
    house = make_house(server, workers=2)
    for pid in house.workers():
        house.kill(pid)
        wait_until(lambda gone=pid: gone not in house.workers() and len(house.workers()) == 2, 20,
                   "another worker")
        wait_until(lambda: ask(Browser(house), GRACE, REMOTE_ADDR="192.0.2.1").status in (202, 429), 20,
                   "signing in goes on")


# ---------------------------------------------------------------- one person in both plugins

def mailer_ask(house, browser, path, body=None, **others):
    """Ask the mailer with the browser's cookies."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return house.ask(path, body=body, HTTP_COOKIE=cookies, **others)


def test_the_mailer_knows_the_session(house, server):
    """Who has signed in could not have the mail, or everybody could have everybody's."""
    browser = sign_in(house, server)
    assert mailer_ask(house, Browser(house), "settings").status == 401
    answer = mailer_ask(house, browser, "settings", {"on": True, "address": ADA})
    assert answer.status == 200, answer.body
    assert json.loads(mailer_ask(house, browser, "settings").body)["address"] == ADA
    by_server = house.ask("settings", "somebody", HTTP_COOKIE="; ".join(
        f"{name}={value}" for name, value in browser.cookies.items()))
    assert json.loads(by_server.body)["address"] == ""  # the web server's word counts
    assert mailer_ask(house, browser, "settings", {"on": False},
                      HTTP_SEC_FETCH_SITE="cross-site").status == 403
    assert browser.ask("/sign-out", {"everywhere": True}).status == 204
    assert mailer_ask(house, browser, "settings").status == 401


@pytest.mark.parametrize("cookie", ["", "__Host-kontor=", "kontor=x", "__Host-kontor=" + "A" * 6000,
                                    "__Host-kontor=\"{}\"; a=\\u0000", "=;=;=" * 100])
def test_cookies_that_make_no_sense(house, cookie):
    """A strange cookie would fail the page of the mail."""
    assert house.ask("settings", HTTP_COOKIE=cookie).status == 401


def test_deleting_ends_the_mails(make_house, server):
    """Who wanted everything forgotten would get mails for years."""
    house = make_house(server, workers=3)
    browser = sign_in(house, server)
    other = sign_in(house, server, "ada@example.com")
    for who, address in ((browser, ADA), (other, "ada@example.com")):
        before = len(server.mails)
        assert mailer_ask(house, who, "settings", {"on": True, "address": address}).status == 200
        link = link_in(server.wait(before + 1)[-1], "/verify")
        assert house.follow(link, method="POST").status == 200

    def sleepers():
        return json.loads(house.control("mailer", "--json").stdout)["sleepers"]

    wait_until(lambda: sleepers() == 2, 20, "both sleep")
    ledger = Store(house, space="mailer-ledger")
    for user in (ADA, ADA + "/b"):
        assert ledger.put(f"{user}/2026-10-23", b"{}").error == ""
    assert ask(Browser(house), ADA).status == ask(Browser(house), GRACE).status == 202
    assert browser.ask("/delete-me", {"delete": True}).status == 204
    assert [json.loads(item.value)["address"] for item in links(house)] == [GRACE]
    wait_until(lambda: sleepers() == 1, 20, "one sleeps on")
    assert [item.key for item in Store(house, space="mailer").scan_all("")] == ["ada@example.com"]
    assert [item.key for item in ledger.scan_all("")] == [ADA + "/b/2026-10-23"]
    assert all(ADA.encode() not in item.value for item in Store(house, space="calendar").scan_all(""))
    assert mailer_ask(house, browser, "settings").status == 401
