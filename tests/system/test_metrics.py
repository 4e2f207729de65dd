# SPDX-License-Identifier: BSD-2-Clause
"""/metrics, as scrapers read it: each gets the format that it asked for, and promtool the bytes."""

import os
import re
import signal
import subprocess

import pytest

from fastcgi import Closed, wait_until
from observers import ask, kontor, workers  # pylint: disable=unused-import

OPEN = "application/openmetrics-text"
PLAIN = "text/plain; version=0.0.4"
# What Prometheus 2.42 and 3.5 say.
PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,"
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
                "*/*;q=0.2")


# pylint: disable=redefined-outer-name
@pytest.mark.parametrize("accept", [[], ["-H", "Accept:"], ["-H", "Accept: text/plain"],
                                    ["-H", "Accept: text/html, */*;q=0.8"]])
def test_curl_and_promtool(kontor, make_frontend, accept):
    """Who looks with curl, or scrapes without asking for more, would get a format he can't read."""
    site = make_frontend("nginx", kontor)
    wait_until(lambda: len(workers(kontor)) == 2, 20, "both observers")
    assert ask(kontor, "/api/evaluation/now").status == 200
    shown = subprocess.run(["curl", "-sS", "-f", *accept, f"{site.url}/metrics"], timeout=30,
                           check=True, capture_output=True).stdout
    checked = subprocess.run(["promtool", "check", "metrics"], input=shown, capture_output=True,
                             timeout=30, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    text = shown.decode()
    assert text.startswith("# HELP ") and "# EOF" not in text and text.endswith("\n")
    for counter in ("requests", "worker_restarts", "cpu_seconds"):
        assert f"# TYPE kontor_{counter}_total counter\n" in text
        assert f"# HELP kontor_{counter}_total " in text
    # Each sample belongs to the family before it: nothing is told twice, or in parts.
    families = re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)
    assert len(families) == len(set(families))
    family = ""
    for line in text.splitlines():
        found = re.match(r"# TYPE (\w+) (\w+)$", line)
        family = found[1] if found else family
        if not line.startswith("#"):
            name = line.split("{")[0]
            assert re.sub(r"_(bucket|sum|count)$", "", name) == family or name == family, line


@pytest.mark.parametrize("accept, expected", [
    ("", PLAIN), ("*/*", PLAIN), ("text/plain", PLAIN), ("text/html", PLAIN),
    (OPEN, OPEN), (PROMETHEUS_2, OPEN), (PROMETHEUS_3, OPEN), (f"{OPEN};q=0", PLAIN),
    (f"{OPEN};q=0.3, text/plain;q=0.9", PLAIN), (f"{OPEN};version=7.0.0", PLAIN)])
def test_who_names_openmetrics_gets_it(kontor, accept, expected):
    """A scraper would refuse the whole answer, or take its counters for something else."""
    answer = ask(kontor, "/metrics", **({"HTTP_ACCEPT": accept} if accept else {}))
    assert answer.status == 200 and answer.headers["content-type"].startswith(expected)
    assert answer.headers["vary"] == "Accept"
    text = answer.body.decode()
    assert text.endswith("# EOF\n") == (expected == OPEN)
    name = "kontor_requests" if expected == OPEN else "kontor_requests_total"
    assert f"# TYPE {name} counter\n" in text
    assert re.search(r'^kontor_requests_total\{worker="1",pid="\d+"\} \d+$', text, re.MULTILINE)


def test_durations_add_up(kontor):
    """A percentile would be computed of buckets that are none."""
    for _ in range(5):
        ask(kontor, "/api/evaluation/now")
    text = ask(kontor, "/metrics").body.decode()
    counts = [float(number) for number in
              re.findall(r'_duration_seconds_bucket\{worker="1".* (\d+)$', text, re.MULTILINE)]
    assert counts == sorted(counts) and counts[-1] >= 1


@pytest.mark.parametrize("path", ["/metrics", "/status", "/ping"])
def test_nobody_keeps_what_is_true_now(kontor, path):
    """A cache on the way would show a dead kontor as a living one."""
    answer = ask(kontor, path)
    assert answer.headers["cache-control"] == "no-cache, no-store, must-revalidate"


def restarts(kontor):
    """What /metrics counts, by worker; and the same as the API tells it."""
    try:
        text = ask(kontor, "/metrics").body.decode()
        told = {str(one["worker"]): str(one["restarts_total"]) for one in workers(kontor)
                if not one.get("is_silent")}
    except (OSError, Closed):
        return None
    counted = re.findall(r'^kontor_worker_restarts_total\{worker="(\d)"\} (\d+)$', text,
                         re.MULTILINE)
    return dict(counted) if dict(counted) == told and len(counted) == len(told) else None


def test_restarts_of_workers_are_counted(kontor):
    """A worker that dies again and again would be seen by nobody who isn't on the machine."""
    wait_until(lambda: restarts(kontor) == {"1": "0", "2": "0"}, 20, "both, and none has died")
    for count in (1, 2, 3):
        os.kill(kontor.workers()[0], signal.SIGKILL)
        wait_until(lambda number=str(count): restarts(kontor) == {"1": number, "2": "0"}, 30,
                   f"{count} restarts")
    # It goes on counting when all are replaced.
    assert kontor.control("reload").returncode == 0
    wait_until(lambda: len(workers(kontor)) == 2 and restarts(kontor) == {"1": "3", "2": "0"}, 30,
               "the same after a reload")
    os.kill(kontor.workers()[0], signal.SIGKILL)
    wait_until(lambda: restarts(kontor) == {"1": "4", "2": "0"}, 30, "one more")
