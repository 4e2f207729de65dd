# SPDX-License-Identifier: BSD-2-Clause
"""The page of reports in real browsers, through a real nginx, from a real database."""

import datetime
import json
import sqlite3

import openpyxl
import pytest
import requests
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from fastcgi import wait_until
from frontend import nginx_snippets
from kontor import ROOT

WAIT_SECONDS = 40
FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
         "--disable-background-networking --disable-component-update --disable-sync "
         "--disable-dev-shm-usage --lang=en-GB --window-size=1280,1600").split()

ORDERS = 3000
FIRST_DAY = datetime.date(2026, 10, 1)
DAYS = 60

SALES = """-- title: Sales by day
-- summary: What was sold each day.
-- source: shop
-- retention: 30min
-- param: from date required default=2026-10-01 label="From"
-- param: country choice optional values=(SELECT DISTINCT country FROM sale ORDER BY 1) label="Country"
-- column: day date title="Day"
-- column: orders integer sum title="Orders"
-- column: total money "#,##0.00" sum title="Total"
-- chart: line x=day y=total
SELECT day, count(*) AS orders, sum(amount) AS total FROM sale
WHERE day >= :from AND (:country IS NULL OR country = :country)
GROUP BY day ORDER BY day
"""

LINES = """-- title: All orders
-- source: shop
-- retention: 30min
SELECT id, day, country, amount FROM sale ORDER BY id
"""

# Some hundred years of work for SQLite.
ENDLESS = """-- title: Endless
-- source: shop
-- retention: 30min
-- timeout: 10min
-- param: number integer required default=1 label="Number"
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000)
SELECT i FROM n WHERE i % 1000 = 0 AND i > :number
"""

FAILING = """-- title: Failing
-- source: shop
-- retention: 30min
SELECT abs(-9223372036854775807 - count(*) / count(*)) AS beyond FROM sale
"""

EMPTY = """-- title: Empty
-- source: shop
-- retention: 30min
SELECT id, day FROM sale WHERE id < 0
"""

BRIEF = """-- title: Brief
-- source: shop
-- retention: 3s
SELECT count(*) AS sales FROM sale
"""


