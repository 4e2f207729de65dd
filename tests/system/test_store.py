# SPDX-License-Identifier: BSD-2-Clause
"""The store as plugins know it: the same behaviour with SQLite and with Redis."""

import itertools
import random
import threading
import time

import pytest

from fastcgi import Closed, wait_until
from redis_server import Redis
from store import Store

MEBIBYTE = 1 << 20
WORKERS = 3
# Random histories are told with their seed, so that one that failed can be played again.
SEED = int(time.time())


@pytest.fixture(params=["sqlite", "redis"])
def address(request, folder):
    """Where a store is that lasts, with its server if there is one."""
    if request.param == "sqlite":
        yield f"sqlite:{folder}/store.db"
        return
    redis = Redis(folder / "redis", appendonly="yes", appendfsync="always")
    yield redis.unix
    redis.stop()


@pytest.fixture
def house(make_kontor, address):
    """A kontord of several workers with that store."""
    return make_kontor(plugins=("evaluation", "store"), settings={
        "workers": str(WORKERS), "store": address, "store_timeout": "20s",
        "quarantine_crashes": "0"})


@pytest.fixture
def store(house):
    return Store(house)


def together(*functions):
    """Run functions at once; raises what one of them raised."""
    failures = []

    def run(function):
        try:
            function()
        except BaseException as failure:  # pylint: disable=broad-exception-caught
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


# ---------------------------------------------------------------- documents

def test_documents(store):
    """What was written could not be read, or be changed by someone who knew an old state only."""
    assert store.get("a").error == "ENOENT"
    first = store.put("a", b"one", revision=0)
    assert first.error == "" and first.revision > 0
    assert store.put("a", b"two", revision=0).error == "ESTALE"
    second = store.put("a", b"two", revision=first.revision)
    assert second.error == "" and second.revision != first.revision
    assert store.put("a", b"late", revision=first.revision).error == "ESTALE"
    got = store.get("a")
    assert (got.value, got.revision) == (b"two", second.revision)
    third = store.put("a", b"three")
    assert third.error == ""
    assert store.delete("a", revision=second.revision).error == "ESTALE"
    assert store.delete("a", revision=third.revision).error == ""
    assert store.delete("a").error == "ENOENT"
    assert store.delete("a", revision=third.revision).error == "ENOENT"
    assert store.put("a", b"x", revision=third.revision).error == "ESTALE"
    assert store.get("a").error == "ENOENT"


def test_revisions_are_not_used_again(store):
    """Someone who knows a document that was deleted and made anew would overwrite the new one."""
    seen = set()
    for _ in range(5):
        seen.add(store.put("a", b"x").revision)
        store.delete("a")
    assert len(seen) == 5


@pytest.mark.parametrize("value", [b"", b"\0", bytes(range(256)), b"{}", b"x" * MEBIBYTE],
                         ids=["empty", "nul", "binary", "json", "largest"])
def test_values(store, value):
    """A value would come back as another one."""
    assert store.put("a", b"before").error == ""
    if len(value) == 0:
        assert store.put("a", value).error == ""
    else:
        assert store.put("a", value, revision=store.get("a").revision).error == ""
    assert store.get("a").value == value
    assert [document.value for document in store.scan().documents] == [value]


def test_keys(store):
    """Two documents would be one, or one could not be found by its name."""
    keys = ["a", "A", "a b", "a/b", "a:b", "a\\", "a%", "a*", "a[b]", "{a}", "ä", "\u00a0", "𐍈",
            "k" * 255, "-", "\"", "'"]
    for key in keys:
        assert store.put(key, key.encode(), revision=0).error == "", key
    for key in keys:
        assert store.get(key).value == key.encode()
    assert [document.key for document in store.scan().documents] == \
        sorted(keys, key=lambda key: key.encode())
    other = Store(store.kontor, "test-2")
    assert other.get("a").error == "ENOENT"
    assert other.scan().documents == []


