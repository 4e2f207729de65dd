# SPDX-License-Identifier: BSD-2-Clause
"""The page "Where did my week go?" in a real browser."""

import datetime
import subprocess
import sys

import pytest
import requests
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from calendars import make_calendar
from google import Google
from kontor import ROOT

ZONE = "Europe/Berlin"
WAIT_SECONDS = 20
FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
         "--disable-background-networking --disable-component-update --disable-sync "
         "--disable-dev-shm-usage --window-size=1280,1600").split()


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()


@pytest.fixture(params=["", "/tools/kontor"], ids=["root", "mounted"])
def site(request, folder, make_kontor, make_frontend):
    """A kontor with the sample calendar."""
    file = folder / "calendar.ics"
    subprocess.run([sys.executable, str(ROOT / "scripts/sample-calendar"), str(file), "--zone",
                    ZONE], check=True, stdin=subprocess.DEVNULL)
    kontor = make_kontor(plugins=("calendar",),
                         sections={"calendar": {"file": str(file), "timezone": ZONE}})
    return make_frontend("nginx", kontor, mount=request.param).url + request.param


@pytest.fixture
def google():
    with Google() as server:
        ada = server.person("ada@example.org")
        ada.add("Alone", "2026-11-20T09:00:00+01:00", "2026-11-20T10:00:00+01:00")
        ada.add_calendar("team", "Team")
        yield server


@pytest.fixture
def home(folder, make_kontor, make_frontend, google):
    """The address of a kontor where nobody is signed in, and Google is set up."""
    kontor = make_calendar(lambda **options: make_kontor(start=False, **options), folder,
                           **google.options())
    url = make_frontend("nginx", kontor).url
    kontor.sections["calendar"]["public_url"] = url
    kontor.write_config()
    kontor.start()
    return url


@pytest.fixture
def page(browser):
    """A page whose browser knows nobody."""
    yield Page(browser)
    browser.execute_script("localStorage.clear()")
    browser.delete_all_cookies()
    browser.get_log("browser")


def hours_and_minutes(minutes):
    """As the page writes it."""
    hours, rest = divmod(minutes, 60)
    parts = ([f"{hours} h"] if hours else []) + ([f"{rest} min"] if rest or not hours else [])
    return " ".join(parts)


class Page:
    def __init__(self, browser):
        self.browser = browser
        # What the page of an earlier test still asks for is none of this one's business.
        browser.get("about:blank")
        browser.get_log("browser")

    def text(self, element):
        return self.browser.find_element(By.ID, element).text.replace("\u00a0", " ")

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def is_shown(self, selector):
        return self.find(selector).is_displayed()

    def wait(self, condition, what):
        return WebDriverWait(self.browser, WAIT_SECONDS, ignored_exceptions=[
            StaleElementReferenceException]).until(lambda _: condition(), what)

    def click(self, selector):
        """Click on what will be there."""
        self.wait(lambda: self.is_shown(selector), f"{selector} is shown")
        self.find(selector).click()

    def wait_week(self, first_date):
        """Wait until the page shows the week that begins on this date."""
        WebDriverWait(self.browser, WAIT_SECONDS).until(
            lambda browser: browser.find_element(By.ID, "main").get_attribute("aria-busy") ==
            "false" and browser.find_element(By.ID, "date").get_property("value") == first_date)

    def press(self, key):
        self.browser.find_element(By.TAG_NAME, "body").send_keys(key)

    def check(self, week):
        """Compare what is shown with what kontor answered."""
        totals = week["totals"]
        assert str(week["week"]["number"]) in self.text("week-label")
        if totals["meetings"]["count"]:
            assert hours_and_minutes(totals["meetings"]["real_minutes"]) in self.text("sentence")
            assert f"{totals['meetings']['count']} meeting" in self.text("sentence")
        numbers = {box.find_element(By.TAG_NAME, "dt").text:
                   box.find_element(By.TAG_NAME, "dd").text.replace("\u00a0", " ")
                   for box in self.browser.find_elements(By.CSS_SELECTOR, "#numbers > div")}
        for title, kind in (("One-off", "one_off"), ("Recurring", "recurring")):
            assert numbers[title] == hours_and_minutes(totals[kind]["minutes"])
        assert numbers["All day"].split()[0] == str(totals["all_day"]["days"])
        bars = self.browser.execute_script(
            "return Chart.getChart('chart').data.datasets.map(set => [set.label, set.data])")
        for label, values in bars:
            kind = {"One-off": "one_off", "Recurring": "recurring", "Focus time": "focus",
                    "Own time": "own"}[label]
            minutes = [round(value * 60) for value in values]
            assert minutes == [day[f"{kind}_minutes"] for day in week["days"]]
        people = [(item.find_element(By.CLASS_NAME, "name").text,
                   item.find_element(By.CLASS_NAME, "hours").text)
                  for item in self.browser.find_elements(By.CSS_SELECTOR, "#people .person")]
        expected = [(person["name"], hours_and_minutes(person["minutes"]))
                    for person in week["people"]]
        assert people == expected[:len(people)]
        assert bool(people) == bool(expected)


