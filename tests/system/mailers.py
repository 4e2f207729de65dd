# SPDX-License-Identifier: BSD-2-Clause
"""A kontord with the mailer, people who want mail, and a clock that tests can set (libfaketime)."""

import contextlib
import datetime
import glob
import json
import time
import urllib.parse
import zoneinfo

import kontor as library
from kontor import Kontor, ROOT

WEEK = ROOT / "tests/data/week.ics"
PUBLIC = "https://kontor.test/tools"
# The sanitizers and libfaketime both want to be in front of libc: with them there is no such clock.
FAKETIME = [] if library.is_sanitized() else glob.glob("/usr/lib/*/faketime/libfaketime.so.1")


def instant(zone, text):
    """Seconds since 1970 of "2026-10-23 19:00" in a zone."""
    local = datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return int(local.timestamp())


class Mailer(Kontor):
    """`now` sets the clock of the next start: seconds since 1970, or None for the real time. With
    `is_settable` set_clock sets it while kontor runs."""

    def __init__(self, folder, plugin_dir, server, options=None, settings=None, calendar=None,
                 plugins=("calendar", "mailer"), sections=None, is_settable=False):
        self.now = None
        self.clock = folder / "clock" if is_settable else None
        self.store = folder / "store.db"
        mailer = {"public_url": PUBLIC, "from": "kontor <kontor@kontor.test>",
                  "smtp": f"smtp://127.0.0.1:{server.port}", "smtp_tls": "no", "retry": "100ms",
                  "lease": "1s", "templates": str(ROOT / "plugins/mailer/templates"),
                  **(options or {})}
        super().__init__(folder, plugin_dir, plugins=plugins,
                         settings={"store": f"sqlite:{self.store}", "quarantine_crashes": "0",
                                   **(settings or {})},
                         sections={"calendar": {"file": str(WEEK), "owner": "me@example.org",
                                                **(calendar or {})},
                                   "mailer": mailer, **(sections or {})})

    def start(self):
        before = dict(library.ENVIRONMENT)
        if self.now is not None:
            library.ENVIRONMENT.update(
                LD_PRELOAD=FAKETIME[0], FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_RESET="1")
            if self.clock:
                self.set_clock(self.now)
                library.ENVIRONMENT.update(FAKETIME_TIMESTAMP_FILE=str(self.clock),
                                           FAKETIME_NO_CACHE="1")
            else:
                library.ENVIRONMENT["FAKETIME"] = f"{self.now - time.time():+.3f}"
        try:
            return super().start()
        finally:
            library.ENVIRONMENT.clear()
            library.ENVIRONMENT.update(before)

    def set_clock(self, now):
        fresh = self.clock.with_suffix(".fresh")
        fresh.write_text(f"{now - time.time():+.3f}\n")
        fresh.rename(self.clock)

    def restart(self, now):
        """Stop it, and start it when the clock says so."""
        self.stop()
        self.process = None
        self.now = now
        return self.start()

    def ask(self, path, user=None, body=None, method=None, **others):
        """Ask /api/mailer/…; a body is sent as JSON unless it is bytes."""
        if user:
            others["REMOTE_USER"] = user
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            others.setdefault("content_type", "application/json")
        with self.client() as client:
            client.start(f"/api/mailer/{path}", body=body or b"", method=method, **others)
            return client.read_response()

    def follow(self, link, body=b"", **others):
        """Open a link of a mail, or send its form."""
        assert link.startswith(PUBLIC + "/api/mailer/"), link
        return self.ask(link.removeprefix(PUBLIC + "/api/mailer/"), body=body, **others)

    def people(self, settings, seconds=30):
        """Put people into the store, as if they had signed up; kontor must not run."""
        default = {"on": True, "day": 4, "hour": 19, "zone": "Europe/Berlin", "verified": True,
                   "since": 0, "asked": 0}
        lines = [{"kontor_store": 1}]
        for user, chosen in settings.items():
            value = {**default, "address": f"{user}@example.org", **chosen}
            lines.append({"namespace": "mailer", "key": user, "value": json.dumps(value)})
        lines.append({"end": str(len(settings))})
        path = self.folder / "people.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        result = self.control("store", "import", str(path), seconds=seconds)
        assert result.returncode == 0, result.stderr

    def ledger(self):
        """What has become of all mails: {(user, week): entry}."""
        result = self.control("store", "export")
        assert result.returncode == 0, result.stderr
        entries = {}
        for line in map(json.loads, result.stdout.splitlines()):
            if line.get("namespace") == "mailer-ledger":
                entries[tuple(line["key"].rsplit("/", 1))] = json.loads(line["value"])
        return entries


def link_in(mail, word):
    """The link in the text of a mail that has a word in its path."""
    text = mail.get_body(("plain",)).get_content()
    links = [part for part in text.split() if part.startswith("https://") and word in part]
    assert len(links) == 1, text
    return links[0]


def query_of(link):
    return urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)


@contextlib.contextmanager
def stopping(server):
    try:
        yield server
    finally:
        server.stop()
