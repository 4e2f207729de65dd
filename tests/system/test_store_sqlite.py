# SPDX-License-Identifier: BSD-2-Clause
"""The store in SQLite when its disk or its file is not well.

What both backends have in common is test_store.py's.
"""

import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

import kontor as library
from fastcgi import wait_until
from store import Store

SHIM = library.BUILD / "tests/tools/.libs/disk_faults.so"
PAGE = 4096
SEED = int(time.time())


@pytest.fixture
def path(folder):
    place = folder / "store"
    place.mkdir()
    return place / "store.db"


@pytest.fixture
def make_store(make_kontor, path):
    """A function that starts a kontord with its store in that file."""
    def make(workers="1", timeout="5s", at=path):
        return Store(make_kontor(plugins=("evaluation", "store"), settings={
            "workers": workers, "store": f"sqlite:{at}", "store_timeout": timeout}))
    return make


def is_serving(store):
    """Whether a request that needs no store is answered."""
    with store.kontor.client() as client:
        return client.get("/api/evaluation/now").status == 200


def fill(store, count=300, size=700):
    """Write documents, and end kontord in good order. @return what there is"""
    documents = {}
    for number in range(count):
        key = f"k{number:04}"
        value = key.encode() * (size // 5)
        assert store.put(key, value).error == ""
        documents[key] = value
    store.kontor.stop()
    return documents


def test_files(make_store, path):
    """Others on the machine could read what is kept, or files would pile up."""
    store = make_store()
    assert not path.exists(), "it is opened when it is first used"
    assert store.get("a").error == "ENOENT"
    assert path.stat().st_mode & 0o777 == 0o600
    store.put("a", b"x")
    for other in path.parent.iterdir():
        assert other.stat().st_mode & 0o077 == 0, other
    store.kontor.stop()
    assert {other.name for other in path.parent.iterdir()} == {"store.db", "store.db-turn"}
    assert b"SQLite format 3" in path.read_bytes()


# ---------------------------------------------------------------- it cannot be opened

def test_comes_back(make_store, path):
    """A store that was away at the start would stay away until somebody restarts kontor."""
    path.parent.rmdir()
    store = make_store()
    assert store.get("a").error == "ENOTCONN"
    assert store.put("a", b"x").error == "ENOTCONN"
    assert is_serving(store)
    store.kontor.wait_log("the store can't be opened")
    path.parent.mkdir()
    wait_until(lambda: store.put("a", b"x").error == "", 20, "the store is found")
    store.kontor.wait_log("the store is back")
    assert store.kontor.log().count("can't be opened") == 1


def test_kvs_says_try_again(make_store, path):
    """Clients would take a store that is away for one that has nothing."""
    path.parent.rmdir()
    with make_store().kontor.client() as client:
        response = client.get("/api/evaluation/kvs/a")
    assert (response.status, response.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("content,words", [
    (b"", "is empty"), (b"hello" * 2000, "damaged, or was written"), (b"SQLite format 3\0", "store.db")],
    ids=["empty", "other", "header"])
def test_no_store(make_store, path, content, words):
    """A file that is no store, or no longer, would be overwritten."""
    path.write_bytes(content)
    store = make_store()
    assert store.get("a").error in ("EIO", "ENOTCONN")
    assert store.put("a", b"x").error in ("EIO", "ENOTCONN")
    store.kontor.wait_log(words)
    assert path.read_bytes() == content


def test_other_database(make_store, path):
    """Another program's database would get our tables."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()
    store = make_store()
    assert store.put("a", b"x").error == "EIO"
    assert path.read_bytes() == before


def test_newer_version(make_store, path):
    """An older kontor would misread what a newer one has written."""
    store = make_store()
    fill(store, 3)
    set_version(path, 99)
    before = path.read_bytes()
    store.kontor.start()
    assert store.get("k0000").error == "ENOTCONN"
    assert store.put("k0000", b"x").error == "ENOTCONN"
    store.kontor.wait_log("has version 99, and this kontor knows versions up to 1")
    assert path.read_bytes() == before


def set_version(path, version):
    """Change the header as a newer kontor would, with the sum of the page."""
    content = bytearray(path.read_bytes())
    content[60:64] = version.to_bytes(4, "big")
    content[PAGE - 8:PAGE] = page_sum(0, content[:PAGE - 8]).to_bytes(8, "little")
    path.write_bytes(content)


def page_sum(seed, data):
    """What src/store/sum.c does."""
    mask = (1 << 64) - 1
    factors = (0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1)

    def mix(total, word, factor):
        total = ((total ^ word) * factor) & mask
        return total ^ total >> 29

    total = mix(seed, len(data), factors[0])
    lanes = [total ^ factor for factor in factors]
    words = [int.from_bytes(data[at:at + 8], "little") for at in range(0, len(data) // 8 * 8, 8)]
    whole = len(data) // 32 * 4
    for number, word in enumerate(words):
        lane = number % 4 if number < whole else 0
        lanes[lane] = mix(lanes[lane], word, factors[lane])
    lanes[1] = mix(lanes[1], int.from_bytes(data[len(words) * 8:], "little"), factors[1])
    for lane, factor in zip(lanes, factors):
        total = mix(total, lane, factor)
    return total ^ total >> 32


def test_missing_file_with_log(make_store, path):
    """What is only in the log would be lost with a new store in the place of a missing one."""
    store = make_store()
    store.put("a", b"x")
    for worker in store.kontor.workers():
        os.kill(worker, signal.SIGKILL)
    store.kontor.stop()
    path.with_name("store.db-wal").write_bytes(b"x" * PAGE)
    path.unlink(missing_ok=True)
    store.kontor.start()
    assert store.put("a", b"x").error == "EIO"
    store.kontor.wait_log("is missing, but its log")


def test_replaced_file(make_store, path, folder):
    """A store that was brought back from a backup would be written to the deleted file."""
    store = make_store()
    store.put("a", b"old")
    store.kontor.stop()
    shutil.copy(path, folder / "backup")
    store.kontor.start()
    assert store.put("a", b"new").error == ""
    for name in ("store.db-wal", "store.db-shm"):
        path.with_name(name).unlink()
    os.rename(folder / "backup", path)
    assert store.get("a").value == b"old"
    assert store.put("b", b"x").error == ""
    store.kontor.stop()
    store.kontor.start()
    assert store.get("b").value == b"x"


def test_may_only_be_read(make_store, path):
    """A store that cannot be written would not tell so, or not even be read."""
    store = make_store()
    fill(store, 3)
    mount = subprocess.run(["mount", "--bind", "-o", "ro", path.parent, path.parent], check=False)
    if mount.returncode != 0:
        pytest.skip("needs to be root")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", path.parent], check=True)
        store.kontor.start()
        assert store.put("k0000", b"x").error in ("EROFS", "ENOTCONN")
        assert is_serving(store)
        store.kontor.stop()
    finally:
        subprocess.run(["umount", path.parent], check=True)


# ---------------------------------------------------------------- the disk

def test_full_disk(make_store, folder):
    """A full disk would lose what was acknowledged, or stop the worker."""
    place = folder / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=777", "tmpfs", place],
                      check=False).returncode != 0:
        pytest.skip("needs to be root")
    try:
        store = make_store(at=place / "store.db")
        assert store.put("small", b"x").error == ""
        kept, error = [], ""
        for number in range(100):
            error = store.put(f"k{number}", bytes=100000).error
            if error:
                break
            kept.append(f"k{number}")
        assert error == "ENOSPC" and kept
        assert store.add("n", 1).error in ("ENOSPC", "")
        assert is_serving(store)
        assert store.get("small").value == b"x"
        for key in kept:
            assert store.get(key).value == b"x" * 100000
        store.kontor.wait_log("full")
        # room again: the administrator enlarges it
        subprocess.run(["mount", "-o", "remount,size=20m", place], check=True)
        assert store.put("more", bytes=100000).error == ""
        store.kontor.stop()
        store.kontor.start()
        for key in [*kept, "more"]:
            assert store.get(key).value == b"x" * 100000
        store.kontor.stop()
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def disk(folder, monkeypatch):
    """A folder; a file "fails" or "hangs" in it is what every sync of the disk does."""
    assert SHIM.exists(), "make check builds it"
    faults = folder / "faults"
    faults.mkdir()
    for name, value in {"LD_PRELOAD": str(SHIM), "DISK_FAULTS": str(faults)}.items():
        monkeypatch.setitem(library.ENVIRONMENT, name, value)
    monkeypatch.setitem(library.ENVIRONMENT, "ASAN_OPTIONS",
                        library.ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0")
    return faults


def test_sync_hangs(make_store, disk):
    """A disk that does not answer would stop the worker, or its callers for ever."""
    store = make_store(timeout="1s")
    assert store.put("a", b"before").error == ""
    (disk / "hangs").touch()
    waits = []
    for _ in range(3):
        begin = time.monotonic()
        assert store.put("a", b"during").error == "ETIMEDOUT"
        waits.append(time.monotonic() - begin)
        assert store.get("a").value == b"before", "it is not on the disk"
        assert is_serving(store)
    assert max(waits) < 3
    (disk / "hangs").unlink()
    wait_until(lambda: store.put("b", b"after").error == "", 20, "the disk is back")
    # the first of them had begun; nobody waited for the others any more
    assert store.get("a").value in (b"before", b"during")


def test_sync_fails(make_store, disk):
    """A write that is not on the disk would be acknowledged, or one that is be lost."""
    store = make_store(workers="2")
    for number in range(20):
        assert store.put(f"k{number}", b"%d" % number).error == ""
    (disk / "fails").touch()
    for number in range(20, 30):
        assert store.put(f"k{number}", b"%d" % number).error == "EIO"
        assert store.add("n", 1).error == "EIO"
        assert store.get("k7").value == b"7"
    assert is_serving(store)
    store.kontor.wait_log("store: .*disk I/O error")
    (disk / "fails").unlink()
    assert store.put("after", b"x").error == ""
    crash(store)
    store.kontor.start()
    for number in range(20):
        assert store.get(f"k{number}").value == b"%d" % number
    assert store.get("after").value == b"x"


# ---------------------------------------------------------------- damage

def check_all(store, documents):
    """Each document is as it was, or an error. @return the errors"""
    errors = []
    for key, value in documents.items():
        got = store.get(key)
        if got.error:
            errors.append(got.error)
        else:
            assert got.value == value, "silently wrong"
    assert set(errors) <= {"EIO"}, errors
    return errors


@pytest.mark.parametrize("number", range(12))
def test_bit_flips(make_store, path, number):
    """A flipped bit would give a wrong value, or hide a document that is there."""
    print("seed", SEED + number)
    choice = random.Random(SEED + number)
    store = make_store()
    documents = fill(store)
    content = bytearray(path.read_bytes())
    used = [at for at in range(0, len(content), PAGE) if any(content[at:at + PAGE - 8])]
    place = choice.choice(used) + choice.randrange(PAGE)
    content[place] ^= 1 << choice.randrange(8)
    path.write_bytes(content)
    store.kontor.start()
    errors = check_all(store, documents)
    if place >= 2 * PAGE and errors:
        store.kontor.wait_log("damaged")
    # whatever cannot be read is told by a scan as well
    page = store.scan("k")
    assert page.error in ("", "EIO")
    # what is whole still works; what is damaged is not written over in silence
    assert store.put("new", b"x").error in ("", "EIO")
    assert is_serving(store)


def crash(store):
    """Kill everything, so that the log stays as it is. The master stands still meanwhile: who sees
    it die closes the store in order."""
    store.kontor.signal(signal.SIGSTOP)
    for pid in [*store.kontor.children(), store.kontor.process.pid]:
        store.kontor.kill(pid)
    store.kontor.process.wait()


FRAME = 24 + PAGE


def write_some(store):
    documents = {}
    for number in range(40):
        key = f"k{number:04}"
        documents[key] = key.encode() * 100
        assert store.put(key, documents[key]).error == ""
    return documents


@pytest.mark.parametrize("part", ["header", "salt", "page number", "page", "sum"])
def test_damaged_log(make_store, path, part):
    """What was acknowledged after the damaged place would be forgotten after a crash."""
    store = make_store()
    documents = write_some(store)
    crash(store)
    log = path.with_name("store.db-wal")
    content = bytearray(log.read_bytes())
    frame = 32 + 10 * FRAME
    place = {"header": 17, "salt": frame + 9, "page number": frame + 3, "page": frame + 24 + 2000,
             "sum": frame + 20}[part]
    content[place] ^= 4
    log.write_bytes(content)
    store.kontor.start()
    assert store.get("k0039").error == "EIO"
    assert store.put("k0039", b"x").error == "EIO"
    store.kontor.wait_log("store.db-wal is damaged at")
    assert is_serving(store)
    content[place] ^= 4
    log.write_bytes(content)
    wait_until(lambda: store.get("k0039").error == "", 20, "it is brought back")
    assert not check_all(store, documents)


@pytest.mark.parametrize("cut", [1, FRAME // 2, FRAME + 100])
def test_torn_log(make_store, path, cut):
    """A power failure in the middle of a write would make the whole store useless."""
    store = make_store()
    documents = write_some(store)
    crash(store)
    log = path.with_name("store.db-wal")
    os.truncate(log, log.stat().st_size - cut)
    store.kontor.start()
    found = {document.key: document.value for document in store.scan_all()}
    assert len(found) >= 38
    assert all(documents[key] == value for key, value in found.items())
    assert store.put("new", b"x").error == ""


def test_every_page_counts(make_store, path):
    """There would be a page whose damage nobody notices."""
    store = make_store()
    documents = fill(store, 120)
    whole = path.read_bytes()
    for at in range(PAGE, len(whole), PAGE):
        content = bytearray(whole)
        content[at + 2000] ^= 16
        path.write_bytes(content)
        store.kontor.start()
        check_all(store, documents)
        check = store.kontor.control("store", "check")
        assert check.returncode == 1, (at, check.stdout)
        store.kontor.stop()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated(make_store, path, part):
    """The documents of a file that was cut would be taken for deleted."""
    store = make_store()
    documents = fill(store)
    size = int(path.stat().st_size * part) // PAGE * PAGE
    os.truncate(path, size)
    store.kontor.start()
    errors = check_all(store, documents)
    assert errors
    assert store.scan("k").error == "EIO"
    assert is_serving(store)


def test_emptied(make_store, path):
    """A store of zero bytes would be taken for a new one."""
    store = make_store()
    documents = fill(store, 5)
    os.truncate(path, 0)
    store.kontor.start()
    assert len(check_all(store, documents)) == 5
    assert store.put("k0000", b"x").error == "EIO"
    assert path.stat().st_size == 0


# ---------------------------------------------------------------- others

def test_locked_by_another(make_store, path):
    """Another program that holds the file would stop the worker."""
    store = make_store(timeout="1s")
    assert store.put("a", b"x").error == ""
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.put("a", b"y").error == "ETIMEDOUT"
        assert store.get("a").value == b"x"
        assert is_serving(store)
        other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: store.put("a", b"z").error == "", 10, "it can be written again")


def test_workers_take_turns(make_store):
    """The writes of one worker would wait for ever behind those of a busy one."""
    store = make_store(workers="2")
    slowest, counts, lock, ended = [0.0], {}, threading.Lock(), threading.Event()

    def write(number):
        while not ended.is_set():
            begin = time.monotonic()
            answer = store.put(f"w{number}", b"x")
            assert answer.error == ""
            with lock:
                counts[answer.worker] = counts.get(answer.worker, 0) + 1
                slowest[0] = max(slowest[0], time.monotonic() - begin)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    wait_until(lambda: sum(counts.values()) > 600, 60, "writes")
    ended.set()
    for writer in writers:
        writer.join()
    assert len(counts) == 2 and slowest[0] < 3, (counts, slowest)


def test_log_does_not_grow(make_store, path):
    """Readers would keep the log from being emptied, until it fills the disk."""
    store = make_store()
    store.put("a", b"x")
    ended = threading.Event()

    def read():
        while not ended.is_set():
            assert store.get("a").error == ""

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(200):
            assert store.put(f"k{number % 20}", bytes=1 << 20).error == ""
        assert path.with_name("store.db-wal").stat().st_size < 100 << 20
        assert path.stat().st_size < 60 << 20
    finally:
        ended.set()
        reader.join()


def test_threads_and_descriptors_stay(make_store):
    """Each use of the store would cost a descriptor or a thread, until there are none."""
    store = make_store()
    pid = store.kontor.workers()[0]

    def use():
        for number in range(200):
            store.put(f"k{number}", b"x")
            store.get(f"k{number}")
            store.scan()

    def count():
        return (len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())),
                len(list(pathlib.Path(f"/proc/{pid}/task").iterdir())))
    use()
    before = count()
    use()
    wait_until(lambda: count()[0] <= before[0], 10, "descriptors are closed again")
    assert count()[1] == before[1]
