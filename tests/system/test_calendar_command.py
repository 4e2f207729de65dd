# SPDX-License-Identifier: BSD-2-Clause
"""If this failed: nobody could see what the calendar makes of a file without a running house."""
import json
import subprocess

import pytest

from kontor import KONTORCTL, ROOT

WEEK = ROOT / "tests" / "data" / "week.ics"
BERLIN = ("--from", "2026-10-19", "--to", "2026-10-26", "--tz", "Europe/Berlin")


def run(*arguments):
    return subprocess.run([KONTORCTL, "calendar", *arguments], capture_output=True, text=True,
                          timeout=30, check=False)


def lines(*arguments):
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_occurrences():
    events = lines(WEEK, *BERLIN)
    assert len(events) == 12
    assert set(events[0]) == {"start", "end", "summary", "uid", "all_day", "recurring"}
    assert events[0]["start"] == "2026-10-19T09:00:00+02:00"
    assert events[0]["recurring"] and not events[0]["all_day"]
    days = [event for event in events if event["all_day"]]
    assert [(day["start"], day["end"]) for day in days] == [("2026-10-23", "2026-10-26")]
    assert events[-1]["start"] == "2026-10-25T23:00:00+01:00"  # clocks went back that night


def test_breakdown():
    numbers, = lines(WEEK, *BERLIN, "--breakdown", "--owner", "Me@example.org")
    assert numbers["week"]["hours"] == 169
    assert numbers["totals"]["meetings"]["real_minutes"] == 600
    assert numbers["totals"]["work"]["after_hours_minutes"] == 420
    assert numbers["totals"]["hours_of_day"][2] == 120
    assert numbers["totals"]["sizes"]["one_to_one"] == {"count": 7, "minutes": 435}
    assert numbers["series"][0]["person_minutes"] == 270
    assert sum(day["real_minutes"] for day in numbers["days"]) == 600


def test_weeks_before():
    # In each of the four weeks before there was nothing but five stand-ups with Ada, from 9 to 9:30.
    numbers, = lines(WEEK, *BERLIN, "--breakdown", "--owner", "me@example.org")
    comparison = numbers["comparison"]
    assert comparison["weeks"] == 4
    assert comparison["meetings"] == {"now": 8, "last": 5, "mean": 5}
    assert comparison["real_minutes"] == {"now": 600, "last": 150, "mean": 150}
    assert comparison["after_hours_minutes"] == {"now": 420, "last": 0, "mean": 0}
    assert comparison["new_people"] == ["bob@example.org"]


def test_working_time():
    """Who works on other days would be told the wrong free time and overtime."""
    numbers, = lines(WEEK, *BERLIN, "--breakdown", "--owner", "me@example.org",
                     "--working-days", "sunday-tuesday", "--working-hours", "10:00-14:00",
                     "--focus-at-least", "210min", "--large-over", "2")
    work = numbers["totals"]["work"]
    assert work["minutes"] == 3 * 4 * 60
    # Monday has a meeting from 9:15 to 10:15, so 3 h 45 min are left; Tuesday and Sunday are free
    assert work["focusable"] == {"count": 3, "minutes": 225 + 240 + 240}
    assert work["fragmented"] == {"count": 0, "minutes": 0}
    assert work["after_hours_minutes"] == 600 - 15
    assert numbers["totals"]["sizes"]["large"]["count"] == 0
    shorter, = lines(WEEK, *BERLIN, "--breakdown", "--owner", "me@example.org",
                     "--working-days", "mon", "--working-hours", "10:00-14:00",
                     "--focus-at-least", "4h")
    assert shorter["totals"]["work"]["fragmented"] == {"count": 1, "minutes": 225}


def test_any_number_of_days():
    assert len(lines(WEEK, "--from", "2026-10-19", "--to", "2026-10-20",
                     "--tz", "Europe/Berlin")) == 2
    numbers, = lines(WEEK, "--from", "2026-10-01", "--to", "2026-11-01", "--breakdown")
    assert len(numbers["days"]) == 31


@pytest.mark.parametrize("arguments, status, told", [
    ((WEEK, "--from", "2026-10-26", "--to", "2026-10-26"), 1, "must be after"),
    ((WEEK, "--from", "tomorrow", "--to", "2026-10-26"), 1, "'tomorrow' is no date"),
    ((WEEK, *BERLIN[:4], "--tz", "Mars/Olympus"), 1, "no time zone 'Mars/Olympus'"),
    ((WEEK, *BERLIN[:4], "--tz", "GMT+0100"), 1, "no time zone 'GMT+0100'"),
    (("/nonexistent.ics", *BERLIN), 1, "/nonexistent.ics: No such file"),
    ((__file__, *BERLIN), 1, __file__),
    ((WEEK, "--from", "2026-10-19"), 2, "usage"),
    ((WEEK, *BERLIN, "--breakdown", "--working-days", "mo"), 1, "--working-days expects"),
    ((WEEK, *BERLIN, "--breakdown", "--working-hours", "9-17"), 1, "--working-hours expects"),
    ((WEEK, *BERLIN, "--breakdown", "--focus-at-least", "25h"), 1, "--focus-at-least expects"),
    ((WEEK, *BERLIN, "--breakdown", "--large-over", "1"), 1, "--large-over expects"),
])
def test_what_is_wrong_is_told(arguments, status, told):
    result = run(*arguments)
    assert result.returncode == status
    assert told in result.stderr
    assert result.stdout == ""
