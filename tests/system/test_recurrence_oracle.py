# SPDX-License-Identifier: BSD-2-Clause
"""If this failed: repeating events would be counted on the wrong days.

Thousands of generated rules in every frequency, expanded by the calendar plugin's own code and by
python3-dateutil, must give the same instances; and so must the examples of RFC 5545, 3.8.5.3.
"""
import datetime
import itertools
import random
import subprocess

import pytest
from dateutil.rrule import rrulestr

from kontor import BUILD

RULES_PER_FREQUENCY = 400
INSTANCES = 40
SEED = 5545
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
# How far an expansion goes: enough for many instances, and bounded for rules that yield none.
REACH = {
    "YEARLY": datetime.timedelta(days=9000),
    "MONTHLY": datetime.timedelta(days=4000),
    "WEEKLY": datetime.timedelta(days=2500),
    "DAILY": datetime.timedelta(days=2000),
    "HOURLY": datetime.timedelta(days=60),
    "MINUTELY": datetime.timedelta(days=6),
    "SECONDLY": datetime.timedelta(hours=6),
}


def program():
    return BUILD / "tests" / "tools" / "occurrences"


def text(time):
    return time.strftime("%Y%m%dT%H%M%S")


def expand(cases):
    """cases: (count, from, start, rule); one list of texts, or an error text, for each."""
    lines = "".join(f"{c};{text(f)};{text(s)};{r}\n" for c, f, s, r in cases)
    output = subprocess.run([program()], input=lines, capture_output=True, text=True, check=True)
    return [line.split() for line in output.stdout.splitlines()]


def some(choose, values, most=3, likely=None):
    chosen = set(choose.sample(values, choose.randint(1, min(most, len(values)))))
    if likely is not None and choose.random() < 0.8:
        chosen.add(likely)  # a value of the start, so that instances come soon
    return sorted(chosen)


def numbers(name, values):
    return f"{name}={','.join(str(value) for value in values)}"


def signed(limit):
    return [n for n in range(-limit, limit + 1) if n != 0]


def day_parts(choose, frequency, start):
    """The parts that speak of days, in combinations that RFC 5545 allows."""
    parts = []
    if choose.random() < 0.35:
        parts.append(numbers("BYMONTH", some(choose, range(1, 13), 5, start.month)))
    if frequency == "YEARLY" and choose.random() < 0.25:
        # Weeks counted from the end before -51 may lie in a neighbouring year, where dateutil
        # looks for the first and the last week only.
        weeks = [n for n in signed(53) if n > -52]
        parts.append(numbers("BYWEEKNO", some(choose, weeks, 4)))
    if frequency in ("YEARLY", "HOURLY", "MINUTELY", "SECONDLY") and choose.random() < 0.2:
        parts.append(numbers("BYYEARDAY", some(choose, signed(366), 20, start.timetuple().tm_yday)))
    if frequency != "WEEKLY" and choose.random() < 0.3:
        parts.append(numbers("BYMONTHDAY", some(choose, signed(31), 8, start.day)))
    if choose.random() < 0.5:
        days = some(choose, WEEKDAYS, 4, WEEKDAYS[start.weekday()])
        ordinals = not any(part.startswith("BYWEEKNO") for part in parts)
        if frequency in ("YEARLY", "MONTHLY") and ordinals and choose.random() < 0.5:
            # dateutil takes the intersection of days with and without a number; RFC 5545 the union
            limit = 5 if frequency == "MONTHLY" or "BYMONTH=" in ";".join(parts) else 53
            days = [f"{choose.choice(signed(limit))}{day}" for day in days]
        parts.append(numbers("BYDAY", days))
    return parts


def time_parts(choose, start):
    parts = []
    for name, limit, likely in (("BYHOUR", 24, start.hour), ("BYMINUTE", 60, start.minute),
                                ("BYSECOND", 60, start.second)):
        if choose.random() < 0.2:
            parts.append(numbers(name, some(choose, range(limit), 4, likely)))
    return parts


