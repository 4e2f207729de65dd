# SPDX-License-Identifier: BSD-2-Clause
"""The Python of scripts/bench: what it makes of what was measured."""

import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from kontor import ROOT

sys.path.insert(0, str(ROOT / "tests/bench"))

# pylint: disable=wrong-import-position
import charts  # noqa: E402
import figures  # noqa: E402
import platforms  # noqa: E402
import procfs  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import smtp_servers  # noqa: E402
import web  # noqa: E402
import words  # noqa: E402


def row(figure, value, peer=None, peer_value=None, unit="requests/s"):
    return figures.compare(figure, unit, [value], peer, [peer_value])


def test_ratio_says_who_is_ahead():
    """A slower program would be called faster."""
    assert figures.ratio(200, 100, "requests/s") == 2
    assert figures.ratio(200, 100, "ms") == 0.5
    assert figures.ratio(0, 100, "errors") is None


def test_the_ratio_is_of_the_same_round():
    """A machine that gets faster meanwhile would favour whoever was measured last."""
    found = figures.compare("now_64", "requests/s", [100, 300, 200], "epoll", [50, 100, 200])
    assert (found["value"], found["peer_value"]) == (200, 100)
    assert (found["ratio"], found["ratio_min"], found["ratio_max"]) == (2, 1, 3)


def test_goals_are_judged():
    """A promise that was not kept would look as if it was."""
    assert row("now_64", 90, "epoll", 100)["is_reached"]
    assert not row("now_64", 80, "epoll", 100)["is_reached"]
    assert "goal" not in row("now_64", 90, "node", 100)


def test_mails_are_counted_once(tmp_path):
    """Mails that Postfix was asked for, or has twice, would count as sent."""
    path = tmp_path / "mail.log"
    log = smtp_servers.MailLog(path)
    begin = "Nov 21 18:40:06 relay postfix"
    accepted = f"{begin}/qmgr[7]: 12D33: from=<k@k.test>, size=9843, nrcpt=1 (queue active)\n"
    delivered = (f"{begin}/discard[8]: 12D33: to=<ada@example.org>, relay=none, delay=1, "
                 "delays=1/0/0/0, dsn=2.0.0, status=sent (example.org)\n")
    path.write_text(f"{begin}/cleanup[9]: 12D33: message-id=<a@k.test>\n" + accepted[:-9])
    log.read()
    assert (log.accepted, log.delivered.total()) == (0, 0)
    path.write_text(path.read_text() + accepted[-9:] + accepted + delivered +
                    f"{begin}/qmgr[7]: 12D33: removed\n")
    log.read()
    log.read()
    assert log.accepted == 2 and log.delivered == {"ada@example.org": 1}
    assert [count for _, count in log.moments] == [2]
    log.forget()
    path.write_text(path.read_text() + delivered)
    log.read()
    assert log.accepted == 0 and log.delivered == {"ada@example.org": 1}


def test_rounds_go_forth_and_back():
    """Who is always measured first would have the cooler machine."""
    order = []
    found = figures.in_turns(("a", "b", "c"), 3, lambda name: order.append(name) or len(order))
    assert order == ["a", "b", "c", "c", "b", "a", "a", "b", "c"]
    assert found == {"a": [1, 6, 7], "b": [2, 5, 8], "c": [3, 4, 9]}


def test_benchmarks_are_chosen_by_their_first_words():
    """Whoever asks for one would wait for all."""
    known = ["now_64", "now_1000", "platforms_echo_64", "platforms_echo_1000", "store"]
    assert run.chosen(known, []) == known
    assert run.chosen(known, ["now"]) == known[:2]
    assert run.chosen(known, ["platforms_echo", "store"]) == known[2:]
    with pytest.raises(SystemExit):
        run.chosen(known, ["nothing"])
    assert {"platforms_kvs_1000", "fastcgi_64x8", "buffers_64"} <= set(run.benchmarks())


def test_load_lua_says_json(tmp_path):
    """The result of wrk would not be understood, or errors in it not be seen."""
    script = (ROOT / "tests/bench/load.lua").read_text(encoding="utf-8")
    for name in ("requests", "seconds", "refused", "failed", "p50_ms", "p99_ms"):
        assert f'"{name}": %' in script


