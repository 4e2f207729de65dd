# SPDX-License-Identifier: BSD-2-Clause
"""If this failed: anybody could stop all calendars, and kontor itself, with a small upload."""

import concurrent.futures
import json
import time

import pytest
from calendars import Visitor, make_calendar

BOMBS = 8
# Seconds in which others are answered on a busy machine; it was half a minute and more.
PATIENCE = 5


def calendar(inside):
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{inside}END:VCALENDAR\n".encode()


def event(uid, lines):
    return f"BEGIN:VEVENT\nUID:{uid}\nSUMMARY:{uid}\n{lines}END:VEVENT\n"


def rules(events):
    """Every day of three centuries is looked at for each rule, in vain."""
    rule = "RRULE:FREQ=YEARLY;COUNT=99;BYWEEKNO=53;BYSETPOS=366\n"
    return calendar("".join(event(f"bomb{index}", "DTSTART:19000101T100000Z\nDURATION:PT1H\n" +
                                  rule * 100) for index in range(events)))


def zones(count):
    """Clocks that never change, looked for in each year."""
    parts = "".join(
        f"BEGIN:VTIMEZONE\nTZID:Z{index}\nBEGIN:STANDARD\nDTSTART:19000101T000000\n"
        "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n" +
        "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=366\n" * 8 + "END:STANDARD\nEND:VTIMEZONE\n"
        for index in range(count))
    return calendar(parts + event("zones", "DTSTART:20261118T100000Z\n" + "".join(
        f"EXDATE;TZID=Z{index}:20261118T100000\n" for index in range(count))))


WEEK = calendar(event("meeting", "DTSTART:20261118T100000Z\nDURATION:PT1H\n"))


@pytest.fixture
def kontor(make_kontor, folder):
    return make_calendar(make_kontor, folder)


def upload(kontor, body, address, date="2199-06-01"):
    """The answer to a stranger's upload, and how long it took."""
    began = time.monotonic()
    answer = Visitor(kontor, None).ask(f"/week?date={date}", body, CONTENT_TYPE="text/calendar",
                                       REMOTE_ADDR=address)
    return answer, time.monotonic() - began


@pytest.mark.parametrize("bomb", [rules(20), zones(400)], ids=["rules", "zones"])
def test_others_are_answered_meanwhile(kontor, bomb):
    with concurrent.futures.ThreadPoolExecutor(BOMBS) as pool:
        bombs = [pool.submit(upload, kontor, bomb, "2001:db8::1") for _ in range(BOMBS)]
        answer, seconds = upload(kontor, WEEK, "2001:db8:0:1::1", "2026-11-18")
        assert answer.status == 200
        assert [found["summary"] for found in json.loads(answer.body)["events"]] == ["meeting"]
        assert seconds < PATIENCE
        for bomb in bombs:
            answer, seconds = bomb.result()
            assert answer.status == 200
            assert seconds < BOMBS * PATIENCE


def test_what_is_missing_is_told_once(kontor):
    answer, seconds = upload(kontor, rules(20), "192.0.2.1")
    assert seconds < PATIENCE
    assert answer.status == 200
    [warning] = json.loads(answer.body)["warnings"]
    assert "“bomb" in warning and "UNTIL" in warning


def test_one_address_has_its_turns(kontor):
    """Beyond those that wait it is refused, and others are not."""
    bomb, count = rules(1), 40
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        bombs = [pool.submit(upload, kontor, bomb, f"2001:db8::{index}") for index in range(count)]
        answer, seconds = upload(kontor, WEEK, "192.0.2.1", "2026-11-18")
        assert answer.status == 200
        assert seconds < PATIENCE
        answers = [bomb.result()[0] for bomb in bombs]
    assert {answer.status for answer in answers} == {200, 429}
    assert all("retry-after" in answer.headers for answer in answers if answer.status == 429)


def test_kontor_stops_in_the_middle(kontor):
    """Uploads that are read, and those that wait for that, keep nobody."""
    clients = [kontor.client() for _ in range(BOMBS)]
    for index, client in enumerate(clients):
        client.start("/api/calendar/week?date=2199-06-01", body=rules(200),
                     CONTENT_TYPE="text/calendar", REMOTE_ADDR=f"192.0.2.{index}")
    began = time.monotonic()
    kontor.stop()
    assert time.monotonic() - began < 2 * PATIENCE
    for client in clients:
        client.close()
