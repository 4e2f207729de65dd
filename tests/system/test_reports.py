# SPDX-License-Identifier: BSD-2-Clause
"""Reports over HTTP: asked for once, made once, found by everybody, kept in memory for a while."""

import contextlib
import datetime
import io
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import threading
import time
import zoneinfo

import openpyxl
import pytest

from fastcgi import wait_until
from frontend import nginx_snippets
from kontor import ENVIRONMENT, KONTORD, ROOT

SALES = """-- title: Sales by day
-- source: shop
-- retention: 10min
-- timeout: 60s
-- param: from date required default=today-2 label="From"
-- param: country choice optional values=(SELECT DISTINCT country FROM sale ORDER BY 1)
-- column: day date
-- column: total money "#,##0.00" sum
-- chart: line x=day y=total
SELECT day, sum(total) AS total FROM sale
WHERE day >= :from AND (:country IS NULL OR country = :country) GROUP BY day ORDER BY day
"""

SLOW = """-- title: Slow
-- source: shop
-- retention: 10min
-- timeout: 60s
-- param: seed integer required
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000000)
SELECT count(*) AS count, :seed AS seed FROM n
"""

SECRET = """-- title: Salaries
-- source: shop
-- roles: boss
SELECT 1 AS one
"""

LARGE = """-- title: Large
-- source: shop
-- retention: 10min
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 210000)
SELECT i AS number, printf('%090d', i) AS text FROM n
"""

NUMBER = """-- title: By number
-- source: shop
-- retention: 10min
-- param: number number required
-- param: text text
SELECT :number AS number, :text AS text
"""

BROKEN = """-- title: Broken in its data
-- source: shop
-- retention: 1min
SELECT json_extract('no json', '$') AS value
"""


@pytest.fixture
def shop(make_kontor, folder):
    """A kontor with a small shop and its reports. @return the kontor"""
    database = folder / "shop.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE sale (day TEXT, country TEXT, total REAL)")
        connection.executemany("INSERT INTO sale VALUES (?, ?, ?)",
                               [(f"2026-11-{day:02}", country, day * 10.25)
                                for day in range(1, 21) for country in ("DE", "FR")])
    connection.close()
    reports = folder / "reports.d"
    reports.mkdir()
    for name, text in (("sales", SALES), ("slow", SLOW), ("secret", SECRET), ("broken", BROKEN),
                       ("large", LARGE), ("number", NUMBER)):
        (reports / f"{name}.sql").write_text(text)
    return make_kontor(plugins=("reports", "evaluation"), settings={"workers": "3"},
                       sections={"reports": {"definitions": reports,
                                             "sources": f"shop=sqlite:{database}",
                                             "roles": "boss=eve"}})


def ask(kontor, path, method="GET", body=None, **others):
    with kontor.client() as client:
        data = b"" if body is None else json.dumps(body).encode()
        if data:
            others["CONTENT_TYPE"] = "application/json"
        client.start("/api/reports" + path, body=data, method=method, keep=False, **others)
        return client.read_response()


def start(kontor, report, parameters, file="xlsx", **others):
    """@return status and the job's path"""
    response = ask(kontor, f"/{report}/jobs", "POST",
                   {"parameters": parameters, "format": file}, **others)
    location = response.headers.get("location", "")
    return response, location.removeprefix("/api/reports").removesuffix("/file")


def state(kontor, path):
    response = ask(kontor, path)
    return json.loads(response.body)["state"] if response.status == 200 else response.status


def finished(kontor, path):
    return wait_until(lambda: state(kontor, path) not in ("queued", "running") and
                      json.loads(ask(kontor, path).body), 60, "the job has ended")


def test_list_and_roles(shop):
    """People would see reports that are not for them."""
    everybody = json.loads(ask(shop, "/").body)
    assert [report["name"] for report in everybody["reports"]] == [
        "broken", "large", "number", "sales", "slow"]
    boss = json.loads(ask(shop, "/", REMOTE_USER="eve").body)
    assert "secret" in [report["name"] for report in boss["reports"]]
    assert ask(shop, "/secret").status == 404
    assert ask(shop, "/secret/jobs", "POST", {"parameters": {}}).status == 404
    response, path = start(shop, "secret", {}, REMOTE_USER="eve")
    assert response.status in (202, 303)
    finished_job = wait_until(
        lambda: ask(shop, path + "/file", REMOTE_USER="eve").status == 200, 30, "the file")
    assert finished_job
    assert ask(shop, path).status == 404
    assert ask(shop, path + "/file").status == 404
    sales = json.loads(ask(shop, "/sales").body)
    assert [one["value"] for one in sales["parameters"][1]["choices"]] == ["DE", "FR"]
    assert sales["parameters"][0]["required"] and sales["parameters"][0]["default"]


