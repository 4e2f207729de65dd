# SPDX-License-Identifier: BSD-2-Clause
"""Microservers: a table that is counted down, one process a row, whatever dies meanwhile."""

import json
import re
import signal

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import redis_server
from fastcgi import Closed, wait_until
from microservers import Counter, floor, sqlite_rows

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
ROWS = 400
VALUE = 3
# A pass of two waves of three ticks each takes so long at least.
INTERVAL = "200ms"
SECONDS = 40


def ask(kontor, path, method="GET", body=None, **others):
    data = b"" if body is None else json.dumps(body).encode()
    with kontor.client() as client:
        client.start(f"/api/microservers{path}", body=data, method=method, keep=False,
                     CONTENT_TYPE="application/json", **{**LOCAL, **others})
        return client.read_response()


def status(kontor):
    """How it stands; None while nobody watches the table."""
    try:
        answer = ask(kontor, "/")
    except (OSError, Closed):
        return None
    return json.loads(answer.body) if answer.status == 200 else None


def await_status(kontor, condition, words):
    return wait_until(lambda: (found := status(kontor)) and condition(found) and found, SECONDS,
                      words)


def command(kontor, path, **body):
    """Start or stop; whoever watches the table may just change."""
    def try_it():
        try:
            answer = ask(kontor, path, "POST", body)
        except (OSError, Closed):
            return None
        assert answer.status in (200, 503), answer.body
        return answer.status == 200 and json.loads(answer.body)
    return wait_until(try_it, SECONDS, f"{path} is done")


@pytest.fixture(params=["sqlite", "redis"])
def store(request, folder):
    """(address, what counts the updates of rows or None)"""
    if request.param == "sqlite":
        yield f"sqlite:{folder}/store.db", None
        return
    redis = redis_server.Redis(folder / "redis")
    counter = Counter(redis)
    yield redis.unix, counter
    counter.stop()
    redis.stop()


def make(make_kontor, address, workers=1, **options):
    return make_kontor(plugins=("microservers",), settings={"store": address, "workers": workers},
                       sections={"microservers": {"rows": ROWS, "at_once": ROWS // 2,
                                                  "interval": INTERVAL, "pause": "1h", **options}})


def assert_counted(kontor, folder, counter, passes=1):
    """Each row was decremented exactly VALUE times a pass: Redis saw each of them; a row of SQLite
    begins with VALUE, is never added to in a pass, and has nothing left."""
    if counter:
        seen = counter.counts()
        assert set(seen.values()) == {VALUE * passes} and len(seen) == ROWS
    else:
        kontor.stop()
        rows = sqlite_rows(folder / "store.db")
        assert len(rows) == ROWS and set(rows.values()) == {floor(0)}


@pytest.mark.parametrize("tick", ["spread", "together"])
def test_a_pass(make_kontor, folder, store, tick):
    """Rows would be counted down too often, or not to the end."""
    address, counter = store
    kontor = make(make_kontor, address, tick=tick)
    await_status(kontor, lambda found: found["state"] == "stopped", "a monitor")
    started = command(kontor, "/start")
    assert started["running"] and started["tick"] == tick and started["pass"] == 1
    found = await_status(kontor, lambda found: found["last_pass"], "the end of the pass")
    last = found["last_pass"]
    assert found["state"] == "pausing" and found["rows_done"] == ROWS and found["servers"] == 0
    assert last["updates"] == ROWS * VALUE and last["is_whole"]
    # Six ticks, one after the other, by two clocks; and what a busy machine adds.
    assert 6 * 200 - 20 <= last["duration_ms"] < 6 * 200 + 5000
    assert 0 < last["half_us"] <= last["p99_us"] <= last["longest_us"]
    history = json.loads(ask(kontor, "/history").body)
    assert sum(sample["updates"] for sample in history) <= ROWS * VALUE
    assert history and all(sample["memory_bytes"] > 1e6 for sample in history)
    assert_counted(kontor, folder, counter)


def test_passes_are_repeated(make_kontor, folder, store):
    """After the first pass nothing would happen any more."""
    address, counter = store
    kontor = make(make_kontor, address, interval="20ms", pause="100ms")
    command(kontor, "/start")
    await_status(kontor, lambda found: found["last_pass"] and found["last_pass"]["pass"] >= 3,
                 "three passes")
    command(kontor, "/stop")
    if counter:
        # The passes that are over are whole; the last one may have been stopped.
        seen = counter.counts()
        assert len(seen) == ROWS
        assert all(count >= 3 * VALUE for count in seen.values())


