# SPDX-License-Identifier: BSD-2-Clause
"""What LibreOffice makes of a file. Knows nothing of kontor."""

import csv
import os
import re
import subprocess

# Texts that would be a formula somewhere: in which of them it is not at the very start depends on
# what a spreadsheet takes for the end of a cell, or of its quotes.
FORMULAS = [
    "=SUM(40+2)", "+SUM(40+2)", "-SUM(40+2)", "@SUM(40+2)", " =SUM(40+2)", "\t=SUM(40+2)",
    "Lunch;=SUM(40+2);ok", "Lunch; =SUM(40+2);ok", "Lunch,=SUM(40+2),ok", "Lunch|=SUM(40+2)|ok",
    "Lunch\t=SUM(40+2)\tok", "Lunch\n=SUM(40+2)\nok", "Lunch\n=SUM(40+2)", ";=SUM(40+2)",
    "Lunch;+SUM(40+2);ok", "Lunch;-SUM(40+2);ok", "a;;=SUM(40+2)", "a;\"=SUM(40+2)\";b",
    "a;\"=SUM(40+2);b", "a\";=SUM(40+2);\"b", "a, \"b\";=SUM(40+2);", "\"a\"\n\"=SUM(40+2)\"\n",
    "=SUM(40+2);=SUM(40+2)\n=SUM(40+2)",
    "\ufeff=SUM(40+2)", "\u00a0=SUM(40+2)", "a;\u00a0=SUM(40+2)"]
# Which characters end a cell, by their codes: of English, German and other settings, and by hand.
SEPARATORS = ["44", "59", "44/59", "9", "124", "44/59/9/124"]


def convert(path, folder, target, infilter=None):
    """The file that LibreOffice makes of another."""
    subprocess.run(["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
                    *([f"--infilter={infilter}"] if infilter else []),
                    "--convert-to", target, "--outdir", str(folder), str(path)],
                   check=True, stdout=subprocess.DEVNULL, timeout=180,
                   env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)})
    return folder / f"{path.stem}.{target.partition(':')[0]}"


def cells(path, folder):
    """The first sheet as LibreOffice sees it, a list of lists of texts."""
    csv.field_size_limit(10**7)
    made = convert(path, folder, "csv:Text - txt - csv (StarCalc):44,34,76,1")
    with open(made, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def live_formulas(content, folder):
    """What would be calculated in bytes of CSV: pairs of separators and a formula."""
    found = []
    for separators in SEPARATORS:
        path = folder / "table.csv"
        path.write_bytes(content)
        made = convert(path, folder, "fods", f"CSV:{separators},34,76,1")
        text = made.read_text()
        assert "<table:table-row" in text
        found += [(separators, formula) for formula in re.findall(r'table:formula="([^"]*)"', text)]
    return found
