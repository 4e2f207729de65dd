# SPDX-License-Identifier: BSD-2-Clause
"""The endpoints of the plugin evaluation as one writes them with Falcon, run by gunicorn with workers
of gevent, one for each processor: requests wait in greenlets. urllib3 for the upstream and redis-py
(with hiredis) for the documents, both with pools of connections. UPSTREAM_PORT and REDIS_SOCKET are
in the environment."""

import json
import os
import time

import falcon
import redis
import urllib3

RPC_SECONDS = 0.05
# As many connections to the upstream and to Redis as requests may wait for them in one worker.
POOL_MAX = 1000


class Now:
    def on_get(self, _, response):
        response.media = {"service": "falcon", "status": "ok"}


class Echo:
    def on_post(self, request, response):
        response.media = request.get_media()


class Rpc(Now):
    def on_get(self, request, response):
        time.sleep(RPC_SECONDS)
        super().on_get(request, response)


class Slow:
    def __init__(self):
        self.pool = urllib3.HTTPConnectionPool("127.0.0.1", int(os.environ["UPSTREAM_PORT"]),
                                               maxsize=POOL_MAX, timeout=10)

    def on_get(self, _, response):
        answer = self.pool.request("GET", "/")
        if answer.status != 200:
            raise falcon.HTTPBadGateway()
        response.media = json.loads(answer.data)


class Kvs:
    def __init__(self):
        self.store = redis.Redis(unix_socket_path=os.environ["REDIS_SOCKET"],
                                 max_connections=POOL_MAX)

    def on_get(self, _, response, key):
        document = self.store.get(f"kvs:{key}")
        if document is None:
            raise falcon.HTTPNotFound()
        response.content_type = falcon.MEDIA_JSON
        response.data = document


app = falcon.App()
app.add_route("/api/evaluation/now", Now())
app.add_route("/api/evaluation/echo", Echo())
app.add_route("/api/evaluation/rpc", Rpc())
app.add_route("/api/evaluation/slow", Slow())
if "REDIS_SOCKET" in os.environ:
    app.add_route("/api/evaluation/kvs/{key}", Kvs())
