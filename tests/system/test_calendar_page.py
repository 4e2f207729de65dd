# SPDX-License-Identifier: BSD-2-Clause
"""The page "Where did my week go?" in a real browser."""

import datetime
import subprocess
import sys

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

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


def hours_and_minutes(minutes):
    """As the page writes it."""
    hours, rest = divmod(minutes, 60)
    parts = ([f"{hours} h"] if hours else []) + ([f"{rest} min"] if rest or not hours else [])
    return " ".join(parts)


class Page:
    def __init__(self, browser):
        self.browser = browser

    def text(self, element):
        return self.browser.find_element(By.ID, element).text.replace("\u00a0", " ")

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
