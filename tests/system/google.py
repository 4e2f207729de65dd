# SPDX-License-Identifier: BSD-2-Clause
"""What kontor needs of Google, on this machine: OAuth 2.0 with PKCE, OpenID Connect, and the Calendar
API v3 as its published schema has it (names, types, paging, partial answers, errors).

It refuses what Google would refuse, and goes wrong on request (Google.fail). Knows nothing of kontor.
"""

import asyncio
import base64
import contextlib
import datetime
import hashlib
import html
import itertools
import json
import re
import secrets
import time
import urllib.parse

from upstream import Upstream, answer

CLIENT_ID = "42-kontor.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-a-secret-of-the-tests"
EVENTS_SCOPE = "https://www.googleapis.com/auth/calendar.events.readonly"
LIST_SCOPE = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"

# Parameters of events.list that Google documents, and those of every method.
EVENTS_PARAMETERS = set(
    "alwaysIncludeEmail eventTypes iCalUID maxAttendees maxResults orderBy pageToken "
    "privateExtendedProperty q sharedExtendedProperty showDeleted showHiddenInvitations singleEvents "
    "syncToken timeMax timeMin timeZone updatedMin".split())
COMMON_PARAMETERS = set("alt fields key oauth_token prettyPrint quotaUser userIp".split())
LIST_PARAMETERS = set("maxResults minAccessRole pageToken showDeleted showHidden syncToken".split())
EVENT_TYPES = {"default", "focusTime", "outOfOffice", "workingLocation", "birthday", "fromGmail"}


class Refused(Exception):
    """An error in the shape of the API."""

    def __init__(self, status, reason, message, domain="global", **headers):
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body = {"error": {"errors": [{"domain": domain, "reason": reason, "message": message}],
                               "code": status, "message": message}}


