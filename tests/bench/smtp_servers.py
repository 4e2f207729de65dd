# SPDX-License-Identifier: BSD-2-Clause
"""The servers that mails are sent to: Postfix, and one of our own that forgets what it takes. Each
knows how many it took since it was told to forget, and how fast."""

import collections
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from fastcgi import wait_until
from kontor import BUILD
from ports import free_port
from systems import Program, is_listening

POSTFIX = pathlib.Path("/usr/sbin/postfix")
# The services of a Postfix as the package has them.
SERVICES = pathlib.Path("/etc/postfix/master.cf.proto")
# Its checks of all its files at the start take most of it.
START_SECONDS = 60
# How long it may take to hand on what it has accepted.
DELIVERY_SECONDS = 120


class Sink(Program):
    """Forgets mails: at once, or after so many milliseconds."""

    def __init__(self, delay_ms=0):
        self.port = free_port()
        super().__init__(BUILD / "tests/bench/smtp_sink", self.port, delay_ms)
        try:
            wait_until(lambda: is_listening(("127.0.0.1", self.port)), 10, "the sink listens")
        except TimeoutError:
            self.stop()
            raise

    def ask(self, word):
        """Say one of its own words. @return the answer"""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            lines = connection.makefile("rb")
            lines.readline()
            connection.sendall(word.encode() + b"\r\n")
            return lines.readline().decode()

    def forget(self):
        self.ask("XRESET")

    def counts(self):
        """Mails, connections, bytes since it was asked to forget, ns from first to last."""
        return dict((name, int(number)) for number, name in
                    re.findall(r"(\d+) (mails|connections|bytes|ns)", self.ask("XCOUNT")))

    def mails(self):
        return self.counts()["mails"]

    def rate(self):
        """Mails a second, from the first to the last."""
        counts = self.counts()
        return (counts["mails"] - 1) / (counts["ns"] / 1e9)

    def check(self, count, addresses=None):
        """It took as many as it should; it doesn't remember whose they were."""
        del addresses
        if self.mails() != count:
            raise RuntimeError(f"{self.mails()} mails came instead of {count}")


class MailLog:
    """What Postfix writes of its mails; it may be in the middle of a line."""

    ACCEPTED = re.compile(rb"/qmgr\[\d+\]: \w+: from=<[^>]*>, size=.*\(queue active\)")
    DELIVERED = re.compile(rb"/discard\[\d+\]: \w+: to=<([^>]+)>, .*status=sent")

    def __init__(self, path):
        self.path = path
        self.read_bytes = 0
        self.forget()

    def forget(self):
        """Begin anew with what is written from now on. `moments`: when the first mails were seen
        and when the last were, and how many had come by then."""
        self.accepted, self.moments, self.delivered = 0, [], collections.Counter()

    def read(self):
        """Read on. The log knows whole seconds only: how fast mails came finds out who reads again
        and again."""
        with open(self.path, "rb") as log:
            log.seek(self.read_bytes)
            text = log.read()
        text = text[:text.rfind(b"\n") + 1]
        self.read_bytes += len(text)
        self.delivered.update(address.decode() for address in self.DELIVERED.findall(text))
        fresh = len(self.ACCEPTED.findall(text))
        self.accepted += fresh
        if fresh:
            self.moments = [*self.moments[:1], (time.monotonic(), self.accepted)]


class Postfix(Program):
    """A Postfix of our own on the loopback, as the package sets it up: each mail is in the queue,
    on the disk, before it is acknowledged. What differs, and why:
    - folders, log file, port and name are its own, so that it meddles with no other; it gets its
      mails from here alone;
    - no chroot, which its init script would have to fill with the system's files;
    - what it would send to other machines goes to its discard(8), by way of the queue."""

    def __init__(self):
        self.port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-postfix-", dir="/var/tmp"))
        self.log = MailLog(self.folder / "mail.log")
        self.log.path.touch()
        try:
            self.write_configuration()
            super().__init__(POSTFIX, "-c", self.folder / "etc", "start-fg",
                             log=subprocess.DEVNULL)
            wait_until(lambda: is_listening(("127.0.0.1", self.port)), START_SECONDS,
                       "Postfix listens")
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def is_there():
        """It is nobody's but root's to start."""
        return POSTFIX.exists() and os.geteuid() == 0

    def write_configuration(self):
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)
        shutil.chown(self.folder / "data", "postfix")
        settings = {"compatibility_level": "3.6", "queue_directory": self.folder / "queue",
                    "data_directory": self.folder / "data", "maillog_file": self.log.path,
                    "myhostname": "relay.kontor.test", "alias_maps": "",
                    "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
                    "default_transport": "discard:"}
        (self.folder / "etc/main.cf").write_text(
            "".join(f"{name} = {value}\n" for name, value in settings.items()))
        # service, type, private, unprivileged, chroot, …
        services = SERVICES.read_text(encoding="utf-8")
        services = re.sub(r"(?m)^([^#\s]+\s+\S+\s+\S+\s+\S+\s+)y(?=\s)", r"\1n", services)
        services = re.sub(r"(?m)^smtp(?=\s+inet\s)", f"127.0.0.1:{self.port}", services)
        (self.folder / "etc/master.cf").write_text(services)

    def stop(self):
        if hasattr(self, "process"):
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run([POSTFIX, "-c", self.folder / "etc", "stop"], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               timeout=START_SECONDS)
            super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self):
        self.log.read()
        self.log.forget()

    def mails(self):
        """How many are in the queue, or were."""
        self.log.read()
        return self.log.accepted

    def rate(self):
        """Mails a second, from when the first were seen to when the last were."""
        (began, first), (ended, last) = self.log.moments
        return (last - first) / (ended - began)

    def check(self, count, addresses=None):
        """All came, and each came once: to these addresses, if they are known."""
        def delivered():
            self.log.read()
            return self.log.delivered.total()
        wait_until(lambda: delivered() >= count, DELIVERY_SECONDS,
                   "Postfix hands on all that it has accepted")
        if self.log.accepted != count or delivered() != count:
            raise RuntimeError(f"{self.log.accepted} mails were accepted and {delivered()} handed "
                               f"on instead of {count}")
        if addresses is not None and self.log.delivered != collections.Counter(addresses):
            raise RuntimeError("not everybody got one mail")