def test_week_on_the_page(site, browser):
    """The page that people install kontor for would be empty or wrong."""
    def fetch(date):
        answer = requests.get(f"{site}/api/calendar/week", params={"date": date, "tz": ZONE})
        assert answer.status_code == 200
        return answer.json()

    today = datetime.date.today().isoformat()
    week = fetch(today)
    assert week["totals"]["meetings"]["count"] > 0
    page = Page(browser)
    browser.get(f"{site}/?tz={ZONE}&date={today}")
    page.wait_week(week["week"]["first_date"])
    page.check(week)

    # By keyboard to the week before, back, and on to the next one.
    for key, name in ((Keys.ARROW_LEFT, "previous"), (Keys.ARROW_RIGHT, "next"),
                      (Keys.ARROW_RIGHT, "next")):
        week = fetch(week["week"][name])
        page.press(key)
        page.wait_week(week["week"]["first_date"])
        page.check(week)

    # The address leads to the same week, and the browser's own buttons work.
    browser.refresh()
    page.wait_week(week["week"]["first_date"])
    browser.back()
    page.wait_week(fetch(today)["week"]["first_date"])

    complaints = [entry["message"] for entry in browser.get_log("browser")
                  if entry["level"] == "SEVERE"]
    assert complaints == []


def test_page_without_kontor(browser, folder, make_frontend):
    """When kontor is down the page would stay blank, without a word."""
    class Nobody:
        socket = str(folder / "nobody.sock")
    url = make_frontend("nginx", Nobody()).url
    browser.get(f"{url}/")
    WebDriverWait(browser, WAIT_SECONDS).until(
        lambda driver: driver.find_element(By.ID, "problem").is_displayed())
    assert browser.find_element(By.ID, "problem-text").text


# ---------------------------------------------------------------- somebody new

def test_sample_week(home, browser, page):
    """Who has no account yet would see an error in place of what they could have."""
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    page.click("#welcome-sample")
    page.wait_week("2026-11-16")
    week = requests.get(f"{home}/api/calendar/week", params={
        "sample": 1, "date": "2026-11-18", "tz": ZONE}).json()
    page.check(week)
    assert page.is_shown("#sample-note")

    # When, and what is left.
    rows = page.find_all("#heat tbody tr")
    heads = [int(head.text) for head in page.find_all("#heat thead th")]
    for row, day in zip(rows, week["days"], strict=True):
        minutes = [cell.get_property("textContent") for cell in row.find_elements(By.TAG_NAME, "td")]
        assert minutes == [f"{day['hours_of_day'][hour]} min" if day["hours_of_day"][hour] else "–"
                           for hour in heads]
    assert hours_and_minutes(week["totals"]["work"]["focusable"]["minutes"]) in page.text("free")
    assert hours_and_minutes(week["totals"]["work"]["longest_free"]["minutes"]) in page.text("free")

    # The weeks before come later, and lead there.
    page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
    earlier = requests.get(f"{home}/api/calendar/week", params={
        "sample": 1, "date": "2026-11-11", "tz": ZONE}).json()
    change = (week["totals"]["meetings"]["real_minutes"] -
              earlier["totals"]["meetings"]["real_minutes"])
    assert change != 0
    words = f"{hours_and_minutes(abs(change))} {'more' if change > 0 else 'less'} in meetings than the week before"
    assert words in page.text("change")
    page.find_all("#trend button")[4].click()
    page.wait_week("2026-11-09")
    page.check(earlier)

    page.click("#sample-end")
    page.wait(lambda: page.is_shown("#welcome"), "the welcome")
    assert not page.is_shown("#summary")


