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

    def pairs(self, boxes, first, second):
        """Two texts of each box, at one moment: the page draws again when it has compared."""
        found = self.browser.execute_script("""
            const [boxes, ...parts] = arguments;
            return [...document.querySelectorAll(boxes)].map(
              (box) => parts.map((part) => box.querySelector(part).innerText));
            """, boxes, first, second)
        return [tuple(text.replace("\u00a0", " ").strip() for text in pair) for pair in found]

    def check(self, week):
        """Compare what is shown with what kontor answered."""
        totals = week["totals"]
        assert str(week["week"]["number"]) in self.text("week-label")
        if totals["meetings"]["count"]:
            assert hours_and_minutes(totals["meetings"]["real_minutes"]) in self.text("sentence")
            assert f"{totals['meetings']['count']} meeting" in self.text("sentence")
        numbers = dict(self.pairs("#numbers > div", "dt", "dd"))
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
        people = self.pairs("#people .person", ".name", ".hours")
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


def test_a_calendar_that_cannot_be_read(home, browser, page, google):
    """A week would be said to be free of which only one of two calendars was seen."""
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    sign_in(page)
    page.click("#calendars")
    page.wait(lambda: len(page.find_all("#connections input")) == 2, "the calendars")
    for box in page.find_all("#connections input"):
        if not box.is_selected():
            before = google.count("/events")
            box.click()
            page.wait(lambda: google.count("/events") >= before + 2, "the week with both")
    google.fail(404, "ada%40example.org/events", times=9)
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    page.wait_week("2026-11-16")
    assert page.text("sentence") == "A calendar could not be read, so this is not the whole week."
    assert "in what could be read" in page.text("kinds")
    assert "missing" in page.text("warnings")


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


def test_addresses(home, browser, page):
    """Who is invited at several addresses could not say so, or would not see that one is wrong."""
    browser.get(home)
    sign_in(page)
    page.click("#open-settings")
    page.wait(lambda: page.is_shown("#addresses"), "the field")
    field = page.find("#addresses")
    assert field.accessible_name == "Other addresses at which you are invited"
    field.send_keys("Ada@Home.example", Keys.ENTER, "nonsense")
    page.find("#addresses-save").send_keys(Keys.ENTER)
    page.wait(lambda: page.is_shown("#addresses-problem"), "what is wrong")
    assert "nonsense" in page.text("addresses-problem")
    assert field.get_attribute("aria-invalid") == "true"
    assert browser.switch_to.active_element == field
    field.send_keys("@example.org")
    page.click("#addresses-save")
    page.wait(lambda: page.text("addresses-saved") == "Saved.", "it is saved")
    assert field.get_attribute("aria-invalid") == "false" and not page.is_shown("#addresses-problem")
    browser.get(home)
    page.click("#open-settings")
    page.wait(lambda: page.is_shown("#addresses"), "the field")
    assert page.find("#addresses").get_property("value") == (
        "ada@home.example\nnonsense@example.org")


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


# ---------------------------------------------------------------- what there is more of a week

def texts(elements):
    return [element.text.replace("\u00a0", " ") for element in elements]


def open_sample(home, browser, page):
    """The page with the made-up week, and that week."""
    browser.get(f"{home}/?sample=1&tz={ZONE}&date=2026-11-18")
    page.wait_week("2026-11-16")
    return requests.get(f"{home}/api/calendar/week", params={
        "sample": 1, "date": "2026-11-18", "tz": ZONE, "compare": 1}).json()


def test_kinds_and_series(home, browser, page):
    """One would not see that the time goes into large meetings, or into those of others."""
    week = open_sample(home, browser, page)
    totals = week["totals"]
    parts = dict(zip(texts(page.find_all("#kinds dt")), texts(page.find_all("#kinds dd:not(.note)"))))
    others = totals["meetings"]["minutes"] - totals["organised"]["minutes"]
    assert totals["organised"]["minutes"] > 0 < others
    expected = {"One-off": totals["one_off"]["minutes"], "Recurring": totals["recurring"]["minutes"],
                "One-to-one": totals["sizes"]["one_to_one"]["minutes"],
                "Groups": totals["sizes"]["group"]["minutes"],
                "You": totals["organised"]["minutes"], "Others": others}
    assert parts == {name: hours_and_minutes(minutes) for name, minutes in expected.items()}

    assert texts(page.find_all("#series .name")) == [series["summary"] for series in week["series"]]
    assert texts(page.find_all("#series .hours")) == [
        hours_and_minutes(series["person_minutes"]) for series in week["series"]]


