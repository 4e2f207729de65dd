# SPDX-License-Identifier: BSD-2-Clause
"""The page of the weekly mail in a real browser, through a real nginx."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from fastcgi import wait_until
from frontend import nginx_snippets
from kontor import ROOT
from mail_server import MailServer
from mailers import PUBLIC, link_in, stopping
from test_mailer import make_mailer  # pylint: disable=unused-import
from test_reports_page import ada  # pylint: disable=unused-import


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def site(make_mailer, make_frontend, server):  # pylint: disable=redefined-outer-name
    """Where the page is, for somebody who is signed in as ada."""
    mailer = make_mailer(server)
    upstream, locations = nginx_snippets(mailer.socket, ROOT / "www", "")
    front = make_frontend("nginx", mailer,
                          snippets=(upstream, locations.replace("$kontor_user if_not_empty", "ada")))
    front.mailer = mailer
    return front


def test_from_the_page_to_the_inbox(site, server, ada):  # pylint: disable=redefined-outer-name
    """Nobody could switch the mail on."""
    def get(element):
        return ada.find_element(By.ID, element)

    def wait_text(element, part):
        wait_until(lambda: part in get(element).text, 20, f"{part!r} in {element}: it is "
                   f"{get(element).text!r}, problem: {get('problem').text!r}")

    ada.get(f"{site.url}/mailer/")
    wait_until(lambda: get("settings").is_displayed(), 20, "the form is there")
    assert not get("now").is_enabled()
    ada.find_element(By.NAME, "on").click()
    ada.find_element(By.NAME, "address").send_keys("ada@example.org")
    Select(ada.find_element(By.NAME, "day")).select_by_value("monday")
    Select(ada.find_element(By.NAME, "zone")).select_by_value("Asia/Tokyo")
    ada.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    wait_text("notice", "Open the link in the mail")
    assert get("unverified").is_displayed()
    link = link_in(server.wait(1)[0], "/verify").removeprefix(PUBLIC)
    ada.get(site.url + link)
    ada.find_element(By.TAG_NAME, "button").click()
    wait_until(lambda: "Thank you" in ada.title, 20, "confirmed")
    ada.get(f"{site.url}/mailer/")
    wait_text("next", "Monday")
    assert Select(ada.find_element(By.NAME, "zone")).first_selected_option.text == "Asia/Tokyo"
    get("now").click()
    wait_until(lambda: get("notice").is_displayed() or get("problem").is_displayed(), 20, "told")
    assert [entry for entry in ada.get_log("browser") if entry["level"] == "SEVERE"
            and "429" not in entry["message"] and "favicon" not in entry["message"]] == []