def test_killed_workers(make_kontor, folder, store):
    """A crash would have rows counted twice, or left over for ever."""
    address, counter = store
    kontor = make(make_kontor, address, workers=2, tick="spread", interval="500ms")
    command(kontor, "/start")
    for done in (0, ROWS // 4, ROWS // 2):
        found = await_status(
            kontor, lambda found: found["state"] == "counting" and
            (found["servers"] > 0 and found["rows_done"] >= done), f"{done} rows are done")
        kontor.kill(found["worker_pid"])
        before = found["worker_pid"]
        await_status(kontor, lambda found: found["worker_pid"] != before, "another worker")
    found = await_status(kontor, lambda found: found["state"] == "pausing", "the end of the pass")
    assert found["pass"] == 1 and found["last_pass"]["pass"] == 1
    assert not found["last_pass"]["is_whole"]
    assert_counted(kontor, folder, counter)


def test_reload(make_kontor, folder, store):
    """A new configuration would end the pass, or have two workers count the same rows."""
    address, counter = store
    kontor = make(make_kontor, address, workers=2, interval="500ms")
    command(kontor, "/start")
    before = await_status(kontor, lambda found: found["servers"] > 0, "servers")
    kontor.signal(signal.SIGHUP)
    found = await_status(kontor, lambda found: found["worker_pid"] != before["worker_pid"] and
                         found["servers"] > 0, "a new worker goes on")
    assert found["pass"] == 1
    await_status(kontor, lambda found: found["state"] == "pausing", "the end of the pass")
    assert_counted(kontor, folder, counter)


def test_stop_and_go_on(make_kontor, folder, store):
    """Who stops it would lose what was counted, or could not stop it at all."""
    address, counter = store
    kontor = make(make_kontor, address, workers=2)
    command(kontor, "/start")
    await_status(kontor, lambda found: 0 < found["rows_done"] < ROWS, "some rows are done")
    stopped = command(kontor, "/stop")
    assert stopped["state"] == "stopped" and stopped["servers"] == 0 and not stopped["running"]
    seen = counter and counter.counts()
    # Also when all of kontor is restarted it stays stopped, and where it was.
    kontor.stop()
    kontor.start()
    found = await_status(kontor, lambda found: found["state"] == "stopped", "a monitor")
    assert found["pass"] == 1 and (not counter or counter.counts() == seen)
    assert command(kontor, "/start")["pass"] == 1
    found = await_status(kontor, lambda found: found["state"] == "pausing", "the end of the pass")
    assert_counted(kontor, folder, counter)


def test_two_machines_share_a_table(make_kontor, folder):
    """Two machines with one Redis would both fill the table, and count more than there is."""
    redis = redis_server.Redis(folder / "redis")
    counter = Counter(redis)
    try:
        pair = [make(make_kontor, redis.unix, interval="500ms") for _ in range(2)]
        await_status(pair[0], lambda found: found["state"] == "stopped", "the first one's monitor")
        await_status(pair[1], lambda found: found["state"] == "waiting", "the other one waits")
        command(pair[0], "/start")
        await_status(pair[0], lambda found: found["servers"] > 0, "servers")
        pair[0].stop()
        await_status(pair[1], lambda found: found["state"] == "pausing", "the other one ends it")
        assert_counted(pair[1], folder, counter)
    finally:
        counter.stop()
        redis.stop()


def test_store_goes_away(make_kontor, folder):
    """When Redis is restarted the servers would give up, subtract twice, or be there twice."""
    redis = redis_server.Redis(folder / "redis", appendonly="yes", appendfsync="always")
    try:
        kontor = make(make_kontor, redis.unix, interval="500ms")
        command(kontor, "/start")
        await_status(kontor, lambda found: found["now"] and found["now"]["updates"] > 0,
                     "the first updates")
        redis.kill()
        kontor.wait_log("the lease was not renewed|table can't be used")
        assert ask(kontor, "/stop", "POST").status == 503
        redis.start()
        await_status(kontor, lambda found: found["state"] == "counting" and found["servers"] > 0,
                     "servers once more")
        assert kontor.processes() < ROWS // 2 + 100
        await_status(kontor, lambda found: found["state"] == "pausing", "the end of the pass")
        for row in range(ROWS):
            assert int(redis.ask("GET", f"kontor:{{microservers}}:c:row/{row:07}")) == floor(0)
    finally:
        redis.stop()


def test_who_may(make_kontor, folder):
    """Anybody could start work for ten thousand processes."""
    address = f"sqlite:{folder}/store.db"
    kontor = make(make_kontor, address, users="ada bob", operators="bob")
    wait_until(lambda: b"stopped" in ask(kontor, "/", REMOTE_USER="bob").body, SECONDS,
               "a monitor")
    assert ask(kontor, "/").status == 403
    assert ask(kontor, "/start", "POST", {}, REMOTE_USER="ada").status == 403
    assert ask(kontor, "/stop", "POST", {}, REMOTE_USER="ada").status == 403
    assert ask(kontor, "/start", "POST", {}, REMOTE_USER="bob",
               HTTP_SEC_FETCH_SITE="cross-site").status == 403
    for body in ({"tick": "often"}, {"tick": 5}, {"tick": None}, [], ["spread"], "spread", 5, True):
        answer = ask(kontor, "/start", "POST", body, REMOTE_USER="bob")
        assert answer.status == 422 and b"together" in answer.body, body
    assert b"stopped" in ask(kontor, "/", REMOTE_USER="bob").body
    assert ask(kontor, "/start", "POST", {"tick": "together"}, REMOTE_USER="bob").status == 200
    assert ask(kontor, "/stop", "POST", REMOTE_USER="bob").status == 200
    for path in ("/events", "/history"):
        assert ask(kontor, path, REMOTE_USER="eve").status == 403
    local = make(make_kontor, f"sqlite:{folder}/other.db")
    assert ask(local, "/", REMOTE_ADDR="203.0.113.9").status == 403
    assert ask(local, "/", HTTP_X_FORWARDED_FOR="203.0.113.9").status == 403


def test_metrics(make_kontor, folder):
    """Prometheus would not know of it."""
    kontor = make_kontor(
        plugins=("microservers", "observer"), settings={"store": f"sqlite:{folder}/store.db"},
        sections={"microservers": {"rows": 50, "interval": "50ms", "pause": "1h"}})
    command(kontor, "/start")
    await_status(kontor, lambda found: found["last_pass"], "the end of the pass")

    def told():
        with kontor.client() as client:
            client.start("/metrics", keep=False, **LOCAL)
            text = client.read_response().body.decode()
        return {name: float(number) for name, number in
                re.findall(r"^kontor_microservers_(\w+)\{.*\} (\S+)$", text, re.MULTILINE)}
    found = wait_until(lambda: (numbers := told()).get("updates_total") == 50 * VALUE and numbers,
                       SECONDS, "all updates in the metrics")
    assert found == {"updates_total": 50 * VALUE, "updates_failed_total": 0, "servers": 0,
                     "passes_total": 1}


def test_killed_servers_come_back(make_kontor, folder):
    """An operator who ends the process of a row would leave that row over."""
    kontor = make_kontor(
        plugins=("microservers", "observer"), settings={"store": f"sqlite:{folder}/store.db"},
        sections={"microservers": {"rows": 50, "interval": "500ms", "pause": "1h"},
                  "observer": {"killers": "ada"}})
    command(kontor, "/start")
    await_status(kontor, lambda found: found["servers"] == 50, "servers")
    with kontor.client() as client:
        client.start("/api/observer/processes", keep=False, QUERY_STRING="search=row&limit=20",
                     **LOCAL)
        found = json.loads(client.read_response().body)["workers"][0]
    victims = [process["pid"] for process in found["processes"] if process["label"] == "row"]
    assert victims

    for pid in victims:
        body = json.dumps({"observer": found["observer"], "pid": pid}).encode()
        with kontor.client() as client:
            client.start("/api/observer/kill", body=body, method="POST", keep=False,
                         CONTENT_TYPE="application/json", REMOTE_USER="ada", **LOCAL)
            assert client.read_response().status == 200
    end = await_status(kontor, lambda found: found["last_pass"], "the end of the pass")
    assert end["last_pass"]["updates"] == 50 * VALUE
    kontor.stop()
    assert set(sqlite_rows(folder / "store.db").values()) == {floor(0)}


def text_of(browser, name):
    return browser.find_element(By.ID, name).text


def is_usable(browser, name):
    """Whether a button does something; it can have the focus in any case."""
    button = browser.find_element(By.ID, name)
    return button.is_enabled() and button.get_attribute("aria-disabled") != "true"


def assert_no_errors(browser):
    errors = [line for line in browser.get_log("browser") if line["level"] == "SEVERE" and
              "favicon" not in line["message"]]
    assert not errors


def test_page(make_kontor, make_frontend, folder, browser):
    """Whoever wants to see it would have to write requests and read JSON."""
    kontor = make(make_kontor, f"sqlite:{folder}/store.db", workers=2, interval="1s")
    site = make_frontend("nginx", kontor)
    browser.set_window_size(1280, 1600)
    browser.get_log("browser")
    browser.get(f"{site.url}/microservers/")
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda _: "Not started yet." in text_of(browser, "state"))
    assert "400 rows" in text_of(browser, "about")
    assert not is_usable(browser, "stop")
    Select(browser.find_element(By.ID, "tick")).select_by_value("together")
    browser.find_element(By.ID, "start").click()
    wait.until(lambda _: "200 servers at work, all at the same time" in text_of(browser, "state"))
    wait.until(lambda _: text_of(browser, "servers-words").startswith("Now 200 servers"))
    wait.until(lambda _: "99 %: now" in text_of(browser, "latency-words"))
    for name in ("cpu", "memory"):
        assert text_of(browser, f"{name}-words").startswith("Now ")
        assert browser.find_element(By.ID, f"{name}-chart").get_attribute("aria-label")
    assert status(kontor)["tick"] == "together"
    # Stopped and started again by keyboard: the focus stays where it was.
    stop = browser.find_element(By.ID, "stop")
    stop.send_keys(Keys.ENTER)
    wait.until(lambda _: text_of(browser, "state").startswith("Stopped in pass 1."))
    assert not status(kontor)["running"]
    wait.until(lambda _: "Stopped." in text_of(browser, "announcement"))
    wait.until(lambda _: not is_usable(browser, "stop"))
    assert browser.switch_to.active_element == stop
    start = browser.find_element(By.ID, "start")
    start.send_keys(Keys.ENTER)
    wait.until(lambda _: is_usable(browser, "stop"))
    assert browser.switch_to.active_element == start and not is_usable(browser, "start")
    wait.until(lambda _: text_of(browser, "last-words").startswith("Pass 1 took"))
    assert "interrupted" in text_of(browser, "last-words")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#last tbody td")) == 8
    # What is too wide for a phone can be moved by keyboard, and says what it is.
    table = browser.find_element(By.CSS_SELECTOR, ".scroll[tabindex='0'][role=region]")
    assert table.is_displayed() and table.accessible_name == "The last pass in numbers"
    # What was before a reload is there after it; and the page is whole on a phone, in the dark.
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    browser.set_window_size(400, 900)
    browser.refresh()
    wait.until(lambda _: "at most 200 servers" in text_of(browser, "servers-words"))
    wait.until(lambda _: browser.execute_script(
        "return document.documentElement.scrollWidth <= window.innerWidth"))
    assert browser.execute_script(
        "return getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 22, 28)"
    # All that can be operated is reached by the tabulator, in the order in which it stands there.
    browser.execute_script("document.querySelector('#tick').focus()")
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") in ("start", "stop")
    assert_no_errors(browser)


def test_page_listens_to_no_bare_keys(make_kontor, make_frontend, folder, browser):
    """Who speaks to the computer, or slips, would start or stop thousands of processes by one letter."""
    kontor = make(make_kontor, f"sqlite:{folder}/store.db", interval="1s")
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/microservers/")
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda _: is_usable(browser, "start"))
    browser.execute_script(
        "window.asked = []; const ask = window.fetch;"
        "window.fetch = (...all) => { window.asked.push(all[0]); return ask(...all); }")
    link = browser.find_element(By.CSS_SELECTOR, "a.elsewhere")
    for keys in ("s", "S", "x"):
        link.send_keys(keys)
    browser.find_element(By.ID, "start").send_keys(Keys.ENTER)
    wait.until(lambda _: is_usable(browser, "stop"))
    browser.find_element(By.TAG_NAME, "body").send_keys("x")
    browser.find_element(By.ID, "stop").send_keys(Keys.ENTER)
    wait.until(lambda _: is_usable(browser, "start"))
    commands = [path.rsplit("/", 1)[1] for path in browser.execute_script("return window.asked")]
    assert commands == ["start", "stop"]