def test_change_against_the_weeks_before(home, browser, page, google):
    """One could not tell whether it is getting better, and with whom one meets for the first time."""
    ada = google.people["ada@example.org"]
    others = [{"email": "ada@example.org", "self": True, "responseStatus": "accepted"},
              {"email": "bob@example.org", "displayName": "Bob", "responseStatus": "accepted"}]
    for day, end in ((10, 12), (17, 11)):
        ada.add("With Bob", f"2026-11-{day}T10:00:00+01:00", f"2026-11-{day}T{end}:00:00+01:00",
                attendees=others)
    ada.add("With Grace", "2026-11-18T19:00:00+01:00", "2026-11-18T19:30:00+01:00", attendees=[
        others[0], {"email": "grace@example.org", "displayName": "Grace"}])
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    sign_in(page)
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    page.wait_week("2026-11-16")
    page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
    change = page.text("change")
    # two hours last week, an hour and a half now; half an hour is the mean of 2, 0, 0, 0
    assert "30 min less in meetings than the week before" in change
    assert "1 h more in meetings than the average of the four weeks before" in change
    assert "30 min more after hours than the week before" in change
    assert "1 new person: Grace" in change
    assert texts(page.find_all("#people .person:has(.new) .name")) == ["Grace new"]
    amounts = [text.splitlines()[0] for text in texts(page.find_all("#trend .amount"))]
    assert amounts == ["0.0 h", "0.0 h", "0.0 h", "0.0 h", "2.0 h", "1.5 h"]


def test_a_file_to_look_at(home, browser, page, folder):
    """Who has a file would have to put it on a server first; or would find it kept there."""
    browser.get(f"{home}/?tz={ZONE}&date=2026-10-19")
    page.wait(lambda: page.is_shown("#welcome"), "the welcome")
    page.find("#file").send_keys(str(ROOT / "tests/data/week.ics"))
    page.wait_week("2026-10-19")
    page.wait(lambda: page.is_shown("#file-note"), "what is looked at")
    assert "week.ics" in page.text("file-note")
    assert "Stand-up" in page.text("events")
    page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
    page.press(Keys.ARROW_LEFT)
    page.wait_week("2026-10-12")
    assert "Stand-up" in page.text("events")

    # Its table, though the server has not kept it.
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(folder)})
    page.find("a.download[data-rows=events]").click()
    table = folder / "calendar-events-2026-10-12-2026-10-18.csv"
    page.wait(table.exists, "the table")
    assert "Stand-up" in table.read_text(encoding="utf-8-sig")

    page.click("#file-end")
    page.wait(lambda: page.is_shown("#welcome"), "one's own week, which is none yet")
    page.find("#file").send_keys(__file__)
    page.wait(lambda: page.is_shown("#problem"), "that it is no calendar")
    assert "cannot be read" in page.text("problem-text")


def test_tables_to_take_along(home, browser, page):
    """One would have to copy numbers by hand."""
    week = open_sample(home, browser, page)
    for rows, first in (("events", "Planning"), ("people", week["people"][0]["name"]),
                        ("series", week["series"][0]["summary"]), ("days", "2026-11-16")):
        link = page.find(f"a.download[data-rows={rows}]").get_property("href")
        answer = requests.get(link)
        assert answer.status_code == 200
        assert first in answer.content.decode("utf-8-sig").splitlines()[1]


# ---------------------------------------------------------------- for everybody

def accessible(browser):
    """What a screen reader gets: (role, name, focusable) of all that isn't ignored."""
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    for node in nodes:
        if not node["ignored"]:
            properties = {item["name"]: item["value"].get("value") for item in node["properties"]}
            yield (node["role"]["value"], node.get("name", {}).get("value", ""),
                   properties.get("focusable", False))


