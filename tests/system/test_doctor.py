# SPDX-License-Identifier: BSD-2-Clause
"""kontorctl doctor: what is wrong with an installation, and what to do about it."""

import json
import os
import socket
import threading

import pytest

from mail_server import PASSWORD, USER, MailServer, make_certificate
from kontor import ROOT


def examine(kontor, *arguments):
    """What the doctor says: (its exit status, texts of one area by state)."""
    result = kontor.control("doctor", "--json", *arguments)
    report = json.loads(result.stdout)
    assert report["ok"] == (result.returncode == 0), result.stdout
    for finding in report["findings"]:
        assert finding["state"] == "ok" or finding["remedy"], finding

    def texts(state, area):
        return [finding["text"] for finding in report["findings"]
                if finding["state"] == state and finding["area"] == area]
    return result.returncode, texts


def test_all_is_well(make_kontor, make_frontend, folder):
    """An administrator would look for a mistake where there is none."""
    kontor = make_kontor(settings={"store": f"sqlite:{folder}/store.db"})
    site = make_frontend("nginx", kontor, mount="/kontor")
    status, texts = examine(kontor, "--url", f"http://127.0.0.1:{site.port}/kontor")
    assert status == 0
    for area in ("configuration", "plugins", "kontord", "permissions", "run_dir", "jobs", "store",
                 "socket", "web server"):
        assert texts("ok", area), area
        assert not texts("wrong", area), area
    # Forgery of REMOTE_USER is possible there, which is told, but it works.
    assert any("everybody" in text for text in texts("advice", "socket"))
    result = kontor.control("doctor")
    assert result.returncode == 0, result.stdout
    assert "Nothing is wrong." in result.stdout


def test_kontord_does_not_run(make_kontor):
    """Nobody would be told that the first thing to do is to start it."""
    status, texts = examine(make_kontor(start=False))
    assert status == 1
    assert texts("wrong", "kontord") == ["it does not run"]
    assert texts("wrong", "socket")


def test_mistakes_are_named(make_kontor, folder):
    """Files that cannot be used would be found out one by one, from the log."""
    disk = folder / "on-disk"
    disk.mkdir()
    kontor = make_kontor(start=False, plugins=("reports",), settings={
        "job_directory": str(disk), "job_runner": "/nowhere/kontor-job",
        "store": f"sqlite:{folder}/missing/store.db", "workers": "many"}, sections={
            "reports": {"definitions": str(disk),
                        "sources": f"shop=sqlite:{folder}/shop.db "
                                   "crm=postgresql://report:geheim@127.0.0.1:1/crm"}})
    os.chmod(kontor.config, 0o666)
    status, texts = examine(kontor)
    assert status == 1
    assert any("workers" in text for text in texts("wrong", "configuration"))
    assert any("changed by others" in text for text in texts("wrong", "configuration"))
    assert any("/nowhere/kontor-job" in text for text in texts("wrong", "jobs"))
    assert any("missing/store.db" in text for text in texts("wrong", "store"))
    reports = texts("wrong", "reports")
    assert any("shop.db" in text for text in reports), reports
    assert any("127.0.0.1:1" in text for text in reports), reports
    assert not any("geheim" in text for text in reports), "a password was shown"


def test_configuration_is_missing(kontor):
    """A wrong path would look like an installation in which everything is broken."""
    kontor.config.rename(kontor.config.with_suffix(".away"))
    status, texts = examine(kontor)
    assert status == 1
    assert "No such file" in texts("wrong", "configuration")[0]
    assert not texts("wrong", "kontord")
    kontor.config.with_suffix(".away").rename(kontor.config)


def test_somebody_else_is_on_the_socket(make_kontor):
    """A socket that another program holds would pass for ours."""
    kontor = make_kontor(start=False)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(kontor.socket)
        listener.listen()

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        thread = threading.Thread(target=answer)
        thread.start()
        _, texts = examine(kontor)
        thread.join()
    assert any("not kontord" in text for text in texts("wrong", "socket"))


def test_web_server_without_kontor(make_kontor, make_frontend):
    """A site whose socket is dead would be taken for a site that works."""
    kontor = make_kontor()
    site = make_frontend("nginx", kontor, mount="/kontor")
    kontor.stop()
    status, texts = examine(kontor, "--url", f"http://127.0.0.1:{site.port}/kontor")
    assert status == 1
    assert any("502" in text for text in texts("wrong", "web server"))