# What Google.fail can do instead of a good answer.
TROUBLES = {
    401: lambda: Refused(401, "authError", "Invalid Credentials", WWW_Authenticate="Bearer"),
    403: lambda: Refused(403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits"),
    "user-limit": lambda: Refused(403, "userRateLimitExceeded", "User Rate Limit Exceeded",
                                  "usageLimits"),
    "daily-limit": lambda: Refused(403, "dailyLimitExceeded", "Daily Limit Exceeded", "usageLimits"),
    "forbidden": lambda: Refused(403, "forbidden", "Forbidden"),
    "scopes": lambda: Refused(403, "insufficientPermissions", "Insufficient Permission"),
    "not-configured": lambda: Refused(403, "accessNotConfigured", "Access Not Configured",
                                      "usageLimits"),
    404: lambda: Refused(404, "notFound", "Not Found"),
    410: lambda: Refused(410, "updatedMinTooLongAgo", "Start over", "calendar"),
    429: lambda: Refused(429, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits"),
    500: lambda: Refused(500, "backendError", "Backend Error"),
    503: lambda: Refused(503, "backendError", "Service Unavailable"),
}


def instant(text):
    """RFC 3339, with an offset, as the API demands."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text):
        raise Refused(400, "badRequest", "Bad Request")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def moment(when):
    """A start or an end, for comparing; days count as UTC's."""
    if "date" in when:
        return datetime.datetime.fromisoformat(when["date"]).replace(tzinfo=datetime.timezone.utc)
    return instant(when["dateTime"])


def parse_fields(text):
    """`a,b(c,d)` as {"a": None, "b": {"c": None, "d": None}}."""
    tokens = re.findall(r"[\w/*]+|[(),]", text)
    if "".join(tokens) != text:
        raise Refused(400, "invalidParameter", f"Invalid field selection {text}")

    def group():
        fields = {}
        while True:
            name = tokens.pop(0)
            fields[name] = None
            if tokens and tokens[0] == "(":
                tokens.pop(0)
                fields[name] = group()
            if not tokens or tokens.pop(0) == ")":
                return fields
    return group()


def select(value, fields):
    """Only these fields of a value."""
    if fields is None:
        return value
    if not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        return [select(item, fields) for item in value]
    return {name: select(value[name], inner) for name, inner in fields.items() if name in value}


class Person:
    """Somebody with an account. `events` are instances, by calendar; `hosted_domain` is that of an
    organisation's account."""

    def __init__(self, address):
        self.address = address
        self.number = str(int(hashlib.sha256(address.encode()).hexdigest()[:15], 16))
        self.calendars, self.events, self.hosted_domain = [], {}, None
        self.add_calendar(address, address, primary=True)

    def add_calendar(self, identity, summary, **fields):
        self.calendars.append({"kind": "calendar#calendarListEntry", "etag": '"1"', "id": identity,
                               "summary": summary, "timeZone": "Europe/Berlin", "colorId": "1",
                               "accessRole": "owner", "selected": True, **fields})
        self.events[identity] = []
        return identity

    def add(self, summary, start, end, calendar=None, **fields):
        """An event; times are RFC 3339 or dates."""
        calendar = calendar or self.address
        number = len(self.events[calendar])
        key = "date" if len(start) == 10 else "dateTime"
        identity = fields.pop("id", f"event{number}")
        self.events[calendar].append({
            "kind": "calendar#event", "etag": '"1"', "id": identity, "status": "confirmed",
            "htmlLink": "https://www.google.com/calendar/event", "created": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z", "summary": summary,
            "creator": {"email": self.address, "self": True},
            "organizer": {"email": self.address, "self": True},
            "start": {key: start}, "end": {key: end}, "iCalUID": f"{identity}@google.com",
            "sequence": 0, "reminders": {"useDefault": True}, "eventType": "default", **fields})

    def attendee(self, address, answer_="accepted", **fields):
        """Somebody as the attendees of an event name them."""
        own = {"self": True} if address == self.address else {}
        return {"email": address, "responseStatus": answer_, **own, **fields}


class Google(Upstream):
    """Use it as a context manager, as Upstream."""

    def __init__(self):
        super().__init__()
        self.people, self.codes, self.access, self.refresh = {}, {}, {}, {}
        self.troubles, self.claims = [], {}
        self.delay_ms = 0
        self.page_size = 2500
        self.empty_pages = False
        self.lifetime_s = 3599
        self.numbers = itertools.count(1)

    def person(self, address):
        return self.people.setdefault(address, Person(address))

    def options(self):
        """The addresses as options of the plugin."""
        return {"google_api": f"{self.url}/calendar/v3",
                "google_authorize": f"{self.url}/o/oauth2/v2/auth",
                "google_token": f"{self.url}/token", "google_revoke": f"{self.url}/revoke",
                "google_client_id": CLIENT_ID, "google_client_secret": CLIENT_SECRET}

    def fail(self, trouble, where="/events", times=1, retry_after=None):
        """Let the next answers for paths that end like this go wrong: a key of TROUBLES,
        "truncated", "garbage", "html" or "silence"."""
        self.troubles += [(trouble, where, retry_after)] * times

    def count(self, where):
        """How many requests there were for paths that end like this."""
        return sum(request.path.partition("?")[0].endswith(where) for request in self.requests)

    # ------------------------------------------------------------ answering

    def find(self, path):
        return self.on_request

    async def on_request(self, request, query, reader, writer):
        path = urllib.parse.urlsplit(request.path).path
        await asyncio.sleep(self.delay_ms / 1000)
        for trouble in self.troubles:
            if path.endswith(trouble[1]):
                self.troubles.remove(trouble)
                return self.go_wrong(trouble, writer)
        try:
            routes = {"/o/oauth2/v2/auth": self.consent_page, "/consent": self.consent,
                      "/token": self.give_tokens, "/revoke": self.revoke}
            if path in routes:
                writer.write(routes[path](request, query))
            else:
                writer.write(self.reply(self.call_api(path, request, query)))
        except Refused as error:
            writer.write(self.reply(error.body, error.status, **error.headers))
        return True

    def go_wrong(self, trouble, writer):
        kind, _, retry_after = trouble
        good = self.reply({"kind": "calendar#events", "items": []})
        if kind == "truncated":
            writer.write(good[:-8])
            return False
        if kind == "silence":
            return False
        if kind in ("garbage", "html"):
            body = b'{"items": [{"id": "a", ' if kind == "garbage" else b"<html>busy</html>"
            writer.write(answer(body, Content_Type="application/json"))
            return True
        error = TROUBLES[kind]()
        headers = {"Retry_After": retry_after} if retry_after is not None else {}
        writer.write(self.reply(error.body, error.status, **error.headers, **headers))
        return True

    @staticmethod
    def reply(value, status=200, **headers):
        return answer(json.dumps(value).encode(), status, Content_Type="application/json; charset=UTF-8",
                      Cache_Control="private, max-age=0", **headers)

    # ------------------------------------------------------------ OAuth 2.0

    def consent_page(self, request, query):
        """Where a person chooses an account, and what to allow."""
        wanted = {"client_id": CLIENT_ID, "response_type": "code", "code_challenge_method": "S256",
                  "access_type": "offline"}
        wrong = [name for name, value in wanted.items() if query.get(name) != value]
        if wrong or not query.get("state") or not query.get("redirect_uri"):
            return answer(f"Error 400: invalid_request {wrong}".encode(), 400)
        if not re.fullmatch(r"[\w-]{43}", query.get("code_challenge", "")):
            return answer(b"Error 400: code_challenge", 400)
        hidden = "".join(f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
                         for name, value in query.items() if name != "scope")
        people = "".join(f"<option>{html.escape(address)}</option>" for address in self.people)
        boxes = "".join(f'<label><input type="checkbox" name="scope" value="{scope}" checked>{scope}'
                        "</label>" for scope in query["scope"].split())
        page = (f'<!doctype html><title>Sign in - Google</title><form action="/consent">{hidden}'
                f'<select name="person">{people}</select>{boxes}'
                '<button name="decision" value="allow">Continue</button>'
                '<button name="decision" value="deny">Cancel</button></form>')
        return answer(page.encode(), Content_Type="text/html; charset=utf-8")

    def consent(self, request, query):
        """The person has decided."""
        back = {"state": query["state"]}
        if query["decision"] == "allow":
            scopes = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)["scope"]
            code = f"4/{secrets.token_urlsafe(24)}"
            self.codes[code] = {**query, "scope": scopes}
            back.update(code=code, scope=" ".join(scopes))
        else:
            back["error"] = "access_denied"
        return answer(b"", 302, Location=f"{query['redirect_uri']}?{urllib.parse.urlencode(back)}")

    def give_tokens(self, request, query):
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if request.method != "POST" or "x-www-form-urlencoded" not in request.headers["content-type"]:
            return self.reply({"error": "invalid_request"}, 400)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return self.reply({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if form.get("grant_type") == "refresh_token":
            grant = self.refresh.get(form.get("refresh_token"))
            return self.reply(self.new_access(grant)) if grant else self.invalid_grant()
        if form.get("grant_type") != "authorization_code":
            return self.reply({"error": "unsupported_grant_type"}, 400)
        grant = self.codes.pop(form.get("code"), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not grant or grant["redirect_uri"] != form.get("redirect_uri"):
            return self.invalid_grant()
        if grant["code_challenge"] != challenge:
            return self.invalid_grant("Invalid code verifier.")
        token = f"1//{secrets.token_urlsafe(32)}"
        self.refresh[token] = {"person": grant["person"], "scope": grant["scope"], "refresh": token}
        tokens = {**self.new_access(self.refresh[token]), "id_token": self.id_token(grant)}
        # As Google: without the prompt, people who have consented before get no second one.
        if grant.get("prompt") == "consent":
            tokens["refresh_token"] = token
        return self.reply(tokens)

    def invalid_grant(self, why="Token has been expired or revoked."):
        return self.reply({"error": "invalid_grant", "error_description": why}, 400)

    def new_access(self, grant):
        token = f"ya29.{next(self.numbers)}.{secrets.token_urlsafe(24)}"
        self.access[token] = {**grant, "until": time.monotonic() + self.lifetime_s}
        return {"access_token": token, "expires_in": self.lifetime_s, "token_type": "Bearer",
                "scope": " ".join(grant["scope"])}

    def id_token(self, grant):
        """Claims as Google's; it comes by TLS from the token endpoint, so nobody checks the rest.
        `claims` changes them; with None one is left out."""
        person, now = self.person(grant["person"]), int(time.time())
        claims = {"iss": "https://accounts.google.com", "aud": CLIENT_ID, "azp": CLIENT_ID,
                  "sub": person.number, "email": person.address, "email_verified": True, "iat": now,
                  "exp": now + 3600}
        if person.hosted_domain:
            claims["hd"] = person.hosted_domain
        if "nonce" in grant:
            claims["nonce"] = grant["nonce"]
        claims.update(self.claims)
        claims = {name: value for name, value in claims.items() if value is not None}
        parts = [{"alg": "RS256", "kid": "test", "typ": "JWT"}, claims]
        return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
                           for part in parts), secrets.token_urlsafe(256)])

    def revoke(self, request, query):
        token = {**query, **dict(urllib.parse.parse_qsl(request.body.decode()))}.get("token")
        grant = self.refresh.get(token) or self.access.get(token)
        if not grant:
            return self.reply({"error": "invalid_token"}, 400)
        self.forget(grant["refresh"])
        return self.reply({})

    def forget(self, refresh_token):
        """A person has withdrawn their consent."""
        self.refresh.pop(refresh_token, None)
        self.access = {token: grant for token, grant in self.access.items()
                       if grant["refresh"] != refresh_token}

    def expire_access(self):
        """All access tokens are no longer good; refresh tokens are."""
        self.access.clear()

    def grant_of(self, request):
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self.access.get(token) if kind == "Bearer" else None
        if not grant or grant["until"] < time.monotonic():
            raise TROUBLES[401]()
        return grant

    # ------------------------------------------------------------ Calendar API

    def call_api(self, path, request, query):
        grant = self.grant_of(request)
        person = self.person(grant["person"])
        query = dict(query)
        fields = parse_fields(query["fields"]) if "fields" in query else None
        found = re.fullmatch(r"/calendar/v3/calendars/([^/]+)/events", path)
        if path == "/calendar/v3/users/me/calendarList":
            self.check(query, LIST_PARAMETERS, grant, LIST_SCOPE, 250)
            items = [item for item in person.calendars if not item.get("hidden")]
            result = self.page(items, query, {"kind": "calendar#calendarList", "etag": '"1"'})
        elif found:
            self.check(query, EVENTS_PARAMETERS, grant, EVENTS_SCOPE, 2500)
            identity = urllib.parse.unquote(found[1])
            if identity == "primary":
                identity = person.address
            if identity not in person.events:
                raise TROUBLES[404]()
            result = self.page(self.events(person.events[identity], query), query, {
                "kind": "calendar#events", "etag": '"1"', "summary": identity, "description": "",
                "updated": "2026-01-01T00:00:00.000Z", "accessRole": "owner", "defaultReminders": [],
                "timeZone": query.get("timeZone", "Europe/Berlin")})
        else:
            raise TROUBLES[404]()
        return select(result, fields)

    @staticmethod
    def check(query, known, grant, scope, results_max):
        if scope not in grant["scope"]:
            raise TROUBLES["scopes"]()
        unknown = set(query) - known - COMMON_PARAMETERS
        if unknown:
            raise Refused(400, "invalidParameter", f"Unknown parameter {sorted(unknown)}")
        if not 1 <= int(query.get("maxResults", 100)) <= results_max:
            raise Refused(400, "invalidParameter", "Invalid value for: maxResults")

    @staticmethod
    def events(events, query):
        """The instances within the bounds."""
        if query.get("singleEvents") != "true":
            if "orderBy" in query:
                raise Refused(400, "orderByNotSupported", "singleEvents is needed", "calendar")
            raise Refused(501, "notImplemented", "the stub knows instances only")
        first, last = instant(query["timeMin"]), instant(query["timeMax"])
        if first >= last:
            raise Refused(400, "timeRangeEmpty", "The specified time range is empty.", "calendar")
        kinds = {query["eventTypes"]} if "eventTypes" in query else EVENT_TYPES
        return [event for event in events
                if "start" not in event or (moment(event["end"]) > first and
                                            moment(event["start"]) < last and
                                            event.get("eventType", "default") in kinds)]

    def page(self, items, query, result):
        """A page may be shorter than asked for, and even empty, while another one follows."""
        size = min(int(query.get("maxResults", 100)), self.page_size)
        start, is_empty = 0, False
        if "pageToken" in query:
            with contextlib.suppress(ValueError):
                start, is_empty = json.loads(base64.urlsafe_b64decode(query["pageToken"]))
        if self.empty_pages and not is_empty and start:
            return {**result, "items": [], "nextPageToken": self.token(start, True)}
        result = {**result, "items": items[start:start + size]}
        if start + size < len(items):
            result["nextPageToken"] = self.token(start + size, False)
        else:
            result["nextSyncToken"] = "CPDAlvWDx70CEPDAlvWDx70CGAU="
        return result

    @staticmethod
    def token(start, is_empty):
        return base64.urlsafe_b64encode(json.dumps([start, is_empty]).encode()).decode()