def make_case(choose, frequency):
    start = datetime.datetime(2024, 1, 1) + datetime.timedelta(
        seconds=choose.randrange(1200 * 86400))
    if choose.random() < 0.7:
        start = start.replace(minute=choose.choice([0, 15, 30]), second=0)
    week_start = choose.choice(["MO", "MO", "SU", "TH"])
    parts = [f"FREQ={frequency}", f"WKST={week_start}"]
    if choose.random() < 0.5:
        parts.append(f"INTERVAL={choose.randint(2, 7)}")
    parts += day_parts(choose, frequency, start) + time_parts(choose, start)
    if len(parts) > 3 and choose.random() < 0.3:
        # A second has one instance only; positions that never exist would be looked for in vain.
        positions = signed(1 if frequency == "SECONDLY" else 6)
        parts.append(numbers("BYSETPOS", some(choose, positions, 3)))
        if frequency == "WEEKLY":
            # dateutil begins the first week's set at the start; RFC 5545 at the week's first day
            ahead = (WEEKDAYS.index(week_start) - start.weekday()) % 7
            start = (start + datetime.timedelta(days=ahead)).replace(hour=0, minute=0, second=0)
    if choose.random() < 0.3:
        parts.append(f"COUNT={choose.randint(1, 30)}")
        end = None
    else:
        end = start + REACH[frequency] * choose.random()
        parts.append(f"UNTIL={text(end)}")
    begin = start
    if choose.random() < 0.4:
        begin = start + REACH[frequency] * choose.random() / 2
    return start, begin.replace(microsecond=0), ";".join(parts)


def oracle(start, begin, rule, limit):
    """What dateutil says; it goes on until an instance lies beyond the limit."""
    instances = rrulestr(rule, dtstart=start)
    bounded = itertools.takewhile(lambda time: time <= limit, instances)
    later = itertools.dropwhile(lambda time: time < begin, bounded)
    return [text(time) for time in itertools.islice(later, INSTANCES)]


@pytest.mark.parametrize("frequency", list(REACH))
def test_generated_rules(frequency):
    choose = random.Random(f"{SEED} {frequency}")
    cases = [make_case(choose, frequency) for _ in range(RULES_PER_FREQUENCY)]
    answers = expand([(INSTANCES, begin, start, rule) for start, begin, rule in cases])
    assert len(answers) == len(cases)
    compared = 0
    for (start, begin, rule), answer in zip(cases, answers):
        if not answer:
            continue  # dateutil would look for the first instance until the year 9999
        assert answer[-1][:1] == "2", f"{rule}: {answer}"
        last = datetime.datetime.strptime(answer[-1], "%Y%m%dT%H%M%S")
        limit = max(last, start + REACH[frequency]) if "UNTIL" in rule else last
        assert answer == oracle(start, begin, rule, limit), \
            f"DTSTART:{text(start)} RRULE:{rule} from {text(begin)}"
        compared += 1
    assert compared > RULES_PER_FREQUENCY / 2, "too few rules yielded instances"


EXAMPLES = [
    "FREQ=DAILY;COUNT=10",
    "FREQ=DAILY;UNTIL=19971224T000000",
    "FREQ=DAILY;INTERVAL=2",
    "FREQ=DAILY;INTERVAL=10;COUNT=5",
    "FREQ=YEARLY;UNTIL=20000131T140000;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
    "FREQ=DAILY;UNTIL=20000131T140000;BYMONTH=1",
    "FREQ=WEEKLY;COUNT=10",
    "FREQ=WEEKLY;UNTIL=19971224T000000",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
    "FREQ=WEEKLY;UNTIL=19971007T000000;WKST=SU;BYDAY=TU,TH",
    "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000;WKST=SU;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
    "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
    "FREQ=MONTHLY;UNTIL=19971224T000000;BYDAY=1FR",
    "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
    "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
    "FREQ=MONTHLY;BYMONTHDAY=-3",
    "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
    "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
    "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
    "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
    "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
    "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
    "FREQ=YEARLY;BYDAY=20MO",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
    "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
    "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
    "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000",
    "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
    "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
    "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
    "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
    "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
]


def test_examples_of_the_standard():
    start = datetime.datetime(1997, 9, 2, 9, 0, 0)
    answers = expand([(INSTANCES, start, start, rule) for rule in EXAMPLES])
    for rule, answer in zip(EXAMPLES, answers):
        expected = [text(time) for time in
                    itertools.islice(rrulestr(rule, dtstart=start), INSTANCES)]
        assert answer == expected, rule


def test_days_with_and_without_a_number_are_joined():
    start = datetime.datetime(2026, 1, 1, 9, 0, 0)
    (answer,) = expand([(6, start, start, "FREQ=MONTHLY;BYDAY=MO,1TU")])
    assert [time[:8] for time in answer] == ["20260105", "20260106", "20260112", "20260119",
                                             "20260126", "20260202"]


def test_far_window_is_reached_at_once():
    start = datetime.datetime(1990, 1, 1)
    begin = datetime.datetime(2026, 11, 21, 3, 0, 0)
    (answer,) = expand([(3, begin, start, "FREQ=SECONDLY;INTERVAL=7")])
    assert len(answer) == 3 and answer[0].startswith("20261121T0300")