def test_files_that_the_service_does_not_see(make_kontor, folder):
    """A database in a home directory would look fine, and no report could be made from it."""
    database = folder / "shop.db"  # below /tmp, which the service has one of its own of
    database.touch()
    kontor = make_kontor(start=False, plugins=("reports",), settings={
        "listen": "systemd", "store": f"sqlite:{folder}/store.db"},
                         sections={"reports": {"definitions": "/etc",
                                               "sources": f"shop=sqlite:{database}"}})
    _, texts = examine(kontor)
    assert any("does not see" in text for text in texts("wrong", "reports"))
    assert any("may write" in text for text in texts("advice", "store"))
    kontor.write_config(listen=f"unix:{kontor.socket}")
    _, texts = examine(kontor)
    assert not texts("wrong", "reports")


def make_mailer(make_kontor, folder, port, **options):
    """A kontor, which need not run, that is to send mails by the server on this port."""
    return make_kontor(start=False, plugins=("mailer",), settings={
        "store": f"sqlite:{folder}/store.db"}, sections={"mailer": {
            "public_url": "https://127.0.0.1:1", "from": "kontor <kontor@example.org>",
            "templates": str(ROOT / "plugins/mailer/templates"),
            "smtp": f"smtp://127.0.0.1:{port}", **options}})


def examine_mail(make_kontor, folder, server, **options):
    """What is said of the mail server: (those that are ok, those that are wrong)."""
    _, texts = examine(make_mailer(make_kontor, folder, server.port, **options))
    found = [[text for text in texts(state, "mailer") if text.startswith("smtp: ")]
             for state in ("ok", "wrong")]
    assert len(found[0]) + len(found[1]) == 1, found
    return found


def test_mail_server(make_kontor, folder):
    """No mail would go out, and the doctor say that all is well."""
    server = MailServer()
    try:
        fine, _ = examine_mail(make_kontor, folder, server, smtp_tls="no")
        assert "answers" in fine[0] and "TLS" not in fine[0]
        _, wrong = examine_mail(make_kontor, folder, server)
        assert "STARTTLS" in wrong[0]
    finally:
        server.stop()
    _, wrong = examine_mail(make_kontor, folder, server, smtp_tls="no")
    assert f"127.0.0.1:{server.port}" in wrong[0]
    assert server.mails == []


def test_mail_server_with_login(make_kontor, folder):
    """A wrong password, or a certificate that nobody knows, would be found out on Friday at seven."""
    certificate, key = make_certificate(folder)
    server = MailServer(tls=(certificate, key), needs_login=True)
    login = {"smtp_user": USER.decode(), "smtp_password": PASSWORD.decode()}
    try:
        fine, _ = examine_mail(make_kontor, folder, server, smtp_ca_file=str(certificate), **login)
        assert "by TLS" in fine[0] and "our login" in fine[0]
        login["smtp_password"] = "geheim"
        _, wrong = examine_mail(make_kontor, folder, server, smtp_ca_file=str(certificate), **login)
        assert "ogin denied" in wrong[0] and "geheim" not in wrong[0]
        _, wrong = examine_mail(make_kontor, folder, server, **login)
        assert "certificate" in wrong[0]
    finally:
        server.stop()


def test_own_address_is_for_others(make_kontor, folder):
    """A site that only people outside can reach would be called broken."""
    server = MailServer()
    try:
        kontor = make_mailer(make_kontor, folder, server.port, smtp_tls="no")
        _, texts = examine(kontor)
        assert any("127.0.0.1:1" in text for text in texts("advice", "mailer"))
        assert not texts("wrong", "mailer")
    finally:
        server.stop()


@pytest.mark.parametrize("plugin, options", [
    ("evaluation", {"upstream": "http://127.0.0.1:{}/slow"}),
    ("calendar", {"google_client_id": "x", "google_client_secret": "x",
                  **{f"google_{name}": "https://127.0.0.1:{}/" for name in (
                      "api", "authorize", "token", "revoke", "issuer")}})])
def test_upstream(make_kontor, folder, plugin, options):
    """Whoever waits for a server that cannot be reached would not be told which."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        kontor = make_kontor(start=False, plugins=(plugin,), settings={
            "store": f"sqlite:{folder}/store.db"}, sections={plugin: {
                name: text.format(port) for name, text in options.items()}})
        _, texts = examine(kontor)
        wrong = texts("wrong", plugin)
        assert len(wrong) == len([text for text in options.values() if "{}" in text])
        assert all(f"127.0.0.1:{port}" in text for text in wrong)
        if plugin == "evaluation":
            listener.listen()
            _, texts = examine(kontor)
            assert texts("ok", plugin) and not texts("wrong", plugin)