def test_from_order_to_spreadsheet(shop):
    """The one thing that reports are for would not work."""
    response, path = start(shop, "sales", {"from": "2026-11-18", "country": "DE"})
    assert response.status in (202, 303)
    job = finished(shop, path)
    assert job["state"] == "ready" and job["rows"] == 3
    answer = ask(shop, path + "/file")
    assert answer.status == 200
    assert int(answer.headers["content-length"]) == len(answer.body) == job["bytes"]
    assert 'filename="sales.xlsx"' in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "private, no-store"
    book = openpyxl.load_workbook(io.BytesIO(answer.body))
    cells = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    assert [row[1] for row in cells[1:4]] == [184.5, 194.75, 205.0]
    assert [row[0].date().isoformat() for row in cells[1:4]] == [
        "2026-11-18", "2026-11-19", "2026-11-20"]
    # In pieces, as a download is taken up again.
    etag = answer.headers["etag"]
    piece = ask(shop, path + "/file", HTTP_RANGE="bytes=10-19", HTTP_IF_RANGE=etag)
    assert piece.status == 206 and piece.body == answer.body[10:20]
    assert piece.headers["content-range"] == f"bytes 10-19/{len(answer.body)}"
    beyond = ask(shop, path + "/file", HTTP_RANGE=f"bytes={len(answer.body)}-")
    assert beyond.status == 416 and "content-disposition" not in beyond.headers
    head = ask(shop, path + "/file", "HEAD", HTTP_RANGE="bytes=10-19")
    assert head.status == 200 and not head.body
    for known in (etag, f'"another", W/{etag}', "*"):
        kept = ask(shop, path + "/file", HTTP_IF_NONE_MATCH=known)
        assert kept.status == 304 and not kept.body and kept.headers["etag"] == etag
    assert int(head.headers["content-length"]) == len(answer.body)
    # The preview is of the same run.
    preview = json.loads(ask(shop, path + "/preview").body)
    assert preview["row_count"] == 3 and preview["rows"][0][1] == 184.5
    assert preview["chart"]["kind"] == "line"
    # Asked for again it is there at once.
    response, again = start(shop, "sales", {"country": "DE", "from": "2026-11-18"})
    assert response.status == 303 and again == path


@pytest.mark.parametrize("file, begin", [("csv", b"\xef\xbb\xbf"), ("json", b"{")])
def test_other_formats(shop, file, begin):
    """Who has no spreadsheet program could not use reports."""
    _, path = start(shop, "sales", {"from": "2026-11-18"}, file)
    assert finished(shop, path)["state"] == "ready"
    body = ask(shop, path + "/file").body
    assert body.startswith(begin)
    assert b"2026-11-18" in body and b"369" in body