def test_for_screen_readers(home, browser, page):
    """Who can't see the page would meet buttons without names and pictures without words."""
    open_sample(home, browser, page)
    page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
    nodes = list(accessible(browser))
    roles = {role for role, _, _ in nodes}
    assert {"banner", "navigation", "main", "contentinfo", "heading"} <= roles
    nameless = [node for node in nodes if not node[1] and node[0] in (
        "button", "link", "textbox", "combobox", "checkbox", "Date", "image", "img", "region",
        "navigation", "table", "dialog")]
    assert nameless == []
    # Headings don't skip a level; there is one of the first.
    levels = browser.execute_script(
        "return [...document.querySelectorAll('h1,h2,h3,h4')].filter(e => e.checkVisibility())"
        ".map(e => Number(e.tagName[1]))")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    # The sentence is read out when it changes; each picture has its numbers as text.
    assert page.find("#sentence").get_attribute("aria-live") == "polite"
    assert "table" in page.find("#chart").get_attribute("aria-label")
    assert len(page.find_all("#heat td .sr")) == len(page.find_all("#heat tbody td"))
    assert [name for role, name, _ in nodes if role == "button" and name.startswith("Week of ")] == [
        f"Week of {button.find_element(By.CSS_SELECTOR, '.quiet').text.splitlines()[-1]} "
        f"{button.find_element(By.CSS_SELECTOR, '.amount').text.splitlines()[0]} in meetings"
        for button in page.find_all("#trend button")]
    # No two landmarks have the same name.
    marks = [(role, name) for role, name, _ in nodes if role in ("region", "navigation")]
    assert len(marks) == len(set(marks)) > 5
    assert browser.execute_script(
        "return [...document.querySelectorAll('[id]')].map(e => e.id)"
        ".filter((id, index, all) => all.indexOf(id) !== index)") == []


CONTRAST = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const shine = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const weak = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || !element.checkVisibility() || element.closest(".sr, .ghost, canvas")) continue;
  const [a, b] = [parse(getComputedStyle(element).color), behind(element)].map(shine);
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) weak.push([element.className || element.tagName, element.textContent, ratio]);
}
return weak;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(home, browser, page, scheme):
    """In the sun, in the dark, or with weak eyes one could not read it (WCAG 2.2, 1.4.3)."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": scheme}]})
    try:
        open_sample(home, browser, page)
        page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
        page.wait(lambda: page.find("#trend-card").get_attribute("aria-busy") == "false", "its end")
        assert browser.execute_script(CONTRAST) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_by_keyboard(home, browser, page):
    """Who can't use a mouse could not reach, or not see, what there is to press."""
    open_sample(home, browser, page)
    page.wait(lambda: len(page.find_all("#trend button")) == 6, "the trend")
    reached = []
    for _ in range(60):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        element = browser.switch_to.active_element
        if element.tag_name == "body":
            break
        reached.append(element.get_attribute("id") or element.get_attribute("class"))
        outline = element.value_of_css_property("outline-style")
        assert outline != "none" or reached[-1] == "summary", reached[-1]
    assert {"previous", "this-week", "next", "date", "open-settings", "sample-end", "week",
            "download", "open-file plain"} <= set(reached)
    # A bare letter does nothing: who speaks to the computer would be taken to another week by a word.
    address = browser.current_url
    page.press("t")
    assert browser.current_url == address
    page.find("#this-week").send_keys(Keys.ENTER)
    page.wait(lambda: page.find("#this-week").get_attribute("aria-current") == "true", "this week")


def test_shell_at_once(home, browser, page, google):
    """While Google thinks, the page would be blank or jump about."""
    browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
    sign_in(page)
    google.delay_ms = 1500
    try:
        browser.get(f"{home}/?tz={ZONE}&date=2026-11-18")
        assert page.find("#main").get_attribute("aria-busy") == "true"
        assert page.is_shown("#previous") and page.is_shown("#date")
        assert len(page.find_all("#numbers .ghost")) == 6
        titles = ("days-title", "heat-title", "trend-title", "people-title")
        tops = [page.find(f"#{title}").location["y"] for title in titles]
        page.wait_week("2026-11-16")
        assert page.find_all("#numbers .ghost") == []
        for title, top in zip(titles, tops):
            assert abs(page.find(f"#{title}").location["y"] - top) < 40, title
    finally:
        google.delay_ms = 0


def test_on_paper(home, browser, page):
    """Who takes the week to a talk would print buttons and cut cards."""
    open_sample(home, browser, page)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 718, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
    try:
        for hidden in (".controls", ".bottom", ".download", "#table-details", "#sample-note"):
            assert not page.is_shown(hidden), hidden
        assert page.is_shown("#sentence") and page.is_shown("#heat")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 718
        assert browser.execute_script(
            "return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_date_picker_and_buttons(home, browser, page):
    """One would have to walk to last year's week by week, and could not with the mouse."""
    open_sample(home, browser, page)
    page.click("#previous")
    page.wait_week("2026-11-09")
    page.click("#next")
    page.wait_week("2026-11-16")
    page.find("#date").send_keys("02252025")  # as an American browser writes it
    page.wait_week("2025-02-24")
    assert "24 February to 2 March 2025" in page.text("week-label")
    page.click("#this-week")
    page.wait(lambda: page.find("#this-week").get_attribute("aria-current") == "true", "this week")
