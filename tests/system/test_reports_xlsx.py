# SPDX-License-Identifier: BSD-2-Clause
"""If this failed: a spreadsheet would not open, or show something else than the database has.

Thousands of hostile values are written by the plugin's own code and read by two programs that
know nothing of it: openpyxl, which must find each value as an independent rule here says, and
LibreOffice, which must open the file and see the same texts and totals. And of what is in CSV
LibreOffice must calculate nothing.
"""
import datetime
import math
import random
import re
import subprocess

import openpyxl
import pytest

from kontor import BUILD
from spreadsheets import FORMULAS, cells, live_formulas

SEED = 29500
ROWS = 3000
CELL_MAX = 32767
CUT = "\u2026 [cut]"
TYPES = ("text", "integer", "number", "money", "percent", "date", "datetime", "duration", "boolean")
NO_TOTAL, SUM, AVERAGE, MINIMUM, MAXIMUM, COUNT = range(6)
EPOCH = datetime.datetime(1970, 1, 1)
DAY_MS = 86400000

# ---------------------------------------------------------------- values

PIECES = [bytes([byte]) for byte in range(0x20)] + [
    b"&", b"<", b">", b'"', b"'", b"]]>", b"<!--", b"&amp;", b"_x0041_", b"_x005F_", b"_x", b"_",
    b"=1+1", b"+1", b"-1", b"@SUM(A1)", b"=cmd|' /C calc'!A0", b"\t", b"\r\n", b"\r", b"\n", b" ",
    b"\x7f", b"\xc2\x85", b"\xc2\xa0", "ä".encode(), "\u202e\u0661".encode(), "\ufeff".encode(),
    "\U0001f600".encode(), "\U0001fffe".encode(), b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xc0\x80", b"\xff", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"plain text",
    b"0123", b"1e5", b"TRUE", b"2026-11-20", "e\u0301".encode(), b"\x00"]
LONG = [b"x" * 40000, b"&" * 40000, b"_x0041_" * 6000, "\U0001f600".encode() * 20000,
        "ä".encode() * CELL_MAX, b"x" * CELL_MAX, b"\xff" * 40000, b"x" * (CELL_MAX + 1),
        "\U0001f600".encode() * 16383 + b"x", "x\U0001f600".encode() * 11000]
INTEGERS = [0, 1, -1, 999999999999999, 10**15, -999999999999999, -10**15, 12345678901234567,
            2**63 - 1, -2**63]
REALS = [0.0, 0.1, 1 / 3, -2.5, 1e15, 1e16, 123456789.123456789, 9.99e307, 1e308, -1e308, 1.7e308,
         5e-324, 2.3e-308, 1e-300, math.nan, math.inf, -math.inf, 0.1 + 0.2, 12.5e-7]
DAYS = [0, 1, -1, -25508, -25509, -25567, -25568, -25569, 2932896, 2932897, 2**62, -2**62, -719528,
        -719529]


def some_text(choose):
    return b"".join(choose.choice(PIECES) for _ in range(choose.randint(0, 6)))


def some_number(choose):
    kind = choose.randrange(4)
    if kind == 0:
        return choose.choice(INTEGERS)
    if kind == 1:
        return choose.choice(REALS)
    if kind == 2:
        return choose.randint(-10**6, 10**6) / 100
    return math.ldexp(choose.random() - 0.5, choose.randint(-1000, 1000))


def some_value(choose, kind):
    """None, bytes, int or float; mostly what the type is made of."""
    if choose.random() < 0.1:
        return None
    if kind == "text" or choose.random() < 0.1:
        return some_text(choose)
    if kind == "date":
        return choose.choice(DAYS) if choose.random() < 0.4 else choose.randint(-30000, 60000)
    if kind in ("datetime", "duration"):
        if choose.random() < 0.4:
            return min(max(choose.choice(DAYS), -10**11), 10**11) * DAY_MS + choose.choice((0, 1))
        return choose.randint(-10**12, 3 * 10**12)
    if kind == "boolean":
        return choose.choice((0, 1, 1, 0, 7))
    return some_number(choose)


# ---------------------------------------------------------------- what must be read

