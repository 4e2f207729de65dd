# SPDX-License-Identifier: BSD-2-Clause
"""The start page of a kontor that has just been installed, in a real browser."""

import subprocess

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from calendars import make_calendar
from kontor import ENVIRONMENT, KONTORD, ROOT
from test_calendar_page import (  # pylint: disable=unused-import
    CONTRAST, ZONE, browser, google, home, page)

# pylint: disable=redefined-outer-name


@pytest.fixture
def kontor(make_kontor, folder):
    """As the package sets it up: a key, but no calendar and no way to sign in."""
    kontor = make_calendar(lambda **options: make_kontor(start=False, **options), folder)
    del kontor.sections["calendar"]["public_url"]
    kontor.write_config()
    return kontor.start()


@pytest.fixture
def new(kontor, make_frontend):
    """Its address."""
    return make_frontend("nginx", kontor).url


def open_new(new, page):
    page.browser.get(f"{new}/?tz={ZONE}&date=2026-11-18")
    page.wait(lambda: page.is_shown("#first-steps"), "the first steps")


def test_the_first_steps_lead_somewhere(new, page):
    """Who has installed it would look at an empty page, and not know what is next."""
    open_new(new, page)
    steps = page.find_all("#first-steps li")
    assert [step.find_element(By.TAG_NAME, "h4").text for step in steps] == [
        "Connect a calendar", "Write the first report", "Switch the mails on",
        "Look at the observer"]
    links = [link.get_attribute("href") for link in page.find_all("#first-steps a")]
    assert [link.removeprefix(new) for link in links] == ["/reports/", "/mailer/", "/observer/"]
    for link in links:
        assert "<h1>" in requests.get(link).text
    severe = [entry["message"] for entry in page.browser.get_log("browser")
              if entry["level"] == "SEVERE" and "/api/calendar/week" not in entry["message"]]
    assert severe == []


def test_the_examples_are_true(new, page, kontor, folder):
    """Who copies from the first steps would get a configuration that is refused."""
    open_new(new, page)
    texts = [element.get_property("textContent") for element in page.find_all("#first-steps pre")]
    reports = folder / "reports.d"
    reports.mkdir()
    (reports / "sales.sql").write_text(next(text for text in texts if "SELECT" in text))
    subprocess.run(["sqlite3", str(folder / "shop.db"), "CREATE TABLE sale (day, total)"],
                   check=True)
    (folder / "calendar.ics").write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
                                         "END:VCALENDAR\r\n")
    pieces = "\n".join(text for text in texts if "SELECT" not in text)
    pieces = pieces.replace("/var/lib/kontor", str(folder)).replace("/srv", str(folder))
    kontor.sections.clear()
    del kontor.settings["plugins"]
    kontor.write_config()
    pieces = pieces.replace("[reports]", f"[reports]\ndefinitions = {reports}")
    pieces = pieces.replace("[mailer]", f"[mailer]\ntemplates = {ROOT / 'plugins/mailer/templates'}")
    with open(kontor.config, "a", encoding="utf-8") as config:
        config.write(pieces)
    result = subprocess.run([str(KONTORD), "-c", str(kontor.config), "-t"], env=ENVIRONMENT,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(texts) == 5


def test_sample_data_on_request(new, page):
    """Nobody could see what it is good for before it is set up."""
    open_new(new, page)
    page.click("#welcome-sample")
    page.wait_week("2026-11-16")
    page.check(requests.get(f"{new}/api/calendar/week", params={
        "sample": 1, "date": "2026-11-18", "tz": ZONE}).json())
    assert not page.is_shown("#first-steps")
    page.click("#sample-end")
    page.wait(lambda: page.is_shown("#first-steps"), "the first steps again")


def test_visitors_are_spared(home, page):
    """Who only wants to see their week would read about files of the server."""
    page.browser.get(f"{home}/?tz={ZONE}")
    page.wait(lambda: page.is_shown("#welcome-sign-in"), "the welcome")
    assert not page.is_shown("#first-steps")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(new, page, scheme):
    """In the sun, in the dark, or with weak eyes one could not read it (WCAG 2.2, 1.4.3)."""
    browser = page.browser
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": scheme}]})
    try:
        open_new(new, page)
        assert browser.execute_script(CONTRAST) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_narrow(new, page):
    """On a phone one would have to scroll sideways."""
    browser = page.browser
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": 320, "height": 640, "deviceScaleFactor": 2, "mobile": True})
    try:
        open_new(new, page)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 320
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_by_keyboard(new, page):
    """Who can't use a mouse could not reach the links, nor see the ends of long lines."""
    open_new(new, page)
    reached = []
    for _ in range(60):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        element = page.browser.switch_to.active_element
        if element.tag_name == "body":
            break
        assert element.value_of_css_property("outline-style") != "none", element.tag_name
        reached.append(element.get_attribute("aria-label") or element.text)
    assert {"Look at a sample week", "Reports", "Mails", "Observer",
            "Configuration of a calendar", "A report, sales.sql"} <= set(reached)