def test_one_job_for_all(shop):
    """A hundred impatient clicks would start a hundred queries."""
    answers = []
    barrier = threading.Barrier(100)

    def visit():
        barrier.wait()
        answers.append(start(shop, "slow", {"seed": 1}, HTTP_PREFER="respond-async"))
    threads = [threading.Thread(target=visit) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {response.status for response, _ in answers} == {202}
    paths = {path for _, path in answers}
    assert len(paths) == 1
    assert len([line for line in shop.log().splitlines() if "asked for" in line]) == 1
    assert len([line for line in shop.log().splitlines() if ": joined" in line]) == 99
    path = paths.pop()
    assert ask(shop, path + "/cancel", "POST", {}).status == 202
    assert finished(shop, path)["state"] == "cancelled"


def test_mistakes_are_told(shop):
    """People would guess what is wrong with what they entered."""
    for parameters, word in (({}, "seed"), ({"seed": "much"}, "seed"),
                             ({"seed": 1, "other": 2}, "other")):
        response, _ = start(shop, "slow", parameters)
        assert response.status == 422, response.body
        assert word in json.loads(response.body)["detail"].lower()
    assert start(shop, "sales", {"from": "2026-13-45"})[0].status == 422
    assert start(shop, "nobody", {})[0].status == 404
    workers = sorted(shop.workers())
    for body in ({"format": "exe"}, {"parameters": ["from"]}, {"parameters": [["from"]]},
                 {"parameters": "from"}, ["from"]):
        assert ask(shop, "/sales/jobs", "POST", body).status in (400, 422), body
    assert sorted(shop.workers()) == workers
    _, path = start(shop, "broken", {})
    job = finished(shop, path)
    assert job["state"] == "failed" and "json" in job["reason"].lower()
    assert ask(shop, path + "/file").status == 404


def test_numbers_are_bound_as_they_are(shop):
    """Who asks for an invoice by its number would get another one, without a word."""
    for number in (1234567890123456, 9007199254740991, "9007199254740993", 0.1234567890123456):
        _, path = start(shop, "number", {"number": number, "text": number}, "csv")
        finished(shop, path)
        rows = ask(shop, path + "/file").body.decode("utf-8-sig").split()
        assert rows == ["number,text", f"{number},{number}"]
    response, _ = start(shop, "number", {"number": 9007199254740993}, "csv")
    assert response.status == 422
    assert "send it as a string" in json.loads(response.body)["detail"]


def test_a_name_of_any_length(shop):
    """Who signs in with a certificate could not stop or delete their own reports."""
    name = "CN=Ada Lovelace,OU=" + 30 * "Analytical Engines," + "C=GB"
    other = name[:-1] + "E"
    for report, ended in (("slow", False), ("number", True)):
        _, path = start(shop, report, {"seed": 7} if report == "slow" else {"number": 7}, "csv",
                        REMOTE_USER=name, HTTP_PREFER="respond-async")
        if ended:
            finished(shop, path)
        method, what, body = ("DELETE", "", None) if ended else ("POST", "/cancel", {})
        word = "can_delete" if ended else "can_cancel"
        for user, is_mine in ((other, False), (name[:127], False), ("", False), (name, True)):
            job = json.loads(ask(shop, path, REMOTE_USER=user).body)
            assert job["is_mine"] == job[word] == is_mine, user
            assert name.startswith(job["who"])
            response = ask(shop, path + what, method, body, REMOTE_USER=user)
            assert response.status == ((204 if ended else 202) if is_mine else 403), user


# No day is the same at both at once: they are 26 hours apart.
FIRST, LAST = "Pacific/Kiritimati", "Etc/GMT+12"


def shown(zone):
    """The minute that a clock shows."""
    return f"{datetime.datetime.now(zoneinfo.ZoneInfo(zone)):%Y-%m-%d %H:%M:00}"


@pytest.mark.parametrize("machine, option, usual", [
    (FIRST, None, FIRST), (LAST, None, LAST), (FIRST, LAST, LAST)])
def test_today_is_that_of_people(make_kontor, folder, monkeypatch, machine, option, usual):
    """In California a report of today would be tomorrow's, from four in the afternoon on."""
    monkeypatch.setitem(ENVIRONMENT, "TZ", machine)
    database, reports = folder / "shop.db", folder / "reports.d"
    sqlite3.connect(database).close()
    reports.mkdir()
    text = ("-- title: Days\n-- source: shop\n{}-- param: day date required default=today\n"
            "-- param: moment datetime required default=now\nSELECT :day AS day, :moment AS moment")
    (reports / "usual.sql").write_text(text.format(""))
    (reports / "own.sql").write_text(text.format("-- timezone: Asia/Kathmandu\n"))
    kontor = make_kontor(plugins=("reports",), sections={"reports": {
        "definitions": reports, "sources": f"shop=sqlite:{database}",
        **({"timezone": option} if option else {})}})
    for report, zone in (("usual", usual), ("own", "Asia/Kathmandu")):
        before = shown(zone)
        form = json.loads(ask(kontor, f"/{report}").body)["parameters"]
        listed = {each["name"]: each for each in json.loads(ask(kontor, "/").body)["reports"]}
        _, path = start(kontor, report, {}, "csv")
        after = shown(zone)
        finished(kontor, path)
        made = ask(kontor, path + "/file").body.decode("utf-8-sig").splitlines()[1].split(",")
        for parameters in (form, listed[report]["parameters"]):
            day, moment = (parameter["default"] for parameter in parameters)
            assert before[:10] <= day <= after[:10] and before <= moment <= after
        assert before[:10] <= made[0] <= after[:10] and before <= made[1] <= after


@pytest.mark.parametrize("name", ["GMT+0100", "CET-1CEST,M3.5.0,M10.5.0/3", "/etc/localtime",
                                  "Europe/Atlantis"])
def test_a_zone_that_is_none(make_kontor, folder, name):
    """Each report would be about other days than the administrator thinks."""
    reports = folder / "reports.d"
    reports.mkdir()
    kontor = make_kontor(start=False, plugins=("reports",), sections={"reports": {
        "definitions": reports, "timezone": name}})
    done = subprocess.run([str(KONTORD), "-t", "-c", str(kontor.config)], capture_output=True,
                          stdin=subprocess.DEVNULL, text=True, timeout=60, env=ENVIRONMENT)
    assert done.returncode != 0
    assert f"timezone: there is no time zone '{name}'" in done.stdout + done.stderr


def test_requests_of_other_sites(shop):
    """Another site's page could cancel people's reports."""
    for headers in ({"HTTP_SEC_FETCH_SITE": "cross-site"},
                    {"HTTP_ORIGIN": "https://evil.example", "HTTP_HOST": "kontor.example"}):
        assert start(shop, "sales", {"from": "2026-11-18"}, **headers)[0].status == 403
    for headers in ({"HTTP_SEC_FETCH_SITE": "same-origin"},
                    {"HTTP_ORIGIN": "https://kontor.example", "HTTP_HOST": "kontor.example"}):
        assert start(shop, "sales", {"from": "2026-11-18"}, **headers)[0].status in (202, 303)


def test_events(shop):
    """The page would have to ask again and again how far it is."""
    _, path = start(shop, "slow", {"seed": 2}, HTTP_PREFER="respond-async")
    with shop.client() as client:
        client.start("/api/reports" + path + "/events", keep=False)
        wait_until(lambda: state(shop, path) == "running", 30, "it runs")
        ask(shop, path + "/cancel", "POST", {})
        body = client.read_response().body.decode()
    events = [json.loads(line.removeprefix("data: "))
              for line in body.splitlines() if line.startswith("data: ")]
    assert events[-1]["state"] == "cancelled"
    assert {event["state"] for event in events} >= {"running", "cancelled"} or len(events) >= 2


def test_extend_and_delete(shop):
    """A report that somebody still needs would vanish, one that nobody needs would stay."""
    _, path = start(shop, "sales", {"from": "2026-11-18"}, REMOTE_USER="ada")
    before = finished(shop, path)["expires_ms"]
    response = ask(shop, path + "/extend", "POST", {"retention_ms": 3600000})
    longer = json.loads(response.body)["expires_ms"]
    assert longer > before
    # Who may not delete it cannot do so by a time that is over at once.
    response = ask(shop, path + "/extend", "POST", {"retention_ms": 1000}, REMOTE_USER="bob")
    assert response.status == 200 and json.loads(response.body)["expires_ms"] == longer
    shop.wait_log("extended by nobody signed in: done")
    assert ask(shop, path, "DELETE", REMOTE_USER="bob").status == 403
    assert ask(shop, path, "DELETE", REMOTE_USER="ada").status == 204
    assert ask(shop, path).status in (404, 410)


def descriptors(kontor):
    return [len(os.listdir(f"/proc/{pid}/fd")) for pid in kontor.workers()]


def stalled_download(address, path):
    """A client that asks for a file and takes next to nothing of it."""
    client = socket.create_connection(address)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(f"GET /api/reports{path}/file HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def large_files(folder):
    """Files below the folder that anybody has open, those without a name, too (as nginx's are)."""
    found = []
    for link in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link).startswith(str(folder)) and link.stat().st_size > 1e6:
                found.append(os.readlink(link))
    return found


def test_nothing_on_a_disk(shop, folder, make_frontend):
    """A volatile report would be found on a disk years later: nginx writes what it can't send."""
    upstream, locations = nginx_snippets(shop.socket, ROOT / "www", "")
    forgetful = locations.replace("fastcgi_max_temp_file_size 0;", "")
    assert forgetful != locations
    site = make_frontend("nginx", shop, snippets=(upstream, forgetful))
    _, path = start(shop, "large", {}, "csv")
    job = finished(shop, path)
    assert job["bytes"] > 20e6
    with stalled_download(("127.0.0.1", site.port), path):
        time.sleep(0.5)
        assert not large_files(folder)


def test_downloads_that_break_off(shop, make_frontend):
    """Each of them would keep a descriptor, and with it the memory of the report."""
    site = make_frontend("nginx", shop)
    _, path = start(shop, "large", {}, "csv")
    finished(shop, path)
    whole = ask(shop, path + "/file").body
    before = descriptors(shop)
    for _ in range(20):
        stalled_download(("127.0.0.1", site.port), path).close()
    wait_until(lambda: shop.requests() == 0, 20, "the requests have ended")
    wait_until(lambda: all(now <= then + 3 for now, then in zip(descriptors(shop), before)), 20,
               "the descriptors are closed")
    assert ask(shop, path + "/file").body == whole
    # Deleted while it is downloaded: this download goes on.
    with shop.client() as client:
        client.start(f"/api/reports{path}/file", keep=False)
        client.read_record()
        assert ask(shop, path, "DELETE").status == 204
        rest = client.read_response()
    assert whole.endswith(rest.body[-1000:])
    assert ask(shop, path + "/file").status in (404, 410)


def test_who_does_not_wait_for_a_form(make_kontor, folder):
    """Each of them would leave a connection to the database open for ever."""
    database, reports = folder / "shop.db", folder / "reports.d"
    sqlite3.connect(database).close()
    reports.mkdir()
    (reports / "form.sql").write_text(
        "-- title: Form\n-- source: shop\n-- param: one choice optional "
        "values=(WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n)\n"
        "SELECT :one AS one\n")
    kontor = make_kontor(plugins=("reports",), sections={
        "reports": {"definitions": reports, "sources": f"shop=sqlite:{database}"}})
    assert ask(kontor, "/form").status == 200
    before = descriptors(kontor)
    for _ in range(8):
        with kontor.client() as client:
            client.start("/api/reports/form", keep=False)
            wait_until(lambda: kontor.requests() == 1, 20, "it is asked")
        wait_until(lambda: kontor.requests() == 0, 20, "the request has ended")
    wait_until(lambda: all(now <= then + 3 for now, then in zip(descriptors(kontor), before)), 20,
               "the descriptors are closed")


def hang_up(server, calls):
    """A database that takes calls and says nothing."""
    with contextlib.suppress(OSError):
        while True:
            connection, caller = server.accept()
            calls.append(caller)
            connection.close()


def test_a_database_that_is_away(make_kontor, folder):
    """Each report of it would hold up the start by a time-out of its own."""
    reports = folder / "reports.d"
    reports.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as database:
        calls = []
        threading.Thread(target=hang_up, args=(database, calls), daemon=True).start()
        source = f"far=postgresql://ada@127.0.0.1:{database.getsockname()[1]}/shop?sslmode=disable"
        made = []
        for count in (1, 4):
            for number in range(count):
                (reports / f"far{number}.sql").write_text(
                    "-- title: Far\n-- source: far\nSELECT 1 AS one\n")
            calls.clear()
            kontor = make_kontor(plugins=("reports",), sections={
                "reports": {"definitions": reports, "sources": source}})
            assert kontor.wait_log(f"far{count - 1}.sql: not checked: far: ")
            made.append(len(calls))
        assert made[0] == made[1] > 0


@pytest.mark.parametrize("address", ["postgresql://ada:hunter2@db/shop",
                                     "postgresql://ada:hunter2@db/shop?application_name=kontor"])
def test_password_of_a_source_without_a_name(make_kontor, folder, address):
    """The password of a database would stand in the log for a slip in its line."""
    kontor = make_kontor(start=False, plugins=("reports",), sections={
        "reports": {"definitions": folder, "sources": address}})
    result = subprocess.run([str(KONTORD), "-t", "-c", str(kontor.config)], capture_output=True,
                            stdin=subprocess.DEVNULL, text=True, timeout=60, env=ENVIRONMENT)
    told = result.stdout + result.stderr
    assert result.returncode != 0 and "'postgresql:' is not of the form name=" in told
    assert "hunter2" not in told


def test_operators_see_reports(shop):
    """An operator could not say what fills the memory, nor end what takes too long."""
    assert "no reports" in shop.control("reports").stdout
    _, path = start(shop, "slow", {"seed": 3}, HTTP_PREFER="respond-async", REMOTE_USER="ada")
    wait_until(lambda: state(shop, path) == "running", 30, "it runs")
    listed = json.loads(shop.control("reports", "--json").stdout)["jobs"]
    assert [(job["title"][:4], job["who"], job["state"]) for job in listed] == [
        ("Slow", "ada", "running")]
    assert "running" in shop.control("reports").stdout
    realm, name = path.split("/")[2:4]
    assert shop.control("reports", "cancel", realm, name).returncode == 0
    assert finished(shop, path)["state"] == "cancelled"
    assert shop.control("reports", "delete", realm, name).returncode == 0
    assert "no reports" in shop.control("reports").stdout
