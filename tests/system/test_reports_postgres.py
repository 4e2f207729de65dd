# SPDX-License-Identifier: BSD-2-Clause
"""If this failed: a report from PostgreSQL would show wrong values, write into the database, go on
after it was cancelled, or hang when the server goes away."""
import json
import os
import signal
import subprocess
import time

import pytest

from kontor import BUILD, ROOT, is_sanitized, temporary_folder
from postgres import Postgres

TIMEOUT = 60
HEAD = "-- title: R\n-- source: shop\n"
# Two rows, the second of which pushes out the first (the server sends 8 KiB together); then silence.
ROWS_AND_SILENCE = "SELECT n, repeat('x', 20000) AS text, " \
                   "CASE WHEN n > 2 THEN pg_sleep(1000)::text END FROM generate_series(1, 3) n"
SCHEMA = """
CREATE ROLE reporter LOGIN;
CREATE TABLE sale (id int PRIMARY KEY, day date, country text, total numeric(10,2));
INSERT INTO sale VALUES (1, '2026-11-19', 'DE', 1.50), (2, '2026-11-20', 'FR', 2.25),
                        (3, '2026-11-21', 'O''B "x" \\ {,}', NULL);
CREATE TABLE written (what text);
CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS
    'INSERT INTO written VALUES (''x''); SELECT 1';
GRANT SELECT ON sale TO reporter;
GRANT INSERT, SELECT ON written TO reporter;
"""


@pytest.fixture(scope="module")
def postgres():
    folder = temporary_folder()
    server = Postgres(folder / "postgres")
    server.execute(SCHEMA)
    yield server
    server.stop()
    subprocess.run(["rm", "-rf", folder], check=True)


class Report:
    """A definition, and what report_rows prints of it."""

    def __init__(self, folder, postgres):
        self.folder, self.address = folder, postgres.address()

    def command(self, text, *entered, options=(), address=None):
        path = self.folder / "report.sql"
        path.write_text(HEAD + text)
        return [BUILD / "tests/tools/report_rows", *options, path, address or self.address,
                *entered]

    def run(self, *arguments, **options):
        """The columns, the rows, and how it ended: ("", "") if it is good."""
        done = subprocess.run(self.command(*arguments, **options), capture_output=True, text=True,
                              timeout=TIMEOUT)
        assert done.stderr == ""
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        columns = dict(lines.pop(0)["columns"]) if "columns" in lines[0] else None
        return columns, lines[:-1], (lines[-1]["end"], lines[-1]["text"])

    def rows(self, *arguments, **options):
        columns, rows, end = self.run(*arguments, **options)
        assert end == ("", "")
        assert columns
        return rows

    def start(self, text, options=()):
        return subprocess.Popen(self.command(text, options=options), stdout=subprocess.PIPE,
                                text=True)


@pytest.fixture
def report(folder, postgres):
    return Report(folder, postgres)


def ended(process):
    """How a started report ended, after all of its rows."""
    for line in process.stdout:
        last = line
    process.stdout.close()
    process.wait(TIMEOUT)
    end = json.loads(last)
    return end["end"], end["text"]