def write_shop(path):
    """A database of sales; an evil customer sells to "<b>Here</b>"."""
    countries = ("DE", "FR", "<b>Here</b>")
    with sqlite3.connect(path) as shop:
        shop.execute("CREATE TABLE sale(id INTEGER PRIMARY KEY, day TEXT, country TEXT, amount REAL)")
        shop.executemany("INSERT INTO sale VALUES (?, ?, ?, ?)", [
            (number, (FIRST_DAY + datetime.timedelta(number % DAYS)).isoformat(),
             countries[number // DAYS % len(countries)], number % 97 + 0.25)
            for number in range(1, ORDERS + 1)])
    shop.close()
    path.chmod(0o644)


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": "en-GB"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


@pytest.fixture(scope="module")
def ada():
    driver = start_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def bob():
    driver = start_browser()
    yield driver
    driver.quit()


@pytest.fixture
def make_site(folder, make_kontor, make_frontend):
    """A function that starts a kontor with the reports above, behind an nginx that takes a cookie
    for who asks, or behind another web server, without anybody's name."""
    def make(mount="", kind="nginx", **settings):
        definitions = folder / "reports.d"
        definitions.mkdir(mode=0o755)
        for name, text in {"sales": SALES, "lines": LINES, "endless": ENDLESS, "failing": FAILING,
                           "empty": EMPTY, "brief": BRIEF}.items():
            (definitions / f"{name}.sql").write_text(text)
        write_shop(folder / "shop.db")
        kontor = make_kontor(plugins=("reports",), settings=settings, sections={"reports": {
            "definitions": str(definitions), "sources": f"shop=sqlite:{folder}/shop.db"}})
        if kind != "nginx":
            return make_frontend(kind, kontor, mount=mount).url + mount
        upstream, locations = nginx_snippets(kontor.socket, ROOT / "www", mount)
        locations = locations.replace("$kontor_user", "$cookie_user")
        server = make_frontend("nginx", kontor, snippets=(upstream, locations))
        return server.url + mount
    return make


class Page:
    """The page as one person sees it."""

    def __init__(self, browser, site, user, address=""):
        self.browser = browser
        self.site = site
        self.user = user
        browser.execute_cdp_cmd("Network.setCookie", {"name": "user", "value": user, "url": site})
        self.open(address)

    def open(self, address=""):
        self.browser.get("about:blank")
        self.browser.get(f"{self.site}/reports/{address}")
        self.wait(lambda: self.get("main").get_attribute("aria-busy") == "false")

    def get(self, element):
        return self.browser.find_element(By.ID, element)

    def text(self, element):
        return self.get(element).text.replace("\u00a0", " ")

    def is_shown(self, element):
        return self.get(element).is_displayed()

    def focused(self):
        return self.browser.switch_to.active_element

    def wait(self, condition):
        WebDriverWait(self.browser, WAIT_SECONDS).until(lambda _: condition())

    def wait_shown(self, element):
        self.wait(lambda: self.is_shown(element))

    def wait_state(self, *words):
        """Wait until the opened job is in one of these states."""
        self.wait(lambda: self.is_shown("job") and self.text("job-title").endswith(words))

    def choose(self, report):
        self.browser.find_element(By.CSS_SELECTOR, f"#reports [data-report={report}]").click()
        self.wait_chosen(report)

    def wait_chosen(self, report):
        self.wait(lambda: self.browser.find_elements(
            By.CSS_SELECTOR, f"#reports [data-report={report}][aria-current=true]") and
            self.get("main").get_attribute("aria-busy") == "false")

    def make(self, report):
        self.choose(report)
        self.get("make").click()

    def field(self, label):
        """The input that has this label."""
        for each in self.browser.find_elements(By.CSS_SELECTOR, "#fields label"):
            if each.text.lower().startswith(label):
                return self.get(each.get_attribute("for"))
        raise AssertionError(f"no field {label}")

    def rows(self):
        return self.browser.execute_script(
            "return [...document.querySelectorAll('#table tbody tr')].map("
            "row => [...row.cells].map(cell => cell.textContent))")

    def jobs(self):
        """What the list says: name → state."""
        return self.browser.execute_script(
            "return Object.fromEntries([...document.querySelectorAll('#jobs .entry')].map(each =>"
            "[each.querySelector('.name').textContent, each.querySelector('.state').textContent]))")

    def job(self):
        """What kontor says of the opened job."""
        url = self.browser.execute_script(
            "return new URLSearchParams(location.hash.slice(1)).get('job')")
        return requests.get(f"{self.site}/api/reports/{url}", cookies={"user": self.user})


@pytest.mark.parametrize("mount", ["", "/tools/kontor"], ids=["root", "mounted"])
def test_whole_way_of_an_administrator(make_site, ada, folder, mount):
    """From the list to the spreadsheet: what the page is for would not work."""
    downloads = folder / "downloads"
    downloads.mkdir()
    page = Page(ada, make_site(mount), "ada")
    page.choose("sales")
    assert page.focused() == page.get("report-title")
    assert page.field("from").get_property("value") == "2026-10-01"
    choices = [option.text for option in
               page.field("country").find_elements(By.TAG_NAME, "option")]
    assert choices[1:] == ["<b>Here</b>", "DE", "FR"]
    page.get("make").click()
    page.wait_state("ready")
    page.wait_shown("table-card")

    # The table and the graph have what the database has.
    with sqlite3.connect(folder / "shop.db") as shop:
        expected = shop.execute("SELECT day, count(*), sum(amount) FROM sale "
                                "GROUP BY day ORDER BY day").fetchall()
    shop.close()
    rows = page.rows()
    assert len(rows) == len(expected) == DAYS
    assert rows[0] == ["1 Oct 2026", str(expected[0][1]), f"{expected[0][2]:,.2f}"]
    assert f"{DAYS} rows" in page.text("table-count")
    drawn = ada.execute_script("return Chart.getChart('chart').data.datasets[0].data")
    assert drawn == pytest.approx([total for _, _, total in expected])
    foot = ada.find_element(By.CSS_SELECTOR, "#table tfoot").text
    assert f"{ORDERS:,}" in foot
    assert page.get("chart").get_attribute("aria-label").startswith("Line graph of Sales by day")
    ada.find_element(By.CSS_SELECTOR, "#graph-details summary").click()
    page.wait(lambda: len(ada.find_elements(By.CSS_SELECTOR, "#graph-table tbody tr")) == DAYS)

    # Sorting by total, and back.
    heads = "#table thead th"
    for direction, order in (("ascending", sorted), ("descending", lambda values: sorted(
            values, reverse=True)), ("none", lambda values: values)):
        ada.find_elements(By.CSS_SELECTOR, f"{heads} button")[2].click()
        assert ada.find_elements(By.CSS_SELECTOR, heads)[2].get_attribute("aria-sort") == direction
        shown = [float(row[2].replace(",", "")) for row in page.rows()]
        assert shown == pytest.approx(order([total for _, _, total in expected]))

    # The file that the button gives is the same.
    ada.execute_cdp_cmd("Page.setDownloadBehavior", {"behavior": "allow",
                                                     "downloadPath": str(downloads)})
    page.get("download").click()
    wait_until(lambda: list(downloads.glob("*.xlsx")), WAIT_SECONDS, "the file")
    [file] = downloads.glob("*.xlsx")
    sheet = openpyxl.load_workbook(file).worksheets[0]
    values = list(sheet.iter_rows(min_row=2, max_row=1 + DAYS, values_only=True))
    assert [row[1:3] for row in values] == [row[1:3] for row in expected]

    # Extend, delete.
    before = page.job().json()["expires_ms"]
    page.get("extend").click()
    page.wait(lambda: page.job().json()["expires_ms"] > before)
    page.get("delete").click()
    page.get("confirm-yes").click()
    page.wait(lambda: not page.is_shown("job"))
    assert page.focused() == page.get("report-title")
    assert page.jobs() == {}
    assert not [entry for entry in ada.get_log("browser") if entry["level"] == "SEVERE"]


def test_filters_and_mistakes_in_the_form(make_site, ada):
    """A report with other values than those in the form, or a mistake without a word beside it."""
    page = Page(ada, make_site(), "ada")
    page.choose("sales")
    ada.execute_script("arguments[0].value = ''", page.field("from"))
    page.get("make").click()
    field = page.focused()
    assert field == page.field("from")
    assert field.get_attribute("aria-invalid") == "true"
    assert page.text(field.get_attribute("aria-describedby"))
    ada.execute_script("arguments[0].value = '2026-11-20'", field)
    for option in page.field("country").find_elements(By.TAG_NAME, "option"):
        if option.text == "<b>Here</b>":
            option.click()
    page.get("make").click()
    page.wait_state("ready")
    page.wait_shown("table-card")
    assert len(page.rows()) == FIRST_DAY.toordinal() + DAYS - datetime.date(2026, 11, 20).toordinal()

    # A reload brings the values back, too.
    ada.refresh()
    page.wait_state("ready")
    assert page.field("from").get_property("value") == "2026-11-20"
    assert page.field("country").get_property("value") == "<b>Here</b>"


def test_reload_while_it_is_made(make_site, ada):
    """Somebody who closes the page would lose the report that is being made."""
    page = Page(ada, make_site(), "ada")
    page.make("endless")
    page.wait_state("in the making")
    page.wait(lambda: "rows so far" in page.text("job-text"))
    started = page.job().json()["started_ms"]
    ada.refresh()
    page.wait_state("in the making")
    page.wait(lambda: "rows so far" in page.text("job-text"))
    assert page.job().json()["started_ms"] == started
    page.get("cancel").click()
    page.wait_state("cancelled")
    assert page.is_shown("again")
    assert page.focused() == page.get("job-title")


def test_two_administrators_at_once(make_site, ada, bob):
    """The second one would wait for the same query twice, or not see what the first one does."""
    site = make_site()
    first = Page(ada, site, "ada")
    second = Page(bob, site, "bob")
    first.make("endless")
    first.wait_state("in the making")
    second.make("endless")
    second.wait_state("in the making")
    assert second.job().json()["id"] == first.job().json()["id"]
    assert len(requests.get(f"{site}/api/reports/jobs").json()["jobs"]) == 1
    assert "ada" in second.text("job-who") and "joined" in second.text("job-who")

    # What the first one does is seen by the second.
    first.get("cancel").click()
    second.wait_state("cancelled")
    first.make("lines")
    first.wait_state("ready")
    second.wait(lambda: second.jobs().get("All orders") == "ready")
    bob.find_element(By.XPATH, "//*[@id='jobs']//a[.//*[text()='All orders']]").click()
    second.wait_state("ready")
    second.wait_shown("table-card")
    assert len(second.rows()) == 500
    assert second.text("table-count") == f"First 500 of {ORDERS:,} rows"
    assert "<b>Here</b>" in {row[2] for row in second.rows()}
    first.get("delete").click()
    first.get("confirm-yes").click()
    second.wait(lambda: second.is_shown("again") and not second.is_shown("download"))


def test_keyboard_alone(make_site, ada):
    """Who has no mouse could not get a report."""
    page = Page(ada, make_site(), "ada")

    def press(*keys):
        page.focused().send_keys(*keys)

    def tab_to(condition):
        for _ in range(60):
            press(Keys.TAB)
            if condition(page.focused()):
                return
        raise AssertionError("not reached with the tab key")

    def is_id(name):
        return lambda element: element.get_attribute("id") == name

    ada.execute_script("document.activeElement.blur()")
    ada.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    if not is_id("skip")(page.focused()):
        tab_to(is_id("skip"))
    tab_to(lambda element: element.get_attribute("data-report") == "lines")
    outline = ada.execute_script(
        "return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    press(Keys.ENTER)
    page.wait_chosen("lines")
    page.wait(lambda: is_id("report-title")(page.focused()))
    tab_to(is_id("make"))
    press(Keys.ENTER)
    page.wait_state("ready")
    page.wait_shown("table-card")
    page.wait(lambda: is_id("job-title")(page.focused()))
    assert "ready" in page.get("announcement").get_property("textContent")
    tab_to(is_id("download"))
    tab_to(lambda element: element.get_attribute("class") == "sort")
    press(Keys.ENTER, Keys.ENTER)
    assert page.rows()[0][0] == "500"
    # A screen reader's list of the page's places has no name twice.
    ada.execute_script("document.getElementById('graph-details').open = true")
    places = [place.accessible_name for place in ada.find_elements(
        By.CSS_SELECTOR, "main section, [role=region]") if place.is_displayed()]
    assert len(places) >= 5 and len(set(places)) == len(places)
    assert page.get("skip").get_attribute("href").endswith("#main")
    ada.execute_script("document.getElementById('job-title').focus()")
    tab_to(is_id("delete"))
    press(Keys.ENTER)
    page.wait(lambda: is_id("confirm-no")(page.focused()))
    press(Keys.ESCAPE)
    page.wait(lambda: is_id("delete")(page.focused()))
    press(Keys.ENTER)
    page.wait(lambda: is_id("confirm-no")(page.focused()))
    tab_to(is_id("confirm-yes"))
    press(Keys.ENTER)
    page.wait(lambda: is_id("report-title")(page.focused()))
    assert not page.is_shown("job")


def test_failed_empty_and_expired(make_site, ada):
    """A report that is not there would look like one that is still being made, or like a fault."""
    page = Page(ada, make_site(), "ada")
    page.make("failing")
    page.wait_state("failed")
    assert "overflow" in page.text("job-message")
    assert page.text("again") == "Try again"
    page.make("empty")
    page.wait_state("ready")
    assert "empty" in page.text("job-message")
    assert page.is_shown("download") and not page.is_shown("table-card")
    page.make("brief")
    page.wait_state("ready")
    page.wait_state("expired")
    assert "expired" in page.text("job-message")
    assert not page.is_shown("download")

    # Expired it is after a reload, too, and the button makes it again.
    ada.refresh()
    page.wait(lambda: page.get("main").get_attribute("aria-busy") == "false")
    page.wait_shown("again")
    page.get("again").click()
    page.wait_state("ready")
    page.wait_shown("table-card")
    assert page.rows() == [[f"{ORDERS:,}"]] or page.rows() == [[str(ORDERS)]]


def test_full_queue(make_site, ada):
    """When too much waits, a click would do nothing, and nobody would know why."""
    site = make_site(**{"jobs_max": "1", "job_queue": "1"})
    page = Page(ada, site, "ada")

    def start(number):
        return requests.post(f"{site}/api/reports/endless/jobs", cookies={"user": "ada"},
                             headers={"X-Requested-With": "kontor", "Prefer": "respond-async"},
                             json={"parameters": {"number": str(number)}, "format": "xlsx"})

    first = start(1).json()
    wait_until(lambda: requests.get(f"{site}/api/reports/{first['url']}").json()["state"] ==
               "running", WAIT_SECONDS, "the first runs")
    page.choose("endless")
    field = page.field("number")
    field.clear()
    field.send_keys("2")
    page.get("make").click()
    page.wait_state("waiting")
    page.wait(lambda: "number 1 in the queue" in page.text("job-text"))  # told after a moment
    page.make("lines")
    page.wait_shown("form-problem")
    assert "queue is full" in page.text("form-problem")
    assert "Try again in about" in page.text("form-problem")

    # When there is a place again the same button does it.
    for job in requests.get(f"{site}/api/reports/jobs", cookies={"user": "ada"}).json()["jobs"]:
        requests.post(f"{site}/api/reports/{job['url']}/cancel", cookies={"user": "ada"},
                      headers={"X-Requested-With": "kontor"})
    wait_until(lambda: not [job for job in requests.get(f"{site}/api/reports/jobs").json()["jobs"]
                            if job["state"] in ("queued", "running")], WAIT_SECONDS, "room")
    page.get("make").click()
    page.wait_state("ready")


@pytest.mark.parametrize("kind", ["nginx", "apache", "lighttpd", "caddy"])
def test_events_come_at_once(make_site, kind):
    """Progress would come in lumps, or only at the end, when something on the way collects it."""
    site = make_site(kind=kind)
    headers = {"X-Requested-With": "kontor", "Prefer": "respond-async"}
    job = requests.post(f"{site}/api/reports/endless/jobs", headers=headers,
                        json={"parameters": {"number": "1"}, "format": "csv"}).json()
    with requests.get(f"{site}/api/reports/{job['url']}/events", stream=True, timeout=30) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        events = (json.loads(line[6:]) for line in
                  stream.iter_lines(chunk_size=1, decode_unicode=True) if line.startswith("data: "))
        assert next(event for event in events if event["done"] > 0)["state"] == "running"
    requests.post(f"{site}/api/reports/{job['url']}/cancel", headers=headers)


@pytest.mark.parametrize("kind", ["nginx", "apache", "fcgid", "lighttpd", "caddy"])
@pytest.mark.parametrize("mount", ["", "/tools/kontor"], ids=["root", "mounted"])
def test_front_ends_serve_the_page(make_kontor, make_frontend, kind, mount):
    """The page would not come, or the browser would refuse its modules for their type."""
    site = make_frontend(kind, make_kontor(start=kind != "fcgid"), mount=mount).url + mount
    for path, kinds in (("/reports", ["text/html"]), ("/reports/", ["text/html"]),
                        ("/reports/reports.css", ["text/css"]),
                        ("/reports/reports.js", ["text/javascript", "application/javascript"])):
        answer = requests.get(site + path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].partition(";")[0] in kinds


def test_page_without_kontor(ada, folder, make_frontend):
    """When kontor is down the page would stay blank, without a word."""
    class Nobody:
        socket = str(folder / "nobody.sock")
    url = make_frontend("nginx", Nobody()).url
    page = Page(ada, url, "ada")
    page.wait_shown("problem")
    assert page.text("problem-text")