@pytest.mark.parametrize("key", ["", "k" * 256, "a\n", "\x7f", "\u0085"])
def test_wrong_keys(store, key):
    """A key would be taken that cannot be shown, or be cut."""
    assert store.get(key).error == "EINVAL"
    assert store.put(key, b"x").error == "EINVAL"
    assert store.add(key, 1).error == "EINVAL"
    assert store.claim(key, 1000).error == "EINVAL"
    for space in ["", "Test", "1", "a_b", "n" * 64]:
        assert Store(store.kontor, space).get("a").error == "EINVAL"


def test_too_large(store):
    """A value would be cut, or fill the store."""
    assert store.put("a", bytes=MEBIBYTE + 1).error == "EINVAL"
    assert store.get("a").error == "ENOENT"
    assert store.delete("a", revision=0).error == "EINVAL"


def test_kinds_do_not_meet(store):
    """A counter or a lease would hide a document of the same key."""
    lease = store.claim("a", 60000)
    assert lease.error == ""
    assert store.add("a", 5).value == 5
    assert store.get("a").error == "ENOENT"
    assert store.put("a", b"x", revision=0).error == ""
    assert store.add("a", 0).value == 5
    assert store.claim("a", 1000).error == "EEXIST"
    assert [document.key for document in store.scan().documents] == ["a"]


def test_scan(store):
    """A list would miss documents, show some twice, or in another order."""
    keys = [f"{letter}{number:03}" for letter in "abc" for number in range(120)]
    random.Random(1).shuffle(keys)
    for key in keys:
        assert store.put(key, key.encode()).error == ""
    keys.sort()
    assert [document.key for document in store.scan_all()] == keys
    assert [document.key for document in store.scan_all("b")] == keys[120:240]
    assert [document.key for document in store.scan_all("b", limit=7)] == keys[120:240]
    assert [document.key for document in store.scan_all("c11")] == keys[350:]
    assert store.scan("d").documents == [] and not store.scan("d").has_more
    assert len(store.scan(limit=0).documents) == 256
    page = store.scan("a", limit=120)
    assert len(page.documents) == 120 and not page.has_more
    assert store.scan("a", limit=119).has_more
    assert [document.key for document in store.scan("b", after="a500").documents] == keys[120:240]
    assert store.scan("b", after="c").documents == []
    assert [document.key for document in store.scan("b", after="b118").documents] == ["b119"]


def test_scan_of_large_values(store):
    """A page of large documents would need more memory than it may."""
    for number in range(9):
        assert store.put(f"k{number}", bytes=MEBIBYTE).error == ""
    page = store.scan()
    assert 1 <= len(page.documents) <= 5 and page.has_more
    assert [document.key for document in store.scan_all()] == [f"k{n}" for n in range(9)]


# ---------------------------------------------------------------- counters

def test_counters(store):
    """Two would get the same number, or one a wrong one."""
    assert store.add("n", 0).value == 0
    assert store.add("n", 5).value == 5
    assert store.add("n", -7).value == -2
    assert store.add("n", 0).value == -2
    largest = 2 ** 63 - 1
    assert store.add("m", largest).value == largest
    assert store.add("m", 1).error == "ERANGE"
    assert store.add("m", 0).value == largest
    assert store.add("m", -largest).value == 0
    assert store.add("l", -2 ** 63).value == -2 ** 63
    assert store.add("l", -1).error == "ERANGE"


def test_counters_of_many(store):
    """An order would get the number of another one."""
    seen = [[] for _ in range(6)]

    def count(mine):
        with store.kontor.client() as client:
            own = Store(store.kontor, client=client)
            for _ in range(60):
                mine.append(own.add("n", 1).value)

    together(*(lambda mine=mine: count(mine) for mine in seen))
    assert sorted(itertools.chain(*seen)) == list(range(1, 361))


# ---------------------------------------------------------------- leases