def await_idle(postgres):
    """Until no query of a report is running on the server."""
    deadline = time.monotonic() + TIMEOUT
    while postgres.execute("SELECT query FROM pg_stat_activity WHERE usename = 'reporter' "
                           "AND state <> 'idle'"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---------------------------------------------------------------- values


def test_every_type_has_its_form(report):
    columns, rows, end = report.run("""
        SELECT true AS bool, 12::int2 AS small, 9007199254740993 AS big, 1.5::float8 AS real,
            12345678.25::numeric AS exact, 'NaN'::float8 AS nan, 'ä€𝄞'::text AS text,
            date '2026-11-20' AS date, timestamp '2026-11-20 19:00:01.25' AS moment,
            timestamptz '2026-11-20 19:00:00+00' AS zoned, interval '1 day 02:00:01' AS span,
            interval '36 hours' AS hours, interval '1 month' AS month, '\\x00ff'::bytea AS bytes,
            '{"a": 1}'::jsonb AS json, ARRAY[1,2] AS list, 'infinity'::date AS ever, NULL AS nothing,
            1.5::money AS money""")
    assert end == ("", "")
    assert columns == {
        "bool": "boolean", "small": "integer", "big": "integer", "real": "number",
        "exact": "number", "nan": "number", "text": "text", "date": "date", "moment": "datetime",
        "zoned": "datetime", "span": "duration", "hours": "duration", "month": "duration",
        "bytes": "text", "json": "text", "list": "text", "ever": "date", "nothing": "text",
        "money": "text"}
    day = 20777 * 86400000
    values = dict(zip(columns, rows[0]))
    zoned = values.pop("zoned")  # on the server's clock
    assert (zoned - day - 19 * 3600000) % 900000 == 0
    assert values == {
        "bool": 1, "small": 12, "big": 9007199254740993, "real": 1.5, "exact": 12345678.25,
        "nan": "nan", "text": "ä€𝄞", "date": 20777, "moment": day + 19 * 3600000 + 1250,
        "span": 93601000, "hours": 129600000, "month": "1 mon", "bytes": "\\x00ff",
        "json": '{"a": 1}', "list": "{1,2}", "ever": "infinity", "nothing": None, "money": "$1.50"}


def test_declared_types_and_no_rows(report):
    text = "-- column: total money\n-- column: day date\nSELECT day::text, total FROM sale " \
           "WHERE id < :n ORDER BY id"
    text = "-- param: n integer required\n" + text
    columns, rows, end = report.run(text, "n=3")
    assert (columns, rows, end) == ({"day": "date", "total": "money"},
                                    [[20776, 1.5], [20777, 2.25]], ("", ""))
    assert report.run(text, "n=0") == ({"day": "date", "total": "money"}, [], ("", ""))


def test_settings_of_the_role_change_nothing(report, postgres):
    """A DBA may like German dates; the report must be read as before."""
    settings = {"DateStyle": "German", "IntervalStyle": "iso_8601", "bytea_output": "escape",
                "standard_conforming_strings": "off"}
    for name, value in settings.items():
        postgres.execute(f"ALTER ROLE reporter SET {name} = '{value}'")
    try:
        rows = report.rows(r"SELECT date '2026-11-20' AS a, interval '90 min' AS b, 'x\' AS c")
    finally:
        postgres.execute("ALTER ROLE reporter RESET ALL")
    assert rows == [[20777, 5400000, "x\\"]]


# ---------------------------------------------------------------- parameters


PARAMS = """-- param: day date
-- param: country text
-- param: countries choices values=(SELECT DISTINCT country FROM sale ORDER BY 1)
SELECT id FROM sale
WHERE (:day::date IS NULL OR day >= :day)
  AND (:country::text IS NULL OR country = :country)
  AND (:countries::text[] IS NULL OR country = ANY (:countries))
ORDER BY id
"""


def test_parameters_are_bound(report):
    assert report.rows(PARAMS) == [[1], [2], [3]]
    assert report.rows(PARAMS, "day=2026-11-20") == [[2], [3]]
    assert report.rows(PARAMS, "country=DE") == [[1]]
    assert report.rows(PARAMS, "countries=DE", "countries=FR") == [[1], [2]]
    assert report.rows(PARAMS, "day=2026-11-20", "countries=DE", "countries=FR") == [[2]]


@pytest.mark.parametrize("text", ["' OR true --", "'; DROP TABLE sale; --", "$1", "{DE}", "\\",
                                  'DE","FR', "NULL"])
def test_hostile_values_are_only_values(report, text):
    assert report.rows(PARAMS, f"country={text}") == []
    assert report.rows(PARAMS, f"countries={text}") == []
    assert len(report.rows(PARAMS)) == 3


def test_odd_value_is_found(report):
    odd = "O'B \"x\" \\ {,}"
    assert report.rows(PARAMS, f"country={odd}") == [[3]]
    assert report.rows(PARAMS, f"countries={odd}") == [[3]]


def test_choices(report):
    _, pairs, end = report.run(PARAMS, options=["--choices", "countries"])
    assert end == ("", "")
    assert pairs == [[country, country] for country in ("DE", "FR", "O'B \"x\" \\ {,}")]


def test_colons_that_are_no_parameters(report):
    rows = report.rows("SELECT ':a' || $q$:b$q$ || E'\\':c' AS a, 1::int AS \":d\", "
                       "(ARRAY[1,2,3])[2:3] AS e /* :f */ -- :g")
    assert rows == [[":a:b':c", 1, "{2,3}"]]


def test_example_of_the_manual(report, postgres):
    page = (ROOT / "docs/kontor-reports.5").read_text()
    example = page[page.index("-- title: Open invoices"):].split(".Ed")[0]
    postgres.execute("CREATE TABLE invoice (customer text, region text, due date, paid date, "
                     "amount numeric(10,2)); GRANT SELECT ON invoice TO reporter;"
                     "INSERT INTO invoice VALUES ('A', 'north', '2026-01-31', NULL, 5), "
                     "('A', 'overseas, other', '2026-02-28', NULL, 7), "
                     "('B', 'north', '2026-03-31', '2026-04-01', 9)")
    path = report.folder / "invoices.sql"
    path.write_text(example)

    def rows(*entered):
        done = subprocess.run([BUILD / "tests/tools/report_rows", path, report.address, *entered],
                              capture_output=True, text=True, check=True, timeout=TIMEOUT)
        return [json.loads(line) for line in done.stdout.splitlines()][1:-1]

    assert rows("due=2026-12-31") == [["A", 1, 20484, 5]]
    assert rows("due=2026-12-31", "regions=") == [["A", 2, 20484, 12]]
    assert rows("due=2026-12-31", "regions=overseas, other") == [["A", 1, 20512, 7]]
    assert rows("due=2026-12-31", "regions=", "least=12.01") == []


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize("sql, expected", [
    ("SELECT id,\n  nmae\nFROM sale", ":4: column \"nmae\" does not exist"),
    ("SELECT 1\nFROM\nsales", ":5: relation \"sales\" does not exist"),
    ("-- column: total money\nSELECT 1 AS sum", ":3: the query has no column 'total', but sum"),
    ("SELECT 1 AS a, 2 AS a", ":3: the query has two columns 'a'"),
    ("-- param: a date\nSELECT 'ä€'\n, :a IS NULL",
     ":5: could not determine data type of parameter $1 (:a); a cast such as ::date says it"),
])
def test_mistake_has_its_line(report, sql, expected):
    columns, rows, (end, text) = report.run(sql)
    assert (columns, rows, end) == (None, [], "EINVAL")
    assert text.endswith(f"report.sql{expected}")


# ---------------------------------------------------------------- it only reads


@pytest.mark.parametrize("sql, words", [
    ("SELECT write_it()", "cannot execute INSERT in a read-only transaction"),
    ("WITH a AS (INSERT INTO written VALUES ('x') RETURNING 1) SELECT * FROM a",
     "cannot execute SELECT in a read-only transaction"),
    ("SELECT set_config('transaction_read_only', 'off', true), write_it()",
     "transaction read-write mode must be set before any query"),
    ("SELECT * FROM pg_authid", "permission denied for table pg_authid"),
    ("SELECT pg_read_file('/etc/passwd')", "permission denied for function pg_read_file"),
])
def test_nothing_is_written(report, postgres, sql, words):
    _, rows, (end, text) = report.run(sql)
    assert (rows, end) == ([], "EPERM" if "mode" not in words else "EINVAL")
    assert text.endswith(words)
    assert postgres.execute("SELECT count(*) FROM written") == ["0"]


def test_row_that_writes_in_the_middle(report, postgres):
    """Also when the query turns to writing after it has given rows."""
    _, rows, (end, _) = report.run("SELECT CASE WHEN n < 3 THEN n ELSE write_it() END AS a "
                                   "FROM generate_series(1, 5) n")
    assert (rows, end) == ([[1], [2]], "EPERM")
    assert postgres.execute("SELECT count(*) FROM written") == ["0"]


# ---------------------------------------------------------------- time


def test_time_limit(report, postgres):
    begin = time.monotonic()
    _, _, end = report.run("SELECT pg_sleep(1000)::text AS a", options=["--timeout", "300"])
    assert end == ("ETIMEDOUT", "the query took longer than 0.3 s")
    assert time.monotonic() - begin < 20
    await_idle(postgres)


def test_query_that_turns_the_time_limit_off(report, postgres):
    _, _, (end, _) = report.run("SELECT set_config('statement_timeout', '0', false), "
                                "generate_series(1, 1000000000)",
                                options=["--timeout", "300"])
    assert end == "ETIMEDOUT"
    await_idle(postgres)


@pytest.mark.parametrize("sql", [
    "SELECT generate_series(1, 1000000000) AS n",  # rows come all the time
    ROWS_AND_SILENCE,
])
def test_cancel(report, postgres, sql):
    process = report.start(sql, options=["--timeout", "600000"])
    process.stdout.readline()  # the columns
    process.stdout.readline()  # a row
    process.send_signal(signal.SIGTERM)
    assert ended(process) == ("ECANCELED", "the query was cancelled")
    await_idle(postgres)


@pytest.mark.skipif(bool(is_sanitized()), reason="the sanitizer keeps freed memory for a while")
def test_large_result_needs_no_memory(report):
    def peak_kb(count):
        with open(os.devnull, "w") as nowhere:
            process = subprocess.Popen(
                report.command(f"SELECT generate_series(1, {count}), "
                               "repeat('x', 200) AS text"), stdout=nowhere)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss

    assert peak_kb(200000) < peak_kb(2000) + 4000


# ---------------------------------------------------------------- the server goes away


def test_server_gone_in_the_middle(report, postgres):
    process = report.start("SELECT generate_series(1, 1000000000) AS n")
    process.stdout.readline()
    process.stdout.readline()
    postgres.stop()
    try:
        end, text = ended(process)
        assert end == "EIO"
        assert text.startswith("shop: ")
        _, _, (end, text) = report.run("SELECT 1")
        assert end == "EIO"
        assert text.startswith("shop: ")
        assert "failed" in text
    finally:
        postgres.start()
    assert report.rows("SELECT 1 AS a") == [[1]]


def test_backend_killed_in_the_middle(report, postgres):
    process = report.start(ROWS_AND_SILENCE)
    process.stdout.readline()
    process.stdout.readline()
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                     "WHERE usename = 'reporter'")
    end, text = ended(process)
    assert end == "EIO"
    assert text == "shop: terminating connection due to administrator command"