def test_wrk_output_becomes_metrics():
    """Refused requests would count as served."""
    output = ("Running 1s test\n  4 threads\n"
              '{"requests": 1000, "seconds": 2.000000, "refused": 100, "failed": 3, '
              '"p50_ms": 1.500, "p99_ms": 9.000}\n')
    found = web.metrics(output, own=0.5, nginx=0.25, worst_ms=7, memory=5e6)
    assert found == {"requests": 450, "cpu_us": 500, "site_cpu_us": 750, "p50_ms": 1.5,
                     "p99_ms": 9, "newcomer_ms": 7, "memory_mb": 5, "errors": 103}
    assert set(found) == set(web.METRICS)


def test_processor_time_below_a_tick_counts():
    """A platform of many processes, each of which works little, would seem to cost nothing."""
    count, seconds = 50, 0.004
    program = ("import time\nbegin = time.process_time()\n"
               f"while time.process_time() < begin + {seconds}: pass\n"
               "print(time.process_time(), flush=True)\ninput()")
    started = [subprocess.Popen([sys.executable, "-S", "-c", program], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE) for _ in range(count)]
    used = sum(float(process.stdout.readline()) for process in started)
    found = procfs.processor_seconds([process.pid for process in started])
    for process in started:
        process.communicate(b"\n")
    assert used * 0.95 <= found <= used + count * 0.01


@pytest.mark.parametrize("value,text", [(0, "0"), (0.0391, "0.0391"), (2.834, "2.83"),
                                        (56612, "56,600"), (999.6, "1,000"), (100, "100"),
                                        (None, "–")])
def test_numbers_for_people(value, text):
    """Tables would be full of digits that mean nothing."""
    assert words.number(value) == text


# One of everything that tables and charts show.
SAVED = [
    row("platforms_echo_64", 50000, "php", 9000), row("platforms_echo_64", 50000, "node-direct",
                                                      60000),
    row("platforms_echo_64_p50_ms", 1, "php", 5, "ms"),
    row("platforms_echo_64_p50_ms", 1, "node-direct", 1.2, "ms"),
    row("platforms_echo_64_p99_ms", 3, "php", 50, "ms"),
    row("platforms_echo_64_p99_ms", 3, "node-direct", 4, "ms"),
    row("platforms_echo_64_errors", 0, "php", 12, "errors"),
    row("platforms_echo_64_errors", 0, "node-direct", 0, "errors"),
    row("platforms_echo_64_memory_mb", 8, "php", 30, "MB"),
    row("platforms_echo_64_memory_mb", 8, "node-direct", 80, "MB"),
    row("fastcgi_64x8", 200000, "epoll", 250000),
    row("fastcgi_64x8_p99_us", 900, "epoll", 700, "us"),
    row("buffers_64", 50000, "small-buffers", 51000),
    row("job_start_ms", 15, "posix_spawn", 12, "ms"), row("some_new_one", 7, unit="mails/s"),
    row("now_64", 50000, "epoll", 55000), row("spawn_exit", 16, "beam", 0.9, "M/s"),
]
ENVIRONMENT = {"processors": 2, "processor": "Some", "memory_gb": 4, "system": "Debian",
               "versions": {"nginx": "1.22.1"}, "rounds": 2, "seconds": 1, "busy_percent": 3,
               "left_out": [["kore", "kvs", "Kore has no client for Redis"],
                            ["puma", None, "/usr/bin/puma is not there"]]}


@pytest.fixture
def saved(tmp_path):
    """What a run has kept, read again."""
    path = tmp_path / "figures.jsonl"
    output = figures.Output(path)
    output.write({"environment": ENVIRONMENT}, is_printed=False)
    output.write({"left_out": ["cowboy", "echo", "it failed at 64 connections"]}, is_printed=False)
    for one in SAVED:
        output.write(one, is_printed=False)
    return figures.load(path)


def test_figures_are_kept(saved):
    """What took twenty minutes would have to be measured again."""
    environment, found = saved
    assert found == json.loads(json.dumps(SAVED))
    assert environment["left_out"][-1] == ["cowboy", "echo", "it failed at 64 connections"]