def test_narrow_page(home, browser, page):
    """On a phone one would have to scroll sideways."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True})
    try:
        browser.get(f"{home}/?sample=1&tz={ZONE}&date=2026-11-18")
        page.wait_week("2026-11-16")
        page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_settings(home, browser, page):
    """Weeks would begin on the wrong day, in the wrong zone, and again so next time."""
    browser.get(f"{home}/?sample=1&date=2026-11-18")
    page.wait_week("2026-11-16")
    page.click("#open-settings")
    Select(page.find("#week-start")).select_by_value("sunday")
    page.wait_week("2026-11-15")
    Select(page.find("#zone")).select_by_value("Asia/Tokyo")
    page.wait(lambda: page.find("#zone-name").get_property("textContent") == "Asia/Tokyo", "the zone")
    page.press(Keys.ESCAPE)
    page.wait(lambda: not page.is_shown("#settings"), "the dialog closes")
    assert browser.switch_to.active_element.get_attribute("id") == "open-settings"
    browser.get(f"{home}/?sample=1&date=2026-11-18")
    page.wait_week("2026-11-15")
    assert page.text("zone-name") == "Asia/Tokyo"


# ---------------------------------------------------------------- Google, connections

def sign_in(page, decision="allow"):
    """From the page to Google and back."""
    page.click("#welcome-sign-in")
    page.click(f"button[value={decision}]")
    page.wait(lambda: page.is_shown("#notice"), "what came of it")


def test_google(home, browser, page, google):
    """People could not get to their own week."""
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    sign_in(page)
    assert "connected" in page.text("notice")
    assert "connected=" not in browser.current_url
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    page.wait_week("2026-11-16")
    assert "1 h of your own" in page.text("sentence")

    # Which calendars count.
    page.click("#calendars")
    page.wait(lambda: len(page.find_all("#connections input")) == 2, "the calendars")
    before = google.count("/events")
    page.find("#connections input").click()
    page.wait(lambda: "Nothing" in page.text("sentence"), "the week without the calendar")
    assert google.count("/events") >= before

    # Away with it.
    page.click("#connections .connection > button")
    page.wait(lambda: "Nothing is connected" in page.text("connections"), "it is gone")
    assert google.refresh == {}


def test_google_refused(home, browser, page):
    """Who says no at Google would not be told what that means."""
    browser.get(home)
    sign_in(page, "deny")
    assert "Nothing is connected" in page.text("notice")


def test_sign_out(home, browser, page):
    """On a shared computer the next one would see the week."""
    browser.get(home)
    sign_in(page)
    page.click("#open-settings")
    page.wait(lambda: "ada@example.org" in page.text("who"), "who it is")
    page.click("#sign-out")
    page.wait(lambda: page.is_shown("#welcome-sign-in"), "nobody is signed in")


def test_delete_my_data(home, browser, page, google):
    """People would have to ask the operator to be forgotten."""
    browser.get(home)
    sign_in(page)
    page.click("#open-settings")
    page.click("#delete")
    page.click("#delete-yes")
    page.wait(lambda: page.is_shown("#welcome-sign-in"), "nobody is signed in")
    assert google.refresh == {}


def test_wrong_address(home, browser, page):
    """A typing error in an address would look as if nothing happened."""
    browser.get(home)
    sign_in(page)
    page.click("#calendars")
    page.find("#connect-url").find_element(By.XPATH, "..").find_element(By.TAG_NAME, "summary").click()
    page.find("#connect-url input").send_keys("ftp://example.org/calendar.ics" + Keys.ENTER)
    page.wait(lambda: page.is_shown("#connect-url .problem"), "what is wrong")
    assert "https://" in page.find("#connect-url .problem").text
