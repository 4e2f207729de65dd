# SPDX-License-Identifier: BSD-2-Clause
"""The observer's page, in a browser: by mouse, by keyboard, on a phone, and in words."""

import json
import os
import re
import time
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import fastcgi
import frontend
from observers import WAIT_SECONDS, ask, workers
from observers import kontor, mailer, make_mailer  # pylint: disable=unused-import


def shown_pids(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('#processes tbody tr:not(.rest)')]"
        ".map(row => row.dataset.key)")


def site_of(kontor, make_frontend, user):
    """nginx that has signed this user in."""
    upstream, locations = frontend.nginx_snippets(kontor.socket, frontend.ROOT / "www")
    locations = re.sub(r"REMOTE_USER .*", f"REMOTE_USER {user};", locations)
    return make_frontend("nginx", kontor, snippets=(upstream, locations))


def rows(browser, table="processes"):
    return browser.find_elements(By.CSS_SELECTOR, f"#{table} tbody tr:not(.rest)")


def texts(browser, table="processes"):
    """The words of the rows, all read at one moment: a second later the rows are others."""
    return browser.execute_script(
        f"return [...document.querySelectorAll('#{table} tbody tr:not(.rest)')]"
        ".map(row => row.innerText)")


def complaints(browser):
    return [line for line in browser.get_log("browser") if line["level"] == "SEVERE" and
            "favicon" not in line["message"]]


def test_page(kontor, make_frontend, browser):
    """An operator would have to read JSON."""
    site = site_of(kontor, make_frontend, "bob")
    browser.set_window_size(1280, 1600)
    browser.get_log("browser")
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: len(rows(browser, "workers")) == 2)
    wait.until(lambda _: "skeleton" in browser.find_element(By.ID, "plugins").text)
    wait.until(lambda _: "observer/" in browser.find_element(By.ID, "registry").text)
    assert not browser.find_element(By.ID, "mailers-card").is_displayed()  # none is loaded
    # The tree is open down to the plugins' own processes.
    wait.until(lambda _: "skeleton.counter" in browser.find_element(By.ID, "processes").text)
    search = browser.find_element(By.ID, "search")
    search.send_keys("visit counter")
    wait.until(lambda _: len(rows(browser)) == 2)
    pids = shown_pids(browser)
    wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, "#processes [data-what=end]"))
    browser.find_element(By.CSS_SELECTOR, "#processes [data-what=end]").click()
    browser.find_element(By.ID, "kill-yes").click()
    wait.until(lambda _: shown_pids(browser) not in ([], pids) and len(rows(browser)) == 2)
    wait.until(lambda _: "Ended" in browser.find_element(By.ID, "announcement").text)
    # A process has a link of its own.
    link = browser.find_element(By.CSS_SELECTOR, "#processes [data-what=link]").get_attribute("href")
    pid = shown_pids(browser)[0]
    assert link.endswith(f"#search={pid}")
    browser.get(link)
    wait.until(lambda _: shown_pids(browser) == [pid])
    # The charts have words for who doesn't see them.
    for chart in ("requests", "durations", "queues", "processes", "memory", "cpu"):
        wait.until(lambda _: "now " in browser.find_element(By.ID, f"{chart}-words").text.lower())
        assert browser.find_element(By.ID, f"{chart}-chart").get_attribute("aria-label")
    assert not complaints(browser)


def test_page_on_a_phone_and_by_keyboard(kontor, make_frontend, browser):
    """Whoever is called at night has a phone at hand; who uses no mouse could open no branch."""
    site = site_of(kontor, make_frontend, "bob")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    try:
        browser.get(f"{site.url}/observer/")
        wait = WebDriverWait(browser, WAIT_SECONDS)
        wait.until(lambda _: "skeleton.counter" in browser.find_element(By.ID, "processes").text)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
        branch = "#processes [aria-expanded=true]"
        pid = browser.execute_script(
            f"const b = document.querySelector('{branch}'); b.focus();"
            "return b.closest('tr').dataset.key")
        browser.switch_to.active_element.send_keys(Keys.SPACE)
        closed = f"#processes tr[data-key='{pid}'] [aria-expanded=false]"
        wait.until(lambda _: browser.find_elements(By.CSS_SELECTOR, closed))
        # The focus is still there, although the rows are new.
        assert browser.execute_script("return document.activeElement.dataset.what") == "branch"
        browser.switch_to.active_element.send_keys(Keys.SPACE)
        wait.until(lambda _: not browser.find_elements(By.CSS_SELECTOR, closed))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def focused(browser):
    """Of what has the focus: its id, what it is in its row, and the key of the row."""
    return tuple(browser.execute_script(
        "const e = document.activeElement;"
        "return [e.id, e.dataset.what ?? '', e.closest('tr')?.dataset.key ?? '']"))