def test_page_goes_on_when_the_worker_dies(make_kontor, make_frontend, folder, browser):
    """Whoever watches a crash would look at a page that stands still, and not know it."""
    kontor = make(make_kontor, f"sqlite:{folder}/store.db", workers=2, interval="2s")
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/microservers/")
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda _: is_usable(browser, "start"))
    browser.find_element(By.ID, "start").click()
    wait.until(lambda _: "200 servers at work" in text_of(browser, "state"))
    before = status(kontor)["worker_pid"]
    kontor.kill(before)
    await_status(kontor, lambda found: found["worker_pid"] != before and found["servers"] > 0,
                 "another worker goes on")
    wait.until(lambda _: text_of(browser, "last-words").startswith("Pass 1 took"))
    assert text_of(browser, "connection") == ""


def test_page_tells_who_may_not(make_kontor, make_frontend, folder, browser):
    """Who may look but not start would press the button, and nothing would be said."""
    kontor = make(make_kontor, f"sqlite:{folder}/store.db", operators="bob")
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/microservers/")
    wait = WebDriverWait(browser, SECONDS)
    wait.until(lambda _: is_usable(browser, "start"))
    browser.find_element(By.ID, "start").click()
    wait.until(lambda _: "operators" in text_of(browser, "problem-text"))
