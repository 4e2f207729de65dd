# SPDX-License-Identifier: BSD-2-Clause
"""The store in Redis when Redis is not well: gone, slow, full, closed to us, or not Redis at all.

What both backends have in common is test_store.py's.
"""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest

import kontor as library
from fastcgi import wait_until
from ports import free_port
from redis_server import Impostor, Redis, descriptors
from store import Store

# What a call may take beyond the store's time-out on a busy machine, in seconds.
SLACK = 2
MEBIBYTE = 1 << 20


@pytest.fixture
def make_redis(folder):
    """A function that starts a Redis; all are killed at the end."""
    started = []

    def make(**options):
        started.append(Redis(folder / f"redis{len(started)}", **options))
        return started[-1]

    yield make
    for redis in started:
        redis.stop()


@pytest.fixture
def redis(make_redis):
    return make_redis()


@pytest.fixture
def make_store(make_kontor):
    """A function that starts a kontord with its store at an address."""
    def make(address, timeout="1s", **settings):
        return Store(make_kontor(plugins=("evaluation", "store"), settings={
            "store": address, "store_timeout": timeout, **settings}))
    return make


@pytest.fixture
def make_impostor():
    started = []

    def make(*arguments, **options):
        started.append(Impostor(*arguments, **options))
        return started[-1]

    yield make
    for impostor in started:
        impostor.stop()


def is_serving(kontor):
    """Whether a request that needs no store is answered at once."""
    begin = time.monotonic()
    with kontor.client() as client:
        status = client.get("/api/evaluation/now").status
    return status == 200 and time.monotonic() - begin < SLACK


def wait_for_value(store, key, value):
    wait_until(lambda: store.get(key).value == value, 20, f"{key} is {value}")


# ---------------------------------------------------------------- getting in

@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_password(make_redis, make_store, folder, way):
    """A Redis with a password could not be used, or only with the password in the open."""
    redis = make_redis(password="sesame%/")
    secret = folder / "secret"
    secret.write_text("sesame%/\n")
    secret.chmod(0o600)
    store = make_store(redis.unix if way == "unix" else redis.tcp + "/7",
                       store_password_file=str(secret))
    assert store.put("a", b"1").error == ""
    assert store.get("a").value == b"1"
    assert "sesame" not in store.kontor.log()


def test_user(redis, make_store):
    """A user who may do what kontor needs, and no more, would be refused."""
    redis.ask("ACL", "SETUSER", "kontor", "on", ">s3same", "~kontor:*", "+get", "+set", "+incrby",
              "+eval", "+evalsha", "+getrange", "+exists", "+zadd", "+zrem", "+zrangebylex",
              "+incr", "+del", "+pexpire", "+select")
    store = make_store(f"redis://kontor:s3same@127.0.0.1:{redis.port}/0")
    assert store.put("a", b"1").error == ""
    assert store.get("a").value == b"1"
    assert [document.key for document in store.scan().documents] == ["a"]
    assert store.add("n", 3).value == 3
    lease = store.claim("l", 5000)
    assert store.release(lease).error == ""
    assert "s3same" not in store.kontor.log()


@pytest.mark.parametrize("login, words", [
    (":wr0ng@", "user or password"), ("nobody:wr0ng@", "user or password"), ("", "password")])
def test_wrong_password(make_redis, make_store, login, words):
    """An operator would look for the reason in vain, or find the password in the log."""
    redis = make_redis(password="sesame")
    store = make_store(f"redis://{login}127.0.0.1:{redis.port}/0")
    wait_until(lambda: store.get("a").error == "ENOTCONN" and words in store.kontor.log(), 20, words)
    assert "wr0ng" not in store.kontor.log()
    redis.ask("CONFIG", "SET", "requirepass", "wr0ng" if login.startswith(":") else "")


