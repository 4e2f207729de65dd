# SPDX-License-Identifier: BSD-2-Clause
"""If this failed: the first reports that somebody looks at, those of the sample shop and of the
manual, would be empty or wrong."""
import datetime
import json
import re
import sqlite3
import subprocess
import sys

import pytest

from kontor import BUILD, ROOT

TIMEOUT = 60
# Those of people's own calendars are in test_reports_calendar.py.
EXAMPLES = [path for path in sorted((ROOT / "examples/reports.d").glob("*.sql"))
            if "\n-- source: shop\n" in path.read_text()]
TYPES = {"text", "integer", "number", "money", "percent", "date", "datetime", "duration", "boolean"}
PARAMETERS = {"date", "datetime", "integer", "number", "text", "choice", "choices"}


def make_shop(path, *arguments):
    subprocess.run([sys.executable, ROOT / "scripts/sample-shop", path, *arguments], check=True,
                   timeout=TIMEOUT)
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return make_shop(tmp_path_factory.mktemp("shop") / "shop.db")


def run(report, shop, *entered, options=()):
    done = subprocess.run([BUILD / "tests/tools/report_rows", *options, report, f"sqlite:{shop}",
                           *entered], capture_output=True, text=True, timeout=TIMEOUT)
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if options:
        return lines
    assert lines[-1] == {"end": "", "text": ""}
    return dict(lines[0]["columns"]), lines[1:-1]


@pytest.mark.parametrize("report", EXAMPLES, ids=lambda path: path.stem)
def test_example_has_rows_of_its_types(report, shop):
    """With the defaults of its form, every column and every choice has something in it."""
    columns, rows = run(report, shop)
    assert len(rows) >= 5
    declared = dict(re.findall(r"^-- column: (\w+) (\w+)", report.read_text(), re.MULTILINE))
    assert columns == declared
    for index, (name, kind) in enumerate(columns.items()):
        values = [row[index] for row in rows if row[index] is not None]
        assert values, name
        assert {type(value) for value in values} <= ({str} if kind == "text" else {int, float}), name
    for name in re.findall(r"^-- param: (\w+) .*values=\(", report.read_text(), re.MULTILINE):
        assert len(run(report, shop, options=["--choices", name])) > 5, name


def test_totals_are_those_of_the_database(shop):
    """A year's turnover, by three reports and by Python."""
    database = sqlite3.connect(shop)
    expected = database.execute(
        'SELECT sum(quantity * price_cents * (1 - discount)) / 100 FROM order_line '
        'JOIN "order" o ON o.id = order_id').fetchone()[0]
    count = database.execute("SELECT count(*) FROM order_line").fetchone()[0]
    database.close()
    assert 90_000 < count < 110_000
    for name, since in (("sales-by-day", "from"), ("sales-by-country", "from"),
                        ("order-lines", "since")):
        columns, rows = run(ROOT / f"examples/reports.d/{name}.sql", shop, f"{since}=2000-01-01",
                            *(["to=2100-01-01"] if since == "from" else []))
        index = list(columns).index("total")
        # each row is rounded to a cent
        assert sum(row[index] for row in rows) == pytest.approx(expected, rel=1e-4)
        if name == "order-lines":
            assert len(rows) == count


def test_every_parameter_restricts(shop):
    report = ROOT / "examples/reports.d/order-lines.sql"
    all_of_it = len(run(report, shop)[1])
    day = datetime.date.today() - datetime.timedelta(days=9)
    for entered in (["since=" + day.isoformat()], ["until=" + day.isoformat()],
                    ["countries=DE", "countries=FR"], ["payment=card"], ["customer=ma"],
                    ["pieces=3"], ["worth=99.5"]):
        assert 0 < len(run(report, shop, *entered)[1]) < all_of_it, entered
    assert run(report, shop, "customer=' OR 1 --")[1] == []


def test_examples_show_all_there_is():
    text = "".join(path.read_text() for path in EXAMPLES)
    assert set(re.findall(r"^-- column: \w+ (\w+)", text, re.MULTILINE)) == TYPES
    used = set(re.findall(r"^-- param: \w+ (\w+)", text, re.MULTILINE))
    assert used == PARAMETERS
    assert set(re.findall(r"^-- chart: (\w+)", text, re.MULTILINE)) == {
        "line", "bar", "stacked", "pie"}


def test_same_shop_every_time(tmp_path):
    options = ["--date", "2026-11-21", "--lines", "2000"]
    one = make_shop(tmp_path / "one.db", *options).read_bytes()
    two = make_shop(tmp_path / "two.db", *options).read_bytes()
    assert one == two


def test_examples_of_the_manual_are_right(tmp_path):
    page = (ROOT / "docs/kontor-reports.5").read_text()
    examples = [text for text in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page,
                                            re.MULTILINE | re.DOTALL) if text.startswith("-- title")]
    assert len(examples) == 2
    for text in examples:
        report = tmp_path / "example.sql"
        report.write_text(text)
        assert run(report, "unused", options=["--defaults"])
    database = sqlite3.connect(tmp_path / "shop.db")
    database.executescript("CREATE TABLE country (code, name);"
                           "CREATE TABLE sale (ordered_at, amount, country);"
                           "INSERT INTO sale VALUES (date('now', '-1 day'), 5, 'DE')")
    database.close()
    (tmp_path / "first.sql").write_text(examples[0])
    columns, rows = run(tmp_path / "first.sql", tmp_path / "shop.db", "country=DE")
    assert columns == {"day": "date", "total": "money"}
    assert [row[1] for row in rows] == [5]