def characters(text):
    """Text as characters, each byte that belongs to none as U+FFFD."""
    at, found = 0, []
    while at < len(text):
        for length in (1, 2, 3, 4):
            try:
                character = text[at:at + length].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            character, length = "\ufffd", 1
        if (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff":
            character = "\ufffd"
        found.append(character)
        at += length
    return "".join(found)


def units(text):
    return len(text.encode("utf-16-le")) // 2


def expect_text(text):
    """@return (what the cell says, or what it begins with, whether it was cut)"""
    clean = characters(text)
    is_cut = units(clean) > CELL_MAX
    return clean.replace("\r\n", "\n").replace("\r", "\n"), is_cut


def is_duration(value):
    return isinstance(value, int) and 0 <= value < 2958466 * DAY_MS


def fits(kind, value):
    """Whether a spreadsheet can have this value as a number."""
    if kind in ("integer", "number", "money", "percent"):
        if isinstance(value, int):
            return abs(value) < 10**15
        return value == 0 or 2.2250738585072014e-308 <= abs(value) <= 9.99999999999999e307
    first, end = datetime.date(1900, 3, 1), datetime.date(9999, 12, 31)
    days = (first - EPOCH.date()).days, (end - EPOCH.date()).days + 1
    if kind == "date":
        return isinstance(value, int) and days[0] <= value < days[1]
    if kind == "datetime":
        return isinstance(value, int) and days[0] * DAY_MS <= value < days[1] * DAY_MS
    if kind == "duration":
        return is_duration(value)
    return kind == "boolean" and value in (0, 1)


def unescape(text):
    """ISO/IEC 29500-1, 22.9.2.19: openpyxl leaves that to who reads."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


def check(kind, value, cell):
    """One cell against one value."""
    found = cell.value
    if value is None or value == b"":
        assert found in (None, "")
    elif isinstance(value, bytes):
        check_text(*expect_text(value), cell)
    elif not fits(kind, value):
        assert cell.data_type in ("s", "inlineStr")
        check_as_text(kind, value, found)
    elif kind == "date":
        assert found == EPOCH + datetime.timedelta(days=value)
    elif kind == "datetime":
        assert abs(found - EPOCH - datetime.timedelta(milliseconds=value)).total_seconds() < 0.001
    elif kind == "duration":
        assert abs(seconds_of(found) - value / 1000) < 0.001
    elif kind == "boolean":
        assert found is bool(value)
    else:
        assert found == value and cell.data_type == "n"


def seconds_of(found):
    """openpyxl has several types for a duration."""
    if isinstance(found, datetime.timedelta):
        return found.total_seconds()
    if isinstance(found, datetime.datetime):
        return (found - datetime.datetime(1899, 12, 30)).total_seconds()
    return found.hour * 3600 + found.minute * 60 + found.second + found.microsecond / 1e6


def check_text(expected, is_cut, cell):
    found = unescape(cell.value)
    assert cell.data_type in ("s", "inlineStr"), "text became something that is computed"
    if is_cut:
        assert found.endswith(CUT) and expected.startswith(found[:-len(CUT)])
        assert CELL_MAX - 1 <= units(found) <= CELL_MAX or "\n" in found
    else:
        assert found == expected


def check_as_text(kind, value, found):
    """Nothing is lost."""
    if isinstance(value, float):
        number = float(found)
        assert number == value or (math.isnan(value) and math.isnan(number))
    elif kind == "date" and -719528 <= value < 2932897:
        assert found == str(EPOCH.date() + datetime.timedelta(days=value)) if value > -719162 else \
            found.startswith("0000-")
    elif kind == "duration":
        hours, minutes, seconds = found.lstrip("-").split(":")
        ms = (int(hours) * 60 + int(minutes)) * 60000 + round(float(seconds) * 1000)
        assert ms == abs(value) and found.startswith("-") == (value < 0)
    elif kind != "datetime":
        assert found == str(value)
    else:
        assert re.fullmatch(r"-?\d+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})?", found)


# ---------------------------------------------------------------- writing and reading

def hexed(text):
    return (text if isinstance(text, bytes) else text.encode()).hex() or "."


def word(value):
    if value is None:
        return "-"
    if isinstance(value, bytes):
        return "t" + hexed(value)
    return f"i{value}" if isinstance(value, int) else f"r{value!r}"


def write(path, columns, rows, head=()):
    """columns: (type, total, title, format)"""
    lines = [*head]
    lines += [f"column {kind} {total} {hexed(title)} {hexed(form)}"
              for kind, total, title, form in columns]
    lines += ["row " + " ".join(map(word, row)) for row in rows]
    subprocess.run([BUILD / "tests/tools/workbook", path], input="\n".join(lines) + "\n", text=True,
                   check=True, timeout=60)


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_hostile_values_are_read_as_they_are(tmp_path, seed):
    choose = random.Random(seed)
    columns = [(kind, NO_TOTAL, kind, "") for kind in TYPES]
    rows = [[some_value(choose, kind) for kind in TYPES] for _ in range(ROWS)]
    for row, text in zip(rows, LONG):
        row[0] = text
    path = tmp_path / "hostile.xlsx"
    write(path, columns, rows)
    sheet = openpyxl.load_workbook(path)["Data"]
    assert sheet.max_row == ROWS + 1
    for number, row in enumerate(rows):
        for index, (kind, value) in enumerate(zip(TYPES, row)):
            try:
                check(kind, value, sheet.cell(number + 2, index + 1))
            except AssertionError as error:
                shown = sheet.cell(number + 2, index + 1).value
                raise AssertionError(f"{kind} {value!r:.200} is {shown!r:.200}") from error


def test_libreoffice_sees_the_same_texts(tmp_path):
    choose = random.Random(SEED)
    rows = [[some_text(choose), index] for index in range(500)]
    for row, text in zip(rows, LONG):
        row[0] = text
    path = tmp_path / "texts.xlsx"
    write(path, [("text", NO_TOTAL, "text", ""), ("integer", NO_TOTAL, "n", "")], rows)
    read = cells(path, tmp_path)
    assert len(read) == len(rows) + 1
    for (text, index), (shown, number) in zip(rows, read[1:]):
        expected, is_cut = expect_text(text)
        assert number == str(index)
        if is_cut:
            assert shown.endswith(CUT) and expected.startswith(shown[:-len(CUT)])
        else:
            assert shown == expected


def test_totals_are_what_a_spreadsheet_computes(tmp_path):
    choose = random.Random(SEED)
    rows = [[b"" if index % 7 == 0 else b"name", index, choose.randint(1, 10**7) / 100,
             choose.randint(1, 10**7), 20000 + index, 3600000 * index, index, 12345678901234567]
            for index in range(100)]
    columns = [("text", COUNT, "name", ""), ("integer", SUM, "n", ""),
               ("money", SUM, "money", "#,##0.00 [$€-407]"), ("number", AVERAGE, "average", "0.000"),
               ("date", MINIMUM, "first", ""), ("duration", SUM, "took", ""),
               ("number", MAXIMUM, "most", ""), ("integer", SUM, "big", "")]
    path = tmp_path / "totals.xlsx"
    write(path, columns, rows, head=[f"title {hexed('=1+1')}", "chart 1 4 1 2"])
    workbook = openpyxl.load_workbook(path)
    assert workbook.sheetnames == ["Data", "Chart", "About"]
    formulas = [cell.value for cell in workbook["Data"][102]]
    values = [cell.value for cell in openpyxl.load_workbook(path, data_only=True)["Data"][102]]
    assert formulas[1:7] == ["=SUM(B2:B101)", "=SUM(C2:C101)", "=AVERAGE(D2:D101)", "=MIN(E2:E101)",
                             "=SUM(F2:F101)", "=MAX(G2:G101)"]
    # what the sheet could not add up is added up by us
    assert formulas[0] == 100 and formulas[7] == pytest.approx(100 * 12345678901234567)
    assert values[1] == 4950 and values[6] == 99
    assert values[2] == pytest.approx(sum(row[2] for row in rows), abs=1e-6)
    assert values[3] == pytest.approx(sum(row[3] for row in rows) / 100)
    read = cells(path, tmp_path)[-1]
    assert read[0] == "100" and read[1] == "4950" and read[4] == "2024-10-04" and read[6] == "99"
    assert read[2].replace(",", "").startswith(f"{sum(row[2] for row in rows):.2f}")
    assert read[5] == "4950:00:00"


def test_about_says_where_it_comes_from(tmp_path):
    title = "Sales \x01 _x0041_ =1+1 <&>"
    path = tmp_path / "about.xlsx"
    write(path, [("text", NO_TOTAL, title, ""), ("integer", NO_TOTAL, "n", "")],
          [[b"x" * 40000, 10**15], [b"\x00", 1]],
          head=[f"title {hexed(title)}", f"parameter {hexed('From')} {hexed('2026-11-01')}",
                f"parameter {hexed('Country')} ."])
    workbook = openpyxl.load_workbook(path)
    about = {row[0]: row[1] for row in workbook["About"].iter_rows(values_only=True)}
    assert about["Report"] == title.replace("\x01", "\ufffd")
    assert about["Rows"] == 2 and about["For"] == "ada" and about["Made"].endswith(" UTC")
    assert about["From"] == "2026-11-01" and about["Country"] == "\u2013"
    assert about["Texts cut"].startswith("1 (") and about["Texts changed"].startswith("1 (")
    assert about["Numbers as text"].startswith("1 (")
    assert workbook["Data"]["A1"].value == about["Report"]
    assert cells(path, tmp_path)[0][0] == about["Report"]


def test_no_text_in_csv_is_calculated(tmp_path):
    """A stranger's text in the database could send what is in the sheet to anybody."""
    path = tmp_path / "report.csv"
    write(path, [("text", NO_TOTAL, "a;=1+1", ""), ("integer", NO_TOTAL, "n", ""),
                 ("text", NO_TOTAL, "b", "")],
          [[text.encode(), -5, text.encode()] for text in FORMULAS])
    assert live_formulas(path.read_bytes(), tmp_path) == []
    assert [row[1] for row in cells(path, tmp_path)[1:]] == ["-5"] * len(FORMULAS)