@pytest.mark.parametrize("change", [{"role": "nobody"}, {"database": "nothing"}])
def test_refused_without_the_password(report, postgres, change):
    address = postgres.address(password="s3cr3t", **change)
    _, _, (end, text) = report.run("SELECT 1", address=address)
    assert end == "EIO"
    assert text.startswith("shop: ")
    assert "does not exist" in text
    assert "s3cr3t" not in text


def test_address_that_is_none(report):
    _, _, (end, text) = report.run("SELECT 1", address="postgresql://me:s3cr3t@host/x?colour=red")
    assert end == "EINVAL"
    assert text.startswith("shop: this address is not understood")
    assert "s3cr3t" not in text


SALES = """-- title: Sales
-- source: shop
-- param: country text optional
-- column: total money sum
-- column: day date
-- chart: line x=day y=total
SELECT id, day, country, total FROM sale
WHERE :country::text IS NULL OR country = :country ORDER BY id
"""


def test_in_a_job(postgres, folder, make_kontor):
    """Databases on other machines, and on this one, would be out of reach of the real thing: a job
    that may do next to nothing."""
    definitions = folder / "reports.d"
    definitions.mkdir()
    (definitions / "sales.sql").write_text(SALES)
    kontor = make_kontor(plugins=("reports",), sections={"reports": {
        "definitions": definitions, "sources": f"shop={postgres.address()}"}})

    def ask(path, method="GET", body=b"", **others):
        with kontor.client() as client:
            client.start("/api/reports" + path, body=body, method=method, keep=False, **others)
            return client.read_response()

    answer = ask("/sales/jobs", "POST", b'{"parameters": {}, "format": "json"}',
                 CONTENT_TYPE="application/json", HTTP_PREFER="wait=20")
    assert answer.status == 303, answer.body
    path = answer.headers["location"].removeprefix("/api/reports")
    assert json.loads(ask(path).body)["rows"] == [
        [1, "2026-11-19", "DE", 1.5], [2, "2026-11-20", "FR", 2.25],
        [3, "2026-11-21", 'O\'B "x" \\ {,}', None]]
    preview = json.loads(ask(path.removesuffix("file") + "preview").body)
    assert preview["chart"]["labels"] == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert preview["chart"]["series"][0]["values"] == [1.5, 2.25, None]