def await_fresh(browser, table):
    """Until the rows of a table are others than now."""
    browser.execute_script(f"window.old = document.querySelector('#{table} tbody tr')")
    WebDriverWait(browser, WAIT_SECONDS).until(
        lambda _: browser.execute_script("return !window.old.isConnected"))


def test_page_keeps_the_focus(kontor, make_frontend, browser):
    """Who uses no mouse would be back at the top of the page every five seconds."""
    browser.get(f"{site_of(kontor, make_frontend, 'bob').url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    for table in ("plugins", "registry"):
        link = f"document.querySelector('#{table} tbody [data-what=link], #{table} tbody a')"
        wait.until(lambda _, link=link: browser.execute_script(f"return {link} !== null"))
        text = browser.execute_script(f"const l = {link}; l.focus(); return l.textContent")
        await_fresh(browser, table)
        element = browser.switch_to.active_element
        assert (element.tag_name, element.text) == ("a", text)
    # When the row is gone, its table has the focus.
    browser.execute_script("document.getElementById('prefix').value = 'no such key'")
    wait.until(lambda _: not rows(browser, "registry"))
    region = browser.switch_to.active_element
    assert region.get_attribute("aria-labelledby") == "registry-caption"


def test_page_ends_by_keyboard(kontor, make_frontend, browser):
    """Who uses no mouse would not hear what came of it, and begin anew at the top of the page."""
    browser.get(f"{site_of(kontor, make_frontend, 'bob').url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    end = "document.querySelector('#processes [data-what=end]')"

    def search(words, count):
        field = browser.find_element(By.ID, "search")
        field.clear()
        field.send_keys(words)
        wait.until(lambda _: len(rows(browser)) == count and
                   browser.execute_script(f"return {end} !== null"))

    def end_first():
        pid = browser.execute_script(f"{end}.focus(); return {end}.closest('tr').dataset.key")
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        wait.until(lambda _: focused(browser)[0] == "kill-no")
        browser.switch_to.active_element.send_keys(Keys.TAB)
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        return pid
    said = browser.find_element(By.ID, "announcement")
    search("visit counter", 2)
    pids = shown_pids(browser)
    victim = end_first()
    wait.until(lambda _: "started again" in said.text)
    element, what, pid = focused(browser)
    assert (element, what) == ("", "end") and pid != victim and pid not in pids
    # Whose place nobody takes on the page: the next is searched for.
    search(pid, 1)
    end_first()
    wait.until(lambda _: "None is here in its place" in said.text)
    assert focused(browser)[0] == "search"
    browser.switch_to.active_element.send_keys("x")
    assert browser.find_element(By.ID, "search").get_property("value") == f"{pid}x"


def test_page_tells_why_one_was_not_ended(kontor, make_frontend, browser):
    """It would be gone before it is read, and the process be taken for ended."""
    browser.get(f"{site_of(kontor, make_frontend, 'bob').url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    search = browser.find_element(By.ID, "search")
    search.send_keys("observer of this worker")
    wait.until(lambda _: len(rows(browser)) == 2 and
               browser.find_elements(By.CSS_SELECTOR, "#processes [data-what=end]"))
    browser.find_element(By.CSS_SELECTOR, "#processes [data-what=end]").click()
    browser.find_element(By.ID, "kill-yes").click()
    problem = wait.until(lambda _: next((found for found in browser.find_elements(
        By.CSS_SELECTOR, "[role=alert]") if "observer itself" in found.text), None))
    for _ in range(2):  # the second refresh has begun after it was told
        await_fresh(browser, "processes")
        await_fresh(browser, "registry")
    assert "observer itself" in problem.text and problem.is_displayed()
    search.send_keys("s")
    wait.until(lambda _: not problem.is_displayed())


def test_page_has_all_numbers_on_a_phone(kontor, make_frontend, browser):
    """Whoever is called at night could not see which mailbox is full."""
    site = site_of(kontor, make_frontend, "bob")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})

    def shown(table):
        return browser.execute_script(
            f"return document.querySelector('#{table} tbody').innerText").replace("\n", " ")
    try:
        browser.get(f"{site.url}/observer/")
        wait.until(lambda _: shown("processes").count("Plugin skeleton") >= 6)
        assert browser.execute_script("return Math.max(...[...document.querySelectorAll('.rest li')]"
                                      ".map(part => part.getBoundingClientRect().right))") <= 360
        browser.find_element(By.ID, "search").send_keys("visit counter")
        wait.until(lambda _: re.search(
            r"Plugin skeleton Messages \d+ (Run time \S+ m?s )?Turns \d+ Age .* Started by ",
            shown("processes")))
        wait.until(lambda _: re.search(r"Connections \d+ Slow \d+ Failed \d+", shown("workers")))
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert not [row for row in browser.find_elements(By.CLASS_NAME, "rest") if row.is_displayed()]


def test_page_says_all_lines_of_the_charts(kontor, make_frontend, browser):
    """Who can't see the charts would not know the median, nor who waits for a turn."""
    browser.get(f"{site_of(kontor, make_frontend, 'bob').url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    for chart, labels in (("durations", ("99 %", "Half")),
                          ("queues", ("Requests in work", "Processes that want their turn"))):
        said = " ".join(rf"{label}: now [\d.,]+, at most [\d.,]+ in this hour\." for label in labels)
        element = browser.find_element(By.ID, f"{chart}-words")
        wait.until(lambda _, element=element, said=said: re.fullmatch(said, element.text))
        assert browser.find_element(By.ID, f"{chart}-chart").get_attribute("aria-label") == element.text
    # They have a name before there is a point.
    assert all(name for name in re.findall(
        r'<canvas [^>]*?(?: aria-label="(.+?)")?>', (frontend.ROOT / "www/observer/index.html").read_text()))


def test_page_tells_the_places_apart(kontor, make_frontend, browser):
    """A screen reader's list of the page's places would have each name twice."""
    browser.get(f"{site_of(kontor, make_frontend, 'bob').url}/observer/")
    WebDriverWait(browser, WAIT_SECONDS).until(lambda _: rows(browser))
    places = [place.accessible_name for place in browser.find_elements(
        By.CSS_SELECTOR, "main section, [role=region]") if place.is_displayed()]
    assert len(places) > 12 and len(set(places)) == len(places)


def test_page_tells_of_restarts(kontor, make_frontend, browser):
    """A worker that dies again and again would look like one that has just been started."""
    browser.get(f"{site_of(kontor, make_frontend, 'bob').url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: len(rows(browser, "workers")) == 2)
    assert "restarted" not in browser.find_element(By.ID, "workers").text
    kontor.kill(next(worker["pid"] for worker in workers(kontor) if worker["worker"] == 1))
    wait.until(lambda _: len(found := texts(browser, "workers")) == 2 and
               re.match(r"1 \(\d+\)\s+serving, restarted once", found[0]) and
               "restarted" not in found[1])


def test_page_shows_connections(kontor, make_frontend, browser):
    """An operator would see that requests hang, but not on which connection, or whose."""
    site = site_of(kontor, make_frontend, "bob")
    with kontor.client() as client:
        client.begin()
        client.send(fastcgi.record(fastcgi.PARAMS, 1, fastcgi.pairs(fastcgi.parameters(
            "/api/evaluation/echo", "POST", "", 100, "application/json"))))
        client.send(fastcgi.record(fastcgi.PARAMS, 1))
        kontor.wait_requests(1)
        browser.get_log("browser")
        browser.get(f"{site.url}/observer/")
        wait = WebDriverWait(browser, WAIT_SECONDS)
        wait.until(lambda _: "echo for" in browser.find_element(By.ID, "connections").text)
        first = texts(browser, "connections")[0]
        assert first.startswith(f"{Path('/proc/self/comm').read_text().strip()}, pid {os.getpid()}")
        assert "POST /api/evaluation/echo for " in first
        words = browser.find_element(By.ID, "connections-words").text
        assert re.fullmatch(
            r"\d+ connections of web servers, \d+ at work\. Nothing waits to be taken\.", words)
        # The page's own stream is long on purpose, and comes from nginx.
        wait.until(lambda _: [row for row in texts(browser, "connections") if "nginx" in row and
                              "/events for" in row and "on purpose" in row])
        # By keyboard: the focus stays on the link when the rows are new, and leads to the process.
        link = "document.querySelector('#connections [data-what=link]')"
        browser.execute_script(f"window.first = {link}; window.first.focus()")
        wait.until(lambda _: browser.execute_script("return !window.first.isConnected"))
        assert browser.execute_script(f"return document.activeElement === {link}")
        browser.switch_to.active_element.send_keys(Keys.ENTER)
        wait.until(lambda _: len(texts(browser)) == 1 and "echo" in texts(browser)[0])
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
        try:
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
            assert "echo for" in texts(browser, "connections")[0].replace("\n", " ")
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert not complaints(browser)


def test_page_shows_mailers(mailer, make_frontend, browser):
    """An operator would have to sign in to the machine to see whether mails go out."""
    kontor, noon = mailer
    site = site_of(kontor, make_frontend, "bob")
    browser.get_log("browser")
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    words = browser.find_element(By.ID, "mailers-words")
    wait.until(lambda _: words.text.startswith("13 people's mailers sleep; the next one wakes: "))
    said = wait.until(lambda _: re.search(
        r", in (\d+) h.* 0 mails wait, 0 are on the way\. .* 3 were sent and 0 given up\.$",
        words.text))
    assert abs(int(said[1]) - (noon - time.time()) / 3600) <= 1
    lines = [row.split() for row in texts(browser, "mailers")]
    assert [line[0] for line in lines] == ["all", "1", "2"]
    assert int(lines[0][1]) == int(lines[1][1]) + int(lines[2][1]) == 13
    # By keyboard to their processes.
    link = browser.find_element(By.ID, "mailers-link")
    link.send_keys(Keys.ENTER)
    wait.until(lambda _: len(texts(browser)) == 13 and "mailer of a person" in texts(browser)[0])
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
        assert browser.find_element(By.ID, "mailers").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert not complaints(browser)


def test_page_repeats_no_point(kontor, make_frontend, browser):
    """The charts would show an hour that never was, after each interruption."""
    site = site_of(kontor, make_frontend, "bob")
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, 60)

    def labels():
        return browser.execute_script(
            "return window.Chart?.getChart('requests-chart')?.data.labels.length ?? 0")
    first = wait.until(lambda _: labels())
    wait.until(lambda _: labels() > first)
    now = labels()
    known = len(json.loads(ask(kontor, "/api/observer/history").body)["samples"])
    assert now <= known <= now + 2


def test_page_says_when_answers_take_too_long_to_be_told_apart(kontor, make_frontend, browser):
    """Answers that took minutes would be shown as ten seconds, and "at most"."""
    site = site_of(kontor, make_frontend, "bob")
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: "ow " in browser.find_element(By.ID, "durations-words").text)
    words, shown = browser.execute_async_script("""
        const done = arguments[arguments.length - 1];
        fetch("../api/observer/history").then((answer) => answer.json()).then(async ({ bounds_ms }) => {
          const { addHistory } = await import("./charts.js");
          const durations = bounds_ms.map((bound) => bound === null ? 9 : bound === 10000 ? 10 : 0);
          addHistory({ samples: [{ time_ms: Date.now() + 3600000, requests: 19, failed: 0, refused: 0,
            cpu_ms: 0, durations, processes: 1, connections: 1, running: 1, runnable: 1,
            memory_bytes: 1 }], bounds_ms });
          done([document.getElementById("durations-words").textContent,
            window.Chart?.getChart("durations-chart").data.datasets.map(({ data }) => data.at(-1))]);
        });
    """)
    assert re.match(r"99 %: now more than 10,000, at times more than 10,000 in this hour\. ", words)
    assert re.search(r"Half: now 10,000, at most 10,000 in this hour\.$", words)
    assert shown in (None, [10000, 10000])


def test_page_before_kontor_is_there(make_kontor, make_frontend, browser):
    """Whoever looks while kontor starts would see no workers, however long they waited."""
    kontor = make_kontor(start=False, plugins=("observer",))
    site = make_frontend("nginx", kontor)
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: browser.find_element(By.ID, "problem").is_displayed())
    wait.until(lambda _: "trying again" in browser.find_element(By.ID, "now-note").text)
    kontor.start()
    wait.until(lambda _: len(browser.find_elements(By.CSS_SELECTOR, "#workers tbody tr:not(.rest)")) == 1)
    wait.until(lambda _: not browser.find_element(By.ID, "problem").is_displayed())


def test_page_tells_who_may_not(kontor, make_frontend, browser):
    """Who may look but not end processes would look for the button, and nothing would be said."""
    site = site_of(kontor, make_frontend, "ada")
    browser.get(f"{site.url}/observer/")
    wait = WebDriverWait(browser, WAIT_SECONDS)
    wait.until(lambda _: rows(browser))
    wait.until(lambda _: "killers" in browser.find_element(By.ID, "kill-note").text)
    assert not browser.find_elements(By.CSS_SELECTOR, "#processes [data-what=end]")
