// SPDX-License-Identifier: BSD-2-Clause
//
// The endpoints of the plugin evaluation as one writes them in Node.js: the module http alone, one
// process for each processor (cluster), keep-alive to the web server and to the upstream; documents
// in Redis by one of the two clients that people use. It listens on a socket for the web server,
// and on a port for those who come without one.
//
//     node peer_node.js SOCKET PORT PROCESSES UPSTREAM_PORT [ioredis|redis REDIS_SOCKET]
"use strict";

const cluster = require("cluster");
const http = require("http");

const [path, port, processes, upstreamPort, client, redisPath] = process.argv.slice(2);
const CONSTANT = JSON.stringify({ service: "node", status: "ok" });
const RPC_MS = 50;

function respond(response, text, status = 200) {
    response.writeHead(status, {
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(text),
    });
    response.end(text);
}

function collect(stream, done) {
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (piece) => { text += piece; });
    stream.on("end", () => done(text));
}

// Parse what came and write it again; `failure` is the status when it is no JSON.
function pass(stream, response, failure) {
    collect(stream, (text) => {
        let value;
        try {
            value = JSON.parse(text);
        } catch {
            return respond(response, '{"error":"no JSON"}', failure);
        }
        return respond(response, JSON.stringify(value));
    });
}

const agent = new http.Agent({ keepAlive: true });

function slow(request, response) {
    http.get({ host: "127.0.0.1", port: upstreamPort, path: "/", agent }, (answer) => {
        pass(answer, response, 502);
    }).on("error", () => respond(response, '{"error":"upstream"}', 502));
}

// @return a function that reads a document by its name: a promise of text, or of null
function openStore() {
    if (client === "ioredis") {
        const Redis = require("ioredis");
        const store = new Redis(redisPath, { enableAutoPipelining: true });
        return (name) => store.get(name);
    }
    const store = require("redis").createClient({ socket: { path: redisPath } });
    store.connect();
    return (name) => store.get(name);
}

const KVS = "/api/evaluation/kvs/";
let getDocument;

function kvs(request, response) {
    getDocument(`kvs:${decodeURIComponent(request.url.slice(KVS.length))}`).then(
        (text) => (text === null ? respond(response, '{"error":"not found"}', 404)
            : respond(response, text)),
        () => respond(response, '{"error":"store"}', 503));
}

const routes = {
    "/api/evaluation/now": (request, response) => respond(response, CONSTANT),
    "/api/evaluation/echo": (request, response) => pass(request, response, 400),
    "/api/evaluation/rpc": (request, response) =>
        setTimeout(() => respond(response, CONSTANT), RPC_MS),
    "/api/evaluation/slow": slow,
};

if (cluster.isPrimary) {
    for (let left = Number(processes); left > 0; left--) {
        cluster.fork();
    }
} else {
    if (client) {
        getDocument = openStore();
    }
    const answer = (request, response) => {
        const route = client && request.url.startsWith(KVS) ? kvs : routes[request.url];
        if (route) {
            route(request, response);
        } else {
            respond(response, '{"error":"not found"}', 404);
        }
    };
    const direct = { host: "127.0.0.1", port: Number(port), backlog: 4096 };
    http.createServer(answer).listen(direct, () => {
        http.createServer(answer).listen({ path, backlog: 4096 });
    });
}
