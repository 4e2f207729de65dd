# SPDX-License-Identifier: BSD-2-Clause
"""kontorctl store: what is kept can be taken elsewhere, from one kind of store to the other."""

import json

import pytest

from redis_server import Redis
from store import Store


@pytest.fixture
def make_store(make_kontor):
    def make(address):
        return Store(make_kontor(plugins=("evaluation", "store"), settings={"store": address}))
    return make


def fill(store):
    documents = {"a": b"{}", "empty": b"", "nul": b"a\0b", "binary": bytes(range(256)),
                 "ä/b": "Grüße\n\"\\".encode(), "large": b"x" * (1 << 20)}
    for number in range(400):
        documents[f"k{number}"] = b"%d" % number
    for key, value in documents.items():
        if value:
            assert store.put(key, value).error == ""
        else:
            store.put(key, b"x")
            assert store.put(key, value).error == ""
    other = Store(store.kontor, "other")
    assert other.put("a", b"elsewhere").error == ""
    for key, number in {"n": 5, "min": -2 ** 63, "max": 2 ** 63 - 1, "zero": 0}.items():
        assert store.add(key, number).error == ""
    assert store.claim("l", 60000).error == ""
    return documents


def check(store, documents):
    assert {document.key: document.value for document in store.scan_all()} == documents
    assert Store(store.kontor, "other").get("a").value == b"elsewhere"
    for key, number in {"n": 5, "min": -2 ** 63, "max": 2 ** 63 - 1, "zero": 0}.items():
        assert store.add(key, 0).value == number
    assert store.claim("l", 1000).error == "", "leases stay behind"


@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_from_sqlite_to_sqlite(make_store, folder, runs):
    """A store could not be moved to another machine."""
    first = make_store(f"sqlite:{folder}/first.db")
    documents = fill(first)
    if not runs:
        first.kontor.stop()
    result = first.kontor.control("store", "export", str(folder / "export"))
    assert result.returncode == 0, result.stderr
    assert first.kontor.control("store", "check").returncode == 0
    lines = [json.loads(line) for line in (folder / "export").read_text().splitlines()]
    assert lines[0] == {"kontor_store": 1} and lines[-1] == {"end": str(len(lines) - 2)}
    second = make_store(f"sqlite:{folder}/second.db")
    assert second.add("n", 77).error == ""
    result = second.kontor.control("store", "import", str(folder / "export"))
    assert result.returncode == 0, result.stderr
    check(second, documents)


def test_to_redis_and_back(make_store, folder):
    """Who outgrows one machine, or has had enough of many, would have to begin anew."""
    redis = Redis(folder / "redis")
    try:
        first = make_store(f"sqlite:{folder}/first.db")
        documents = fill(first)
        assert first.kontor.control("store", "export", str(folder / "one")).returncode == 0
        second = make_store(redis.unix)
        result = second.kontor.control("store", "import", str(folder / "one"))
        assert result.returncode == 0, result.stderr
        check(second, documents)
        result = second.kontor.control("store", "export", str(folder / "two"))
        assert result.returncode == 0, result.stderr
        assert second.kontor.control("store", "check").returncode == 0
        third = make_store(f"sqlite:{folder}/third.db")
        result = third.kontor.control("store", "import", str(folder / "two"))
        assert result.returncode == 0, result.stderr
        check(third, documents)
    finally:
        redis.stop()


def test_wrong_files(make_store, folder):
    """Half an export would be taken for a whole one, or something else for an export."""
    store = make_store(f"sqlite:{folder}/store.db")
    store.put("a", b"x")
    target = folder / "export"
    assert store.kontor.control("store", "export", str(target)).returncode == 0
    again = store.kontor.control("store", "export", str(target))
    assert again.returncode == 1 and "exists" in again.stderr
    whole = target.read_text()
    for content, words in [
            ("", "it has no end"), ("hello\n", "line 1: the line is no JSON object"),
            (whole[:whole.rindex("{")], "it has no end"), (whole[whole.index("\n") + 1:], "no export"),
            (whole + whole, "behind the end"), ('{"kontor_store":2}\n', "version"),
            ('{"kontor_store":1}\n{"namespace":"A","key":"k","value":""}\n', "malformed"),
            ('{"kontor_store":1}\n{"namespace":"a","key":"k","base64":"!"}\n', "not base64"),
            ('{"kontor_store":1}\n{"namespace":"a","key":"k","counter":"x"}\n', "no number")]:
        (folder / "wrong").write_text(content)
        result = store.kontor.control("store", "import", str(folder / "wrong"))
        assert result.returncode == 1 and words in result.stderr, (content, result.stderr)
    assert store.kontor.control("store").returncode == 2
    assert store.kontor.control("store", "burn").returncode == 2
