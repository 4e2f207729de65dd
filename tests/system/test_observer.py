# SPDX-License-Identifier: BSD-2-Clause
"""The observer: what all workers do, on a page, for Prometheus, and for people's scripts."""

import json
import re
import subprocess

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from fastcgi import wait_until

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
WAIT_SECONDS = 30


@pytest.fixture
def kontor(make_kontor):
    return make_kontor(plugins=("observer", "evaluation", "skeleton"), settings={"workers": "2"})


def ask(kontor, path, method="GET", body=None, **others):
    with kontor.client() as client:
        data = b"" if body is None else json.dumps(body).encode()
        if data:
            others["CONTENT_TYPE"] = "application/json"
        client.start(path, body=data, method=method, keep=False, **{**LOCAL, **others})
        return client.read_response()


def workers(kontor):
    return json.loads(ask(kontor, "/api/observer/").body)["workers"]


def test_all_workers_are_seen(kontor):
    """An operator would see one worker, whichever happened to answer."""
    seen = wait_until(lambda: len(workers(kontor)) == 2 and workers(kontor), 20, "both observers")
    assert sorted(worker["pid"] for worker in seen) == sorted(kontor.workers())
    assert all(worker["memory_bytes"] > 1e6 and worker["state"] == "serving" for worker in seen)
    before = sum(worker["service"]["requests_total"] for worker in workers(kontor))
    for _ in range(20):
        assert ask(kontor, "/ping").status == 200
    assert sum(worker["service"]["requests_total"] for worker in workers(kontor)) >= before + 20


