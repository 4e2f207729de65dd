# SPDX-License-Identifier: BSD-2-Clause
"""Real CalDAV servers on a temporary folder: Radicale and Xandikos. Know nothing of kontor."""

import subprocess
import sys

import requests

from fastcgi import wait_until
from ports import free_port

LOGIN, PASSWORD = "ada@example.org", "pass word: grün"


class Server:
    """A server with one person; `base` is the path of their calendars."""

    def __init__(self, folder, command, port, auth, base):
        self.url = f"http://127.0.0.1:{port}"
        self.auth, self.base = auth, base
        self.log_path = folder / "server.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        wait_until(self.answers, 30, f"{command[0]} answers")

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return requests.get(self.url, timeout=5, allow_redirects=False).status_code < 500
        except requests.ConnectionError:
            return False

    def request(self, method, path, data="", **headers):
        answer = requests.request(method, self.url + path, data=data.encode(), auth=self.auth,
                                  headers={name.replace("_", "-"): value
                                           for name, value in headers.items()}, timeout=20)
        assert answer.status_code < 300, (answer.status_code, answer.text)
        return answer

    def make_calendar(self, name, components=("VEVENT",)):
        """A calendar of the person; its path."""
        path = f"{self.base}{name}/"
        inside = "".join(f'<C:comp name="{component}"/>' for component in components)
        self.request("MKCALENDAR", path, f"""<?xml version="1.0"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>{name.title()}</D:displayname>
<C:supported-calendar-component-set>{inside}</C:supported-calendar-component-set>
</D:prop></D:set></C:mkcalendar>""", Content_Type="application/xml")
        return path

    def put(self, path, identity, lines):
        """An event; `lines` are those of its VEVENTs."""
        text = ("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//kontor//test//EN\n" + lines.strip() +
                "\nEND:VCALENDAR\n").replace("\n", "\r\n")
        self.request("PUT", f"{path}{identity}.ics", text, Content_Type="text/calendar")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Radicale(Server):
    """With a password, as people have it."""

    def __init__(self, folder):
        folder.mkdir()
        port = free_port()
        (folder / "users").write_text(f"{LOGIN}:{PASSWORD}\n", encoding="utf-8")
        command = [sys.executable, "-m", "radicale", "--server-hosts", f"127.0.0.1:{port}",
                   "--auth-type", "htpasswd", "--auth-htpasswd-filename", str(folder / "users"),
                   "--auth-htpasswd-encryption", "plain", "--auth-delay", "0",
                   "--storage-filesystem-folder", str(folder / "collections")]
        super().__init__(folder, command, port, (LOGIN.encode(), PASSWORD.encode()),
                         "/ada@example.org/")


class Xandikos(Server):
    """Without a password: it leaves that to a web server in front."""

    def __init__(self, folder):
        folder.mkdir()
        port = free_port()
        command = ["xandikos", "-d", str(folder / "data"), "-l", "127.0.0.1", "-p", str(port),
                   "--autocreate", "--current-user-principal", "/ada/"]
        super().__init__(folder, command, port, None, "/ada/calendars/")
