# SPDX-License-Identifier: BSD-2-Clause
"""The mailer's conversation with mail servers that are particular, or go wrong."""

import email
import email.policy
import shutil

import pytest

from fastcgi import wait_until
from kontor import ROOT
from mailers import stopping
from scripted_mail_server import ScriptedMailServer
from test_mailer import make_mailer  # pylint: disable=unused-import

PEOPLE = {"ada": {"on": False}, "bob": {"on": False}}


@pytest.fixture(params=["at once", "one by one"])
def server(request):
    with stopping(ScriptedMailServer(pipelining=request.param == "at once")) as started:
        yield started


def make(make_mailer, server, **options):
    return make_mailer(server, PEOPLE, options={"connections": "1", "smtp_timeout": "5s", **options})


def send(mailer, user="ada"):
    """@return what the operator is told; "" when it was sent"""
    result = mailer.control("mailer", "send", user)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_one_connection_for_many_mails(make_mailer, server):
    """Each mail would cost the mail server a connection, and the people the time for it."""
    mailer = make(make_mailer, server)
    for user in ("ada", "bob", "ada"):
        assert send(mailer, user) == ""
    assert len(server.conversations) == 1 and len(server.mails) == 3
    assert server.conversations[0][:3] == ["MAIL FROM:<kontor@kontor.test>",
                                           "RCPT TO:<ada@example.org>", "DATA"]
    # What nobody needs any more is closed, with a word.
    wait_until(lambda: server.conversations[0][-1] == "QUIT", 20, "a goodbye")
    assert send(mailer) == "" and len(server.conversations) == 2


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("code", [451, 552])
def test_a_refusal_is_of_one_mail(make_mailer, server, command, code):
    """One address that does not exist would cost others their mail, or take the next one's fate."""
    mailer = make(make_mailer, server)
    server.replies[command] = [f"{code}-no\r\n{code} not this one"]
    assert f"the mail server said {code}" in send(mailer)
    assert send(mailer, "bob") == ""
    assert len(server.mails) == 1 and b"To: bob@example.org" in server.mails[0]
    assert len(server.conversations) == 1


def test_data_is_taken_although_nobody_gets_it(make_mailer, server):
    """The next mail would be taken for the text of the one that was refused."""
    mailer = make(make_mailer, server)
    server.replies["RCPT"] = ["550 nobody"]
    server.replies["DATA"] = ["354 go on all the same"]
    server.replies["."] = ["554 no valid recipients"] if server.pipelining else []
    assert "the mail server said 550" in send(mailer)
    assert send(mailer, "bob") == ""
    assert [b"To: bob@example.org" in mail for mail in server.mails] == [True]


def test_a_kept_connection_was_closed(make_mailer, server):
    """A server that closes what is idle would cost the first mail of each week a try."""
    mailer = make(make_mailer, server)
    assert send(mailer) == ""
    server.close_connections()
    assert send(mailer) == ""
    server.replies["MAIL"] = ["421 too long idle"]
    assert send(mailer) == ""
    assert len(server.mails) == 3 and len(server.conversations) == 3


def test_a_server_that_closes_new_connections(make_mailer, server):
    """It would be asked again and again within one try."""
    mailer = make(make_mailer, server)
    server.replies["MAIL"] = "421 not now"
    assert "the mail server said 421" in send(mailer)
    server.replies["MAIL"] = None
    assert "closed the connection" in send(mailer)
    assert len(server.conversations) == 2
    server.replies.clear()
    assert send(mailer) == ""


@pytest.mark.parametrize("command", ["DATA", "."])
def test_it_dies_in_the_middle(make_mailer, server, command):
    """The fate of the mail would be a guess, and the next one stuck."""
    mailer = make(make_mailer, server)
    server.replies[command] = [None]
    assert "closed the connection" in send(mailer)
    assert send(mailer, "bob") == ""
    assert len(server.conversations) == 2


def test_nonsense(make_mailer, server):
    """What is no mail server would crash the mailer, or be believed."""
    mailer = make(make_mailer, server)
    for word, reply in {"MAIL": "hello", "RCPT": "25" + "0" * 5000, ".": "999 what"}.items():
        server.replies[word] = [reply]
        assert "makes no sense" in send(mailer)
        # What was said at once with it is not to be answered with the next one's reply.
        wait_until(lambda: not server.sockets, 10, "it hung up")
    assert send(mailer) == ""


def test_an_answer_to_something_else(make_mailer, server):
    """A mail that never went out would be written down as sent."""
    mailer = make(make_mailer, server)
    server.replies["DATA"] = ["250 good"]
    assert "makes no sense" in send(mailer)
    server.replies["RCPT"] = ["252 perhaps"]
    assert "makes no sense" in send(mailer)
    assert server.mails == []
    assert send(mailer) == "" and len(server.mails) == 1


def test_an_answer_too_many(make_mailer, server):
    """It would be taken for the fate of the mail, or of the next one."""
    mailer = make(make_mailer, server)
    server.replies["DATA"] = ["354 go on\r\n250 taken"]
    assert "makes no sense" in send(mailer)
    server.replies["."] = ["250 taken\r\n550 never again"]
    assert send(mailer) == ""
    assert send(mailer, "bob") == ""
    assert len(server.mails) == 2 and len(server.conversations) == 3


def test_silence(make_mailer, server):
    """A server that says nothing would keep a place for ever."""
    mailer = make(make_mailer, server, smtp_timeout="300ms")
    server.replies["RCPT"] = [""]
    assert "did not answer in time" in send(mailer)
    assert send(mailer) == ""


def test_replies_in_pieces(make_mailer, server):
    """A slow line would look like an error."""
    server.slowly = True
    server.replies["RCPT"] = "250-a\r\n250-b\r\n250 c"
    mailer = make(make_mailer, server)
    assert send(mailer) == "" and send(mailer, "bob") == ""
    assert len(server.conversations) == 1


def test_dots(make_mailer, server, folder):
    """A line with a dot would end the mail, or lose it."""
    templates = folder / "templates"
    shutil.copytree(ROOT / "plugins/mailer/templates", templates)
    text = ".\n..\n.hidden\nHello.\n" + "x" * 75 + ".y\n"
    (templates / "week.txt").write_text(text)
    mailer = make(make_mailer, server, templates=str(templates))
    assert send(mailer) == ""
    mail = email.message_from_bytes(server.mails[0], policy=email.policy.default)
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == text.rstrip("\n")