def test_tables(saved, tmp_path):
    """The page would show other figures than were measured, or hide who was left out."""
    path = tmp_path / "BENCHMARKS.md"
    path.write_text(f"Before.\n{report.BEGIN}\nold\n{report.END}\nAfter.\n", encoding="utf-8")
    report.write(*saved, path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("Before.\n") and text.endswith("\nAfter.\n") and "old" not in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert "| Node.js, without nginx | 60,000 | 1.2 | 4 | 0 | 80 | – | – |" in lines
    assert "| PHP-FPM | 9,000 | 5 | 50 | 12 | 30 | – | – |" in lines
    # the fastest first
    places = [next(i for i, line in enumerate(lines) if line.startswith(f"| {name} |"))
              for name in ("Node.js, without nginx", "kontor", "PHP-FPM")]
    assert places == sorted(places)
    assert "| Puma | left out: /usr/bin/puma is not there |" in text
    assert "| Cowboy | left out: it failed at 64 connections |" in text
    assert "no client for Redis" not in text
    assert "| 64 connections, 8 requests on each: requests/s | 200,000 | 250,000 |" in lines
    assert "| 64 connections, 8 requests on each: 99 % | 900 µs | 700 µs |" in lines
    assert "| 64 connections: requests/s | 50,000 | 51,000 |" in lines
    assert "| some new one | 7 mails/s | – |  |  |" in lines
    assert any(line.startswith("| job: from request") and "posix spawn: 12 ms" in line
               for line in lines)
    # each row of a table has as many cells as its head
    for table in text.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1, table


def test_charts_are_pictures_with_words(saved, tmp_path):
    """Whoever does not see a chart would not know what it says; a browser would show nothing."""
    charts.draw(*saved, tmp_path)
    drawn = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert drawn == ["bench-platforms-echo.svg", "bench-processes.svg", "bench-requests.svg"]
    for name in drawn:
        xml.etree.ElementTree.parse(tmp_path / name)
    text = (tmp_path / "bench-platforms-echo.svg").read_text(encoding="utf-8")
    description = text[text.index("<desc"):text.index("</desc>")]
    assert "Node.js, without nginx 60,000/s, 1.2 / 4 ms, 80 MB" in description
    assert "PHP-FPM 9,000/s, 5 / 50 ms, 30 MB, 12 errors" in description
    assert "busy" not in text
    charts.draw({**saved[0], "busy_percent": 40}, saved[1], tmp_path)
    text = (tmp_path / "bench-platforms-echo.svg").read_text(encoding="utf-8")
    assert "It was 40 % busy with other things." in text


def test_every_figure_has_words():
    """A table or the list of goals would end in the middle."""
    for figure, peer in [*((name, None) for name in figures.VALUE_GOALS), *figures.RATIO_GOALS]:
        assert words.title(figure)
        assert peer is None or words.system(peer)
    assert words.title("something_new_p99_ms") == "something new p99 ms"
    assert words.title("slow_1000_memory_mb") == "slow, 1,000 connections: memory, MB"


class Absent:
    lacks = {}

    @staticmethod
    def missing():
        return "/usr/bin/absent"


class Partial(Absent):
    lacks = {"kvs": "it has no client"}

    @staticmethod
    def missing():
        return ""


def test_what_is_left_out_says_why(monkeypatch):
    """A peer would be missing without a word."""
    monkeypatch.setattr(platforms, "PLATFORMS", {"absent": Absent, "partial": Partial})
    assert platforms.left_out() == [("absent", None, "/usr/bin/absent is not there"),
                                    ("partial", "kvs", "it has no client")]
    assert next(iter(platforms.systems("echo"))) == "kontor"
    assert "partial" in platforms.systems("echo") and "absent" not in platforms.systems("echo")
    assert "partial" not in platforms.systems("kvs")


def test_the_example_has_the_buffers_that_are_measured():
    """The figure would be of buffers that nobody has."""
    text = pathlib.Path(ROOT / "examples/nginx/kontor.conf").read_text(encoding="utf-8")
    assert "fastcgi_buffer_size 64k;" in text


def test_the_list_needs_no_build(folder):
    """Who only wants to see what there is would have to build everything, or get a traceback."""
    shown = subprocess.run([sys.executable, ROOT / "tests/bench/run.py", "--list"], text=True,
                           capture_output=True, check=True,
                           env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1",
                                "KONTOR_BUILD": str(folder), "KONTOR_SOURCE": str(ROOT)})
    assert {line.split()[0] for line in shown.stdout.splitlines()} >= {"now_64", "sleepers", "mail"}
