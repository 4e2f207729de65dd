# SPDX-License-Identifier: BSD-2-Clause
"""A real SMTP server (aiosmtpd) that takes mails, or goes wrong as mail servers do.

Knows nothing of kontor. What arrived is in `mails`, parsed; `wait` waits for it.
"""

import asyncio
import email
import email.policy
import glob
import os
import ssl
import subprocess
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from fastcgi import wait_until
from ports import free_port

USER, PASSWORD = b"kontor", b"a secret of the tests"


def make_certificate(folder):
    """A certificate for 127.0.0.1, which is its own authority, valid since long ago: the clock of
    the tests may be there. Returns the paths of both."""
    certificate, key = folder / "smtp.crt", folder / "smtp.key"
    environment = dict(os.environ, FAKETIME="-10y",
                       LD_PRELOAD=glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7300",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True,
                   env=environment)
    return certificate, key


class Dying(SMTP):
    """An SMTP session that ends in the middle of DATA when its server says so."""

    async def smtp_DATA(self, arg):  # pylint: disable=invalid-name
        if self.event_handler.mode == "die_in_data":
            self.event_handler.deaths += 1
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class MailServer:
    """Listens on a port of its own. `mode` says what it does, and may be changed at any time:
    accept, mail421, rcpt450, rcpt550, data451, data552, greylist, die_in_data, die_after_dot. Each
    mail takes `delay` seconds. With `smtps` it speaks TLS from the first byte."""

    def __init__(self, tls=None, needs_login=False, smtps=None):
        self.mode = "accept"
        self.delay = 0
        self.mails = []
        self.deaths = 0
        self.sessions = set()
        self.seen = set()
        self.lock = threading.Lock()
        options = {}
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            options.update(tls_context=context, require_starttls=True)
        if needs_login:
            options.update(authenticator=self.authenticate, auth_required=True,
                           auth_require_tls=bool(tls))
        context = None
        if smtps:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*smtps)
        self.controller = Controller(self, hostname="127.0.0.1", port=0, ssl_context=context)
        self.controller.factory = lambda: Dying(self, hostname="mail.test", **options)
        self.port = self.controller.port = free_port()
        self.controller.start()

    @staticmethod
    def authenticate(_server, _session, _envelope, _mechanism, data):
        """Whether somebody may send."""
        return AuthResult(success=data.login == USER and data.password == PASSWORD, handled=False)

    async def handle_MAIL(self, _server, session, envelope, address, options):
        # pylint: disable=invalid-name,too-many-arguments,too-many-positional-arguments
        if self.mode == "mail421":
            return "421 not now"
        self.sessions.add(id(session))
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        # pylint: disable=invalid-name,too-many-arguments,too-many-positional-arguments
        if self.mode == "rcpt450":
            return "450 mailbox busy"
        if self.mode == "rcpt550":
            return "550 no such mailbox"
        if self.mode == "greylist" and address not in self.seen:
            self.seen.add(address)
            return "451 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # pylint: disable=invalid-name
        if self.mode == "data451":
            return "451 local error"
        if self.mode == "data552":
            return "552 too large"
        await asyncio.sleep(self.delay)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail.envelope_from, mail.envelope_to = envelope.mail_from, list(envelope.rcpt_tos)
        mail.raw = envelope.content
        with self.lock:
            self.mails.append(mail)
        if self.mode == "die_after_dot":
            self.deaths += 1
            self.mode = "accept"
            server.transport.abort()
        return "250 taken"

    def to(self, address):
        """The mails that arrived for somebody, without the one that asks for the address."""
        with self.lock:
            return [mail for mail in self.mails if address in mail.envelope_to
                    and "List-Id" in mail]

    def wait(self, count, seconds=20, weekly=False):
        """Wait until so many mails are there."""
        def there():
            with self.lock:
                mails = [mail for mail in self.mails if not weekly or "List-Id" in mail]
            return mails if len(mails) >= count else None
        return wait_until(there, seconds, f"{count} mails")

    def stop(self):
        self.controller.stop()