def test_metrics(kontor):
    """Prometheus would refuse the whole answer for one wrong line."""
    for _ in range(5):
        ask(kontor, "/api/evaluation/now")
    answer = ask(kontor, "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    text = answer.body.decode()
    assert text.endswith("# EOF\n")
    assert re.search(r'^kontor_requests_total\{worker="1",pid="\d+"\} \d+$', text, re.MULTILINE)
    counts = [float(number) for number in
              re.findall(r'_duration_seconds_bucket\{worker="1".* (\d+)$', text, re.MULTILINE)]
    assert counts == sorted(counts) and counts[-1] >= 1
    # Prometheus' own checker knows the older format, which lacks the last line and these names.
    older = re.sub(r"^(# (?:TYPE|HELP) \w+)(?= counter$)", r"\1_total", text, flags=re.MULTILINE)
    counters = set(re.findall(r"^# TYPE (\w+)_total counter$", older, re.MULTILINE))
    older = re.sub(r"^# HELP (\w+)", lambda found: found[0] + (
        "_total" if found[1] in counters else ""), older.replace("# EOF\n", ""), flags=re.MULTILINE)
    checked = subprocess.run(["promtool", "check", "metrics"], input=older, text=True,
                             capture_output=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_status(kontor):
    """Scripts written for PHP-FPM's status would find nothing."""
    text = ask(kontor, "/status").body.decode()
    assert re.search(r"^requests: +\d+$", text, re.MULTILINE)
    assert "workers:" in text
    assert json.loads(ask(kontor, "/status", QUERY_STRING="json").body)[
        "workers"] >= 1
    assert ask(kontor, "/ping").body == b"pong\n"


def test_only_for_operators(make_kontor):
    """Anybody on the Internet could read what runs here, and end it."""
    kontor = make_kontor(plugins=("observer",))
    paths = ("/api/observer/", "/api/observer/processes", "/api/observer/history", "/status",
             "/metrics", "/api/observer/registry", "/api/observer/jobs", "/api/observer/events")
    for path in paths:
        assert ask(kontor, path, REMOTE_ADDR="203.0.113.9").status == 403, path
    assert ask(kontor, "/status", REMOTE_ADDR="::1").status == 200
    named = make_kontor(plugins=("observer",), sections={"observer": {"users": "ada bob",
                                                                      "killers": "bob"}})
    assert ask(named, "/status").status == 403
    assert ask(named, "/status", REMOTE_USER="ad").status == 403
    assert ask(named, "/status", REMOTE_USER="ada", REMOTE_ADDR="203.0.113.9").status == 200
    body = {"observer": "observer/1", "pid": "1"}
    assert ask(named, "/api/observer/kill", "POST", body, REMOTE_USER="ada").status == 403
    assert ask(named, "/api/observer/kill", "POST", body, REMOTE_USER="bob").status == 404
    assert ask(named, "/api/observer/kill", "POST", body, REMOTE_USER="bob",
               HTTP_SEC_FETCH_SITE="cross-site").status == 403


def find(kontor, search):
    answer = ask(kontor, "/api/observer/processes", QUERY_STRING=f"search={search}&sort=label")
    return [dict(process, observer=worker["observer"])
            for worker in json.loads(answer.body)["workers"] for process in worker["processes"]]


def test_kill_and_come_back(kontor):
    """Supervision could not be seen at work, nor a process that hangs be ended."""
    before = wait_until(lambda: len(find(kontor, "visit%20counter")) == 2 and
                        find(kontor, "visit%20counter"), 20, "a counter in each worker")
    victim = before[0]
    body = {"observer": victim["observer"], "pid": victim["pid"]}
    answer = ask(kontor, "/api/observer/kill", "POST", body)
    assert answer.status == 200 and json.loads(answer.body)["label"] == "visit counter"
    after = wait_until(lambda: len(find(kontor, "visit%20counter")) == 2 and
                       find(kontor, "visit%20counter"), 20, "it has come back")
    assert victim["pid"] not in [process["pid"] for process in after]
    assert ask(kontor, "/api/observer/kill", "POST", body).status == 404
    kontor.wait_log("killed by this machine: visit counter")
    # What can't be a key of the registry is the asker's mistake: to try again is of no use.
    body["observer"] += "x" * 256
    assert ask(kontor, "/api/observer/kill", "POST", body).status == 422
    assert ask(kontor, "/api/observer/registry", QUERY_STRING="prefix=" + "x" * 256).status == 422


def test_history_adds_up(kontor):
    """The charts would show what one worker did, or nothing."""
    for _ in range(30):
        ask(kontor, "/ping")

    def samples():
        found = json.loads(ask(kontor, "/api/observer/history").body)["samples"]
        return sum(sample["requests"] for sample in found) >= 30 and found
    found = wait_until(samples, 20, "the requests in the history")
    assert all(sample["time_ms"] % 5000 == 0 for sample in found)
    times = [sample["time_ms"] for sample in found]
    assert times == sorted(set(times))
    assert len(found[-1]["durations"]) == len(json.loads(
        ask(kontor, "/api/observer/history").body)["bounds_ms"])


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--window-size=1280,1600"):
        options.add_argument(flag)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()


def shown_pids(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('#processes tbody tr')].map(row => row.dataset.pid)")


def test_page(kontor, make_frontend, browser):
    """An operator would have to read JSON."""
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: len(browser.find_elements(By.CSS_SELECTOR, "#workers tbody tr")) == 2)
    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#processes tbody tr"))
    search = browser.find_element(By.ID, "search")
    search.send_keys("visit counter")
    wait.until(lambda _: len(browser.find_elements(By.CSS_SELECTOR, "#processes tbody tr")) == 2)
    pids = shown_pids(browser)
    browser.find_element(By.CSS_SELECTOR, "#processes tbody tr button").click()
    browser.find_element(By.ID, "kill-yes").click()
    wait.until(lambda _: shown_pids(browser) not in ([], pids))
    assert "Ended" in browser.find_element(By.ID, "announcement").text
    # The charts have words for who doesn't see them, and the page is whole on a phone.
    wait.until(lambda _: browser.find_element(By.ID, "requests-words").text)
    browser.set_window_size(400, 900)
    wait.until(lambda _: browser.execute_script(
        "return document.documentElement.scrollWidth <= window.innerWidth"))
    errors = [line for line in browser.get_log("browser") if line["level"] == "SEVERE" and
              "favicon" not in line["message"]]
    assert not errors


def test_page_before_kontor_is_there(make_kontor, make_frontend, browser):
    """Whoever looks while kontor starts would see no workers, however long they waited."""
    kontor = make_kontor(start=False, plugins=("observer",))
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: browser.find_element(By.ID, "problem").is_displayed())
    wait.until(lambda _: "trying again" in browser.find_element(By.ID, "now-note").text)
    kontor.start()
    wait.until(lambda _: len(browser.find_elements(By.CSS_SELECTOR, "#workers tbody tr")) == 1)
    wait.until(lambda _: not browser.find_element(By.ID, "problem").is_displayed())


def test_page_tells_who_may_not(make_kontor, make_frontend, browser):
    """Who may look but not end processes would press the button, and nothing would be said."""
    kontor = make_kontor(plugins=("observer",), sections={"observer": {"killers": "bob"}})
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#processes tbody tr"))
    wait.until(lambda _: browser.execute_script(
        "return document.querySelector('#main').ariaBusy") == "false")
    browser.execute_script("document.querySelector('#processes tbody button').click()")
    browser.find_element(By.ID, "kill-yes").click()
    wait.until(lambda _: "killers" in browser.find_element(By.ID, "problem-text").text)