def test_leases(store):
    """Two would do at once what only one may do."""
    first = store.claim("l", 60000)
    assert first.error == ""
    assert store.claim("l", 60000).error == "EEXIST"
    assert store.renew(first, 60000).error == ""
    stranger = store.claim("other", 60000)
    stranger.key = "l"
    assert store.renew(stranger, 1000).error == "ESTALE"
    assert store.release(stranger).error == "ESTALE"
    assert store.claim("l", 60000).error == "EEXIST"
    assert store.release(first).error == ""
    assert store.release(first).error == "ESTALE"
    assert store.renew(first, 1000).error == "ESTALE"
    second = store.claim("l", 100)
    assert second.error == "" and second.fence > first.fence
    third = wait_until(lambda: (lambda lease: lease.error == "" and lease)(
        store.claim("l", 60000)), 20, "the lease is over")
    assert third.fence > second.fence
    assert store.renew(second, 1000).error == "ESTALE"
    assert store.release(second).error == "ESTALE"
    assert store.release(third).error == ""
    for ttl in (0, 99, 24 * 3600 * 1000 + 1, -1):
        assert store.claim("l", ttl).error == "EINVAL"


def test_renewed_lease_stays(store):
    """Someone who renews in time would lose what they hold."""
    lease = store.claim("l", 1500)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert store.renew(lease, 1500).error == ""
        assert store.claim("l", 1500).error == "EEXIST"


# ---------------------------------------------------------------- many at once

def test_compare_and_set_loses_nothing(store):
    """Of two changes at the same moment one would be lost."""
    assert store.put("a", b"0").error == ""
    made = [0] * 6

    def change(number, choice):
        with store.kontor.client() as client:
            own = Store(store.kontor, client=client)
            while made[number] < 25:
                got = own.get("a")
                answer = own.put("a", b"%d" % (int(got.value) + 1), revision=got.revision)
                assert answer.error in ("", "ESTALE")
                made[number] += answer.error == ""
                if choice.random() < 0.2:
                    assert own.put("a", b"wrong", revision=got.revision).error == "ESTALE"

    together(*(lambda n=n: change(n, random.Random(SEED + n)) for n in range(6)))
    assert int(store.get("a").value) == sum(made)


