# SPDX-License-Identifier: BSD-2-Clause
"""The page of signing in, in a real browser, from the calendar's page to the mail and back."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from fastcgi import wait_until
from mail_server import MailServer
from mailers import stopping
from test_calendar_page import browser  # pylint: disable=unused-import
from test_sign_in import ADA, make_house  # pylint: disable=unused-import

HOME = "http://localhost/kontor"  # where a cookie is safe without TLS

# pylint: disable=redefined-outer-name


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def site(make_house, make_frontend, server, browser):
    """Where the pages are; nobody has signed in, and no complaint is another test's."""
    house = make_house(server, public_url=HOME)
    url = make_frontend("nginx", house).url
    browser.get(f"{url}/sign-in/")
    browser.delete_all_cookies()
    browser.get_log("browser")
    return url


def get(browser, element):
    return browser.find_element(By.ID, element)


def wait_shown(browser, element):
    wait_until(lambda: get(browser, element).is_displayed(), 20, f"{element} is shown")
    return get(browser, element)


def read_link(site, mail):
    text = mail.get_body(("plain",)).get_content()
    return next(word for word in text.split() if word.startswith(HOME)).replace(HOME, site)


def complaints(browser, *expected):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"
            and not any(word in entry["message"] for word in expected)]


def ask_for_link(browser, server, address=ADA):
    """With the keyboard alone: the field has the focus."""
    wait_shown(browser, "mail")
    wait_until(lambda: browser.switch_to.active_element.get_attribute("id") == "address", 20, "focus")
    before = len(server.mails)
    browser.switch_to.active_element.send_keys(Keys.CONTROL + "a")
    browser.switch_to.active_element.send_keys(address + Keys.ENTER)
    assert ADA in wait_shown(browser, "notice").text
    return server.wait(before + 1)[-1]


def test_from_the_calendar_to_the_mail_and_back(site, browser, server):
    """People without Google could not sign in."""
    browser.get(f"{site}/")
    button = wait_shown(browser, "sign-in")
    assert button.text == "Sign in"
    button.click()
    mail = ask_for_link(browser, server)
    assert get(browser, "notice").get_attribute("role") == "status"
    browser.get(read_link(site, mail))
    wait_shown(browser, "confirm")
    assert browser.current_url == f"{site}/sign-in/"  # the token is in no history
    assert not get(browser, "mail").is_displayed()
    button = browser.switch_to.active_element
    assert button.get_attribute("id") == "confirm-yes"
    button.send_keys(Keys.ENTER)
    wait_until(lambda: browser.current_url.startswith(f"{site}/?") or browser.current_url == f"{site}/",
               20, "the calendar's page")
    wait_until(lambda: "ada@example.org" in get(browser, "who").get_attribute("textContent"), 20,
               "signed in")
    assert not get(browser, "sign-in").is_displayed()
    browser.get(f"{site}/sign-in/")
    assert ADA in wait_shown(browser, "signed-in").text
    assert not get(browser, "mail").is_displayed()
    assert complaints(browser) == []


def test_a_used_link_says_so(site, browser, server):
    """Who opens an old mail would look at a page where nothing happens."""
    browser.get(f"{site}/sign-in/")
    link = read_link(site, ask_for_link(browser, server))
    browser.delete_all_cookies()  # as in another browser
    browser.get(link)
    wait_shown(browser, "confirm-yes").click()
    assert "another browser" in wait_shown(browser, "problem").text
    wait_shown(browser, "mail")
    link = read_link(site, ask_for_link(browser, server))
    browser.get("about:blank")  # the same page with another "#" is not loaded anew
    browser.get(link)
    wait_shown(browser, "confirm-yes").click()
    wait_until(lambda: "/sign-in/" not in browser.current_url, 20, "signed in")
    browser.get(link)
    wait_shown(browser, "confirm-yes").click()
    assert "used already" in wait_shown(browser, "problem").text
    assert get(browser, "problem").get_attribute("role") == "alert"
    assert complaints(browser, "409", "410", "404", "401") == []


def test_a_link_in_the_tab_where_one_waits(site, browser, server):
    """The tab in which one asked would not notice the link that is opened in it."""
    browser.get(f"{site}/sign-in/")
    link = read_link(site, ask_for_link(browser, server))
    browser.execute_script("location.href = arguments[0]", link)
    wait_shown(browser, "confirm-yes").click()
    wait_until(lambda: "/sign-in/" not in browser.current_url, 20, "signed in")


def test_strangers_are_told(site, browser, server):
    """Who may not sign in would wait for a mail."""
    browser.get(f"{site}/sign-in/")
    wait_shown(browser, "mail")
    get(browser, "address").send_keys("eve@evil.example" + Keys.ENTER)
    assert "evil.example" in wait_shown(browser, "problem").text
    assert not get(browser, "notice").is_displayed()
    assert server.mails == []
    assert complaints(browser, "403") == []


def test_to_the_weekly_mail(site, browser, server):
    """Who wants the mail would end at a page that says no."""
    browser.get(f"{site}/mailer/")
    wait_shown(browser, "sign-in").find_element(By.TAG_NAME, "a").click()
    link = read_link(site, ask_for_link(browser, server))
    browser.get("about:blank")
    browser.get(link)
    wait_shown(browser, "confirm-yes").click()
    wait_until(lambda: browser.current_url == f"{site}/mailer/", 20, "back at the mail")
    wait_shown(browser, "settings")
    wait_until(lambda: browser.find_element(By.NAME, "address").get_attribute("value") == ADA, 20,
               "the address is there")
    assert complaints(browser, "401") == []