def make_certificate(folder):
    """A certificate for localhost that signs itself."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
                   check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.skipif("HAVE_HIREDIS_SSL 1" not in (library.BUILD / "config.h").read_text(),
                    reason="this hiredis has no TLS")
@pytest.mark.parametrize("host, is_trusted", [
    ("localhost", True), ("127.0.0.1", True), ("localhost", False)])
def test_tls(make_redis, make_store, folder, monkeypatch, host, is_trusted):
    """Documents would cross a network in the open, or go to whoever answers there."""
    certificate, key = make_certificate(folder)
    port = free_port()
    redis = make_redis(tls_port=port, tls_cert_file=certificate, tls_key_file=key,
                       tls_ca_cert_file=certificate, tls_auth_clients="no")
    if is_trusted:
        monkeypatch.setitem(library.ENVIRONMENT, "SSL_CERT_FILE", str(certificate))
    store = make_store(f"rediss://{host}:{port}/0")
    if host != "localhost" or not is_trusted:
        assert store.get("a").error == "ENOTCONN"
        store.kontor.wait_log("certificate")
        return
    assert store.put("a", b"1").error == ""
    assert store.put("large", bytes=MEBIBYTE).error == ""
    assert len(store.get("large").value) == MEBIBYTE
    assert len(store.scan().documents) == 2
    redis.kill()
    redis.start()
    wait_for_value(store, "a", None)


def test_tls_is_missing(make_store):
    """An operator who asks for TLS would get a store without."""
    if "HAVE_HIREDIS_SSL 1" in (library.BUILD / "config.h").read_text():
        pytest.skip("this hiredis has TLS")
    store = make_store("rediss://localhost/0")
    assert store.get("a").error == "ENOTCONN"
    store.kontor.wait_log("no TLS")


def test_newer_schema(redis, make_store):
    """An old kontor would spoil what a newer one has written."""
    redis.ask("SET", "kontor:schema", 2)
    store = make_store(redis.unix)
    assert store.put("a", b"1").error == "ENOTCONN"
    store.kontor.wait_log("newer kontor")
    assert redis.ask("KEYS", "*") == [b"kontor:schema"]


# ---------------------------------------------------------------- what others have written

def test_documents_are_legible(redis, make_store):
    """An operator with redis-cli would not find what kontor has stored."""
    store = make_store(redis.unix)
    revision = store.put("ada", b'{"a":1}').revision
    assert redis.ask("GET", "kontor:{test}:d:ada") == b'%d {"a":1}' % revision
    assert redis.ask("ZRANGE", "kontor:{test}:i", 0, -1) == [b"ada"]


@pytest.mark.parametrize("spoil", [
    ("SET", "kontor:{test}:d:a", "junk"), ("SET", "kontor:{test}:d:a", "12345678901234567 x"),
    ("RPUSH", "kontor:{test}:d:a", "x"), ("SET", "kontor:{test}:d:a", "0 x")])
def test_damaged_document(redis, make_store, spoil):
    """Junk would be taken for a document."""
    store = make_store(redis.unix)
    assert store.put("a", b"1").error == ""
    redis.ask("DEL", "kontor:{test}:d:a")
    redis.ask(*spoil)
    assert store.get("a").error == "EIO"
    assert store.scan().error == "EIO"
    assert store.put("a", b"1", revision=1).error == "EIO"
    store.kontor.wait_log("test/a")
    redis.ask("DEL", "kontor:{test}:d:a")
    assert store.get("a").error == "ENOENT"
    assert store.scan().documents == []
    assert store.put("a", b"2").revision > 1


def test_scripts_are_forgotten(redis, make_store):
    """After a SCRIPT FLUSH, or a failover, nothing could be written any more."""
    store = make_store(redis.unix)
    for i in range(3):
        assert store.put("a", b"%d" % i).error == ""
        redis.ask("SCRIPT", "FLUSH")
    assert store.get("a").value == b"2"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_moving_to_another_store(redis, make_store, folder, host):
    """Who outgrows one machine could not move to Redis, or not back."""
    old = make_store(f"sqlite:{folder}/old.db")
    for number in range(600):
        assert old.put(f"k{number}", b"v%d" % number).error == ""
    for number in range(5):
        assert old.add(f"n{number}", number - 2).error == ""
    exported = folder / "exported"
    assert old.kontor.control("store", "export", str(exported)).returncode == 0
    new = make_store(f"redis://{host}:{redis.port}/0")
    result = new.kontor.control("store", "import", str(exported))
    assert result.returncode == 0, result.stderr
    assert new.get("k599").value == b"v599"
    assert new.add("n4", 0).value == 2
    other = make_store(redis.unix + "?db=2")  # that is not part of the export
    assert other.put("z", b"1").error == ""
    redis.ask("EVAL", "for i = 1, 5000 do redis.call('SET', 'other' .. i, i) end", 0)
    again = folder / "again"
    result = new.kontor.control("store", "export", str(again))
    assert result.returncode == 0, result.stderr
    assert sorted(again.read_text().splitlines()) == sorted(exported.read_text().splitlines())
    assert new.kontor.control("store", "check").returncode == 0


# ---------------------------------------------------------------- gone and back

def test_restarts_under_load(make_redis, make_store):
    """What kontor has acknowledged would be gone after Redis has crashed."""
    redis = make_redis(appendonly="yes", appendfsync="always")
    store = make_store(redis.unix)
    acknowledged, unknown, others, is_over = [0], [0], [], threading.Event()
    lock = threading.Lock()

    def work():
        while not is_over.is_set():
            begin = time.monotonic()
            error = store.add("n", 1).error
            assert time.monotonic() - begin < 1 + SLACK
            with lock:
                if error == "":
                    acknowledged[0] += 1
                elif error in ("ENOTCONN", "ETIMEDOUT"):
                    unknown[0] += 1
                else:
                    others.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        goal = acknowledged[0] + 100
        wait_until(lambda: acknowledged[0] >= goal, 30, "acknowledged additions")
        redis.kill()
        assert is_serving(store.kontor)
        redis.start()
    goal = acknowledged[0] + 100
    wait_until(lambda: acknowledged[0] >= goal, 30, "acknowledged additions")
    is_over.set()
    for thread in threads:
        thread.join()
    assert others == []
    final = int(redis.ask("GET", "kontor:{test}:c:n"))
    assert acknowledged[0] <= final <= acknowledged[0] + unknown[0]
    assert len([line for line in store.kontor.log().splitlines() if " is back" in line]) <= 5


def test_not_there_at_first(make_redis, make_store):
    """kontor would have to be restarted when it was started before Redis."""
    redis = make_redis()
    redis.kill()
    store = make_store(redis.tcp)
    assert store.get("a").error == "ENOTCONN"
    redis.start()
    wait_until(lambda: store.get("a").error == "ENOENT", 20, "Redis is found")


def test_two_hundred_connections_are_lost(redis, make_store):
    """A worker would run out of descriptors after some weeks of lost connections."""
    store = make_store(redis.tcp)
    assert store.put("a", b"1").error == ""
    assert len(store.scan().documents) == 1
    pid = store.kontor.workers()[0]
    before = descriptors(pid)
    for _ in range(200):
        assert redis.ask("CLIENT", "KILL", "TYPE", "normal") >= 1
        wait_for_value(store, "a", b"1")
    assert len(store.scan().documents) == 1
    wait_until(lambda: descriptors(pid) <= before, 10, f"{before} descriptors")
    wait_until(lambda: redis.count_clients() <= 2, 10, "two clients")


# ---------------------------------------------------------------- stopped

def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_stopped(redis, make_store, way):
    """A Redis that hangs would hang kontor, or fill its memory."""
    store = make_store(getattr(redis, way), timeout="500ms")
    assert store.put("a", b"1").error == ""
    assert store.put("large", bytes=MEBIBYTE).error == ""
    pid = store.kontor.workers()[0]
    before = resident_bytes(pid)
    redis.signal(signal.SIGSTOP)
    end = time.monotonic() + 4
    errors, lock = set(), threading.Lock()

    def work(function):
        while time.monotonic() < end:
            begin = time.monotonic()
            error = function().error
            took = time.monotonic() - begin
            with lock:
                errors.add(error if took < 0.5 + SLACK else f"after {took} s")
            time.sleep(0.01)  # while it pauses it fails at once

    threads = [threading.Thread(target=work, args=(function,)) for function in
               [lambda: store.get("a"), lambda: store.put("a", b"1"), store.scan] +
               8 * [lambda: store.put("large", bytes=MEBIBYTE)]]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        assert is_serving(store.kontor)
    for thread in threads:
        thread.join()
    assert errors <= {"ETIMEDOUT", "ENOTCONN"} and "ETIMEDOUT" in errors
    assert resident_bytes(pid) - before < 60 * MEBIBYTE
    redis.signal(signal.SIGCONT)
    wait_for_value(store, "a", b"1")
    wait_until(lambda: store.put("large", bytes=10).error == "", 20, "the other connection, too")


def test_many_large_values_wait(redis, make_store):
    """What waits for a Redis that hangs would be in memory twice and more."""
    count = 64
    store = make_store(redis.unix, timeout="20s")
    assert store.put("a", bytes=MEBIBYTE).error == ""
    pid = store.kontor.workers()[0]
    before = resident_bytes(pid)
    redis.signal(signal.SIGSTOP)
    clients = [store.kontor.client() for _ in range(count)]
    for number, client in enumerate(clients):
        client.start(store.path_of("put", key=str(number), bytes=MEBIBYTE), method="POST")
    store.kontor.wait_requests(count)
    assert resident_bytes(pid) - before < (count + 24) * MEBIBYTE
    redis.signal(signal.SIGCONT)
    for client in clients:
        assert b'"error":""' in client.read_response().body
        client.close()


def test_asker_goes_away(redis, make_store):
    """The answer for a visitor who has left would go to another, or crash the worker."""
    store = make_store(redis.unix, timeout="10s")
    for key in "ab":
        assert store.put(key, key.encode()).error == ""
    before = store.kontor.processes()
    redis.signal(signal.SIGSTOP)
    for _ in range(20):
        with store.kontor.client() as client:
            client.start(store.path_of("get", key="a"))
            store.kontor.wait_requests(1)
    store.kontor.wait_processes(before)
    threading.Timer(0.3, redis.signal, [signal.SIGCONT]).start()
    assert store.get("b").value == b"b"
    assert store.get("a").value == b"a"
    store.kontor.wait_processes(before)


def test_stopping_while_calls_wait(redis, make_store):
    """kontor could not be stopped while Redis hangs."""
    store = make_store(redis.unix, timeout="60s")
    assert store.put("a", b"1").error == ""
    redis.signal(signal.SIGSTOP)
    with store.kontor.client() as client:
        client.start(store.path_of("get", key="a"))
        store.kontor.wait_requests(1)
    store.kontor.stop()


def test_connection_that_fell_silent(make_impostor, make_store):
    """When a firewall has forgotten a connection the store would be lost until a restart."""
    def answer(writer, words):
        if impostor.connections > 1:
            writer.write(b"$3\r\n1 x\r\n")

    impostor = make_impostor(answer)
    store = make_store(impostor.tcp, timeout="500ms")
    assert store.get("a").error == "ETIMEDOUT"
    wait_for_value(store, "a", b"x")


def test_reading_goes_on_after_a_loss(make_impostor, make_store):
    """Each lost connection would be an error for someone who only reads."""
    def answer(writer, words):
        if impostor.connections == 1:
            return False
        writer.write(b"$3\r\n1 x\r\n")

    impostor = make_impostor(answer)
    assert make_store(impostor.tcp).get("a").value == b"x"


def test_changes_are_sent_once(make_impostor, make_store):
    """What was counted once would be counted twice, when the answer got lost."""
    changes = []

    def answer(writer, words):
        changes.append(words[0])
        return False

    store = make_store(make_impostor(answer).tcp)
    assert store.add("n", 1).error == "ENOTCONN"
    wait_until(lambda: store.put("a", b"1").error == "ENOTCONN" and len(changes) > 1, 20, "a put")
    time_of_a_pause = 0.5
    time.sleep(time_of_a_pause)  # there is no event to await: nothing must happen
    assert changes[0] == b"INCRBY" and b"INCRBY" not in changes[1:]


# ---------------------------------------------------------------- full, read only

def test_full(redis, make_store):
    """A full Redis would look like one that is gone, or lose documents half written."""
    store = make_store(redis.unix)
    assert store.put("a", b"1").error == ""
    redis.ask("CONFIG", "SET", "maxmemory", 1)
    assert store.put("b", b"1").error == "ENOSPC"
    assert store.add("n", 1).error == "ENOSPC"
    assert store.claim("l", 1000).error == "ENOSPC"
    assert store.get("a").value == b"1"
    assert [document.key for document in store.scan().documents] == ["a"]
    assert store.delete("a").error == ""
    redis.ask("CONFIG", "SET", "maxmemory", 0)
    assert store.put("b", b"1").error == ""
    store.kontor.wait_log("maxmemory")


def test_replica(make_redis, make_store):
    """A store that can be read only would take writes, or refuse reads."""
    primary = make_redis()
    assert make_store(primary.unix).put("a", b"1").error == ""
    replica = make_redis(replicaof=f"127.0.0.1 {primary.port}")
    wait_until(lambda: replica.ask("EXISTS", "kontor:{test}:d:a") == 1, 20, "the copy")
    store = make_store(replica.unix)
    assert store.get("a").value == b"1"
    assert [document.key for document in store.scan().documents] == ["a"]
    assert store.add("n", 0).value == 0
    assert store.put("a", b"2").error == "EROFS"
    assert store.delete("a").error == "EROFS"
    assert store.add("n", 1).error == "EROFS"
    assert store.claim("l", 1000).error == "EROFS"
    store.kontor.wait_log("replica")


def test_failover(make_redis, make_store):
    """After a failover kontor would go on writing to the old primary, in vain, until a restart."""
    redis = make_redis()
    store = make_store(redis.unix)
    assert store.put("a", b"1").error == ""
    path = redis.path
    other = make_redis()
    redis.ask("REPLICAOF", "127.0.0.1", other.port)
    assert store.put("a", b"2").error == "EROFS"
    os.rename(other.path, path)  # the address stands for another server now
    wait_until(lambda: store.put("a", b"2").error == "", 20, "the new primary takes writes")
    wait_for_value(store, "a", b"2")


def test_forgetful_redis_is_told(make_redis, make_store):
    """Documents would go, one by one, and nobody would have been warned."""
    redis = make_redis(maxmemory="100mb", maxmemory_policy="allkeys-lru")
    store = make_store(redis.unix)
    assert store.get("a").error == "ENOENT"
    store.kontor.wait_log("maxmemory-policy")


# ---------------------------------------------------------------- not Redis at all

GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a huge text": b"$999999999999\r\n" + b"x" * 1000,
    "a huge array": b"*2147483647\r\n",
    "arrays in arrays": b"*1000\r\n" * 8,
    "a negative text": b"$-7\r\n",
    "noise": bytes(range(128, 256)) * 100,
    "NULs": bytes(1000) + b"\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("greets", [True, False], ids=["later", "at once"])
def test_garbage(make_impostor, make_store, garbage, greets):
    """A server that has gone mad would take a worker along."""
    def answer(writer, words):
        writer.write(garbage)

    impostor = make_impostor(answer, greets=greets)
    store = make_store(impostor.tcp)
    begin = time.monotonic()
    errors = {store.get("a").error, store.put("a", b"1").error}
    assert errors <= {"EIO", "ENOTCONN", "ETIMEDOUT"}
    assert time.monotonic() - begin < 2 * (1 + SLACK)
    assert is_serving(store.kontor)
    pid = store.kontor.workers()[0]
    assert resident_bytes(pid) < 200 * MEBIBYTE or "San" in store.kontor.log()


def test_endless_text(make_impostor, make_store):
    """A reply without an end would fill the memory."""
    def answer(writer, words):
        writer.write(b"$900000000\r\n" + b"x" * (16 * MEBIBYTE))

    store = make_store(make_impostor(answer).tcp, timeout="5s")
    pid = store.kontor.workers()[0]
    before = resident_bytes(pid)
    assert store.get("a").error == "EIO"
    store.kontor.wait_log("bounds")
    assert resident_bytes(pid) - before < 40 * MEBIBYTE


@pytest.mark.parametrize("more, error", [
    (b"+OK\r\n", "EIO"), (b"-ERR gone mad\r\n", "ENOTCONN"), (b"$3\r\n1 x\r\n" * 100, "EIO")])
def test_answers_that_nobody_has_asked_for(make_impostor, make_store, more, error):
    """One answer too many, and each visitor would get what was another's."""
    def answer(writer, words):
        writer.write(b"$5\r\n7 %b\r\n" % words[1][-3:] + more)

    store = make_store(make_impostor(answer).tcp)
    for _ in range(5):
        for key in ("aaa", "bbb"):
            got = store.get(key)
            assert got.value == key.encode() if got.error == "" else got.error in (
                error, "ENOTCONN")
    assert is_serving(store.kontor)