class History:
    """What several did with some keys, each with the time before and behind it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.made = {}  # key: list of (revision before, or 0, revision after, or 0 for a delete)

    def note(self, key, before, after):
        with self.lock:
            self.made.setdefault(key, []).append((before, after))

    def check(self, key, last):
        """Each state was changed at most once, and all changes make one chain up to the last."""
        changes = self.made.get(key, [])
        befores = [before for before, _ in changes if before]
        afters = [after for _, after in changes if after]
        assert len(befores) == len(set(befores)), "a revision was changed twice: an update is lost"
        assert len(afters) == len(set(afters)), "a revision was given twice"
        unused = set(afters) - set(befores)
        assert unused == ({last} if last else set()), "a state was lost"
        assert set(befores) <= set(afters), "a state was changed that nobody made"


def test_random_histories(store):
    """Under load from several workers an acknowledged change would be lost, or made twice."""
    print("seed", SEED)
    history = History()
    keys = [f"k{number}" for number in range(4)]

    def play(choice):
        with store.kontor.client() as client:
            own = Store(store.kontor, client=client)
            for _ in range(80):
                key = choice.choice(keys)
                got = own.get(key)
                if got.error == "ENOENT":
                    answer = own.put(key, b"new", revision=0)
                    if answer.error == "":
                        history.note(key, 0, answer.revision)
                elif choice.random() < 0.25:
                    answer = own.delete(key, revision=got.revision)
                    if answer.error == "":
                        history.note(key, got.revision, 0)
                else:
                    size = choice.choice((1, 100, 5000))
                    answer = own.put(key, choice.randbytes(size), revision=got.revision)
                    if answer.error == "":
                        history.note(key, got.revision, answer.revision)
                assert answer.error in ("", "ESTALE", "ENOENT")

    together(*(lambda n=n: play(random.Random(SEED + n)) for n in range(6)))
    for key in keys:
        history.check(key, store.get(key).revision)


def test_random_leases(store):
    """Two would hold one lease at the same time."""
    print("seed", SEED)
    held, fences, lock = {}, [], threading.Lock()

    def play(choice):
        with store.kontor.client() as client:
            own = Store(store.kontor, client=client)
            for _ in range(40):
                key = choice.choice(("a", "b"))
                lease = own.claim(key, 60000)
                if lease.error == "EEXIST":
                    continue
                assert lease.error == ""
                with lock:
                    assert key not in held, "two hold one lease"
                    held[key] = lease
                    fences.append((key, lease.fence))
                if choice.random() < 0.5:
                    assert own.renew(lease, 60000).error == ""
                with lock:
                    del held[key]
                assert own.release(lease).error == ""

    together(*(lambda n=n: play(random.Random(SEED + n)) for n in range(5)))
    for key in ("a", "b"):
        mine = [fence for name, fence in fences if name == key]
        assert mine == sorted(set(mine)), "a fence is not larger than the one before"


# ---------------------------------------------------------------- what lasts

def write_until(stopped, kontor, acknowledged, lock, number):
    """Write new documents until it is stopped or cut off; note what was acknowledged."""
    for count in itertools.count():
        key = f"w{number}-{count}"
        if stopped.is_set():
            return
        try:
            answer = Store(kontor).put(key, key.encode(), revision=0)
        except (OSError, Closed, AssertionError):
            return
        if answer.error == "":
            with lock:
                acknowledged.append(key)


@pytest.mark.parametrize("whom", ["worker", "all"])
def test_kill_loses_nothing(house, store, whom):
    """What was acknowledged would be gone after a crash."""
    acknowledged, lock, stopped = [], threading.Lock(), threading.Event()
    threads = [threading.Thread(target=write_until,
                                args=(stopped, house, acknowledged, lock, n)) for n in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) > 100, 30, "documents are written")
    # the master first, so that it starts nothing again
    for pid in (house.workers() if whom == "worker"
                else [house.process.pid, *house.children()]):
        house.kill(pid)
    stopped.set()
    for thread in threads:
        thread.join()
    if whom == "all":
        house.process.wait()
        house.start()
    kept = {document.key: document.value for document in
            wait_until(lambda: patiently(store.scan_all), 30, "the store answers")}
    assert set(acknowledged) <= set(kept)
    assert all(value == key.encode() for key, value in kept.items())


def patiently(function):
    try:
        return function()
    except (OSError, Closed, AssertionError):
        return None


def test_reload_keeps_the_store(house, store):
    """New workers would not find what the old ones have written."""
    revision = store.put("a", b"x").revision
    assert house.control("reload").returncode == 0
    assert store.get("a").revision == revision


# ---------------------------------------------------------------- the evaluation plugin's /kvs

def ask(house, method, key, body=b"", **headers):
    with house.client() as client:
        client.start(f"/api/evaluation/kvs/{key}", method=method, body=body, keep=False,
                     CONTENT_TYPE="application/json",
                     **{"HTTP_" + name.upper(): value for name, value in headers.items()})
        return client.read_response()


def test_kvs(house):
    """The service that platforms are compared by would not keep what it is given."""
    assert ask(house, "GET", "a").status == 404
    made = ask(house, "PUT", "a", b'{"n": 1}')
    assert made.status == 204
    tag = made.headers["etag"]
    got = ask(house, "GET", "a")
    assert (got.status, got.body, got.headers["etag"]) == (200, b'{"n": 1}', tag)
    assert got.headers["content-type"] == "application/json"
    assert ask(house, "GET", "a", if_none_match=f'"x", {tag}').status == 304
    assert ask(house, "GET", "a", if_none_match='"x"').status == 200
    assert ask(house, "PUT", "a", b"2", if_none_match="*").status == 412
    assert ask(house, "PUT", "a", b"2", if_match='"1234567"').status == 412
    changed = ask(house, "PUT", "a", b"2", if_match=tag)
    assert changed.status == 204
    assert ask(house, "PUT", "a", b"3", if_match=tag).status == 412
    assert ask(house, "PUT", "b", b"1", if_none_match="*").status == 201
    assert ask(house, "PUT", "c", b"1", if_match="*").status == 412
    assert ask(house, "PUT", "b", b"2", if_match="*").status == 204
    assert ask(house, "DELETE", "a", if_match=tag).status == 412
    assert ask(house, "DELETE", "a", if_match=changed.headers["etag"]).status == 204
    assert ask(house, "DELETE", "a").status == 404
    assert ask(house, "PUT", "a", b"{").status == 400
    assert ask(house, "PUT", "a", b'"' + b"x" * MEBIBYTE + b'"').status == 413
    assert ask(house, "GET", "k" * 256).status == 400
