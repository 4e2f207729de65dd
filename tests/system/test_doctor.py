# SPDX-License-Identifier: BSD-2-Clause
"""kontorctl doctor: what is wrong with an installation, and what to do about it."""

import json
import os
import socket
import threading


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