@pytest.mark.parametrize("reply", [
    b":7\r\n", b"+OK\r\n", b"*0\r\n", b"*3\r\n:0\r\n$1\r\na\r\n$-1\r\n", b"$0\r\n\r\n",
    b"*2\r\n*0\r\n*0\r\n"])
def test_answers_of_another_kind(make_impostor, make_store, reply):
    """An answer of the wrong kind would be read as one of the right."""
    def answer(writer, words):
        writer.write(reply)

    store = make_store(make_impostor(answer).tcp)
    assert store.get("a").error == "EIO"
    assert store.scan().error == "EIO"
    if reply != b":7\r\n":
        assert store.put("a", b"1").error == "EIO"
        assert store.add("n", 1).error == "EIO"
        assert store.claim("l", 1000).error == "EIO"


@pytest.mark.parametrize("greets", [True, False], ids=["later", "at once"])
def test_not_ready(make_impostor, make_store, greets):
    """A Redis that is still loading would look like a broken one."""
    def answer(writer, words):
        writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")

    store = make_store(make_impostor(answer, greets=greets).tcp)
    assert store.get("a").error == "ENOTCONN"
    store.kontor.wait_log("LOADING")


def test_too_many_clients(redis, make_store):
    """An operator would not learn why a Redis that is well can't be reached."""
    redis.ask("CONFIG", "SET", "maxclients", 1)
    with socket.create_connection(("127.0.0.1", redis.port)):
        store = make_store(redis.unix)
        assert store.get("a").error == "ENOTCONN"
        store.kontor.wait_log("max number of clients")
    wait_until(lambda: store.get("a").error == "ENOENT", 20, "there is room again")


def test_password_is_repeated_by_the_server(make_impostor, make_store):
    """A server that does not know AUTH would have the password written into the log."""
    def answer(writer, words):
        writer.write(b"-ERR unknown command 'AUTH', with args beginning with: 's3same'\r\n")

    store = make_store("redis://:s3same@" + make_impostor(answer, greets=False).tcp[8:])
    assert store.get("a").error == "ENOTCONN"
    store.kontor.wait_log("can't be reached")
    assert "s3same" not in store.kontor.log()
