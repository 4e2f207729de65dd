<?php
// SPDX-License-Identifier: BSD-2-Clause
//
// The endpoints of the plugin evaluation as one writes them in PHP: one script as front controller,
// run by PHP-FPM; the extension curl for the upstream and phpredis, with a persistent connection,
// for the documents. peers.py writes the pool's configuration, and hands over what it needs:
// UPSTREAM_PORT and REDIS_SOCKET.

const PREFIX = '/api/evaluation/';
const KVS = PREFIX . 'kvs/';
const CONSTANT = ['service' => 'php', 'status' => 'ok'];
const RPC_US = 50000;

function respond(string $text, int $status = 200): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    header('Content-Length: ' . strlen($text));
    echo $text;
}

// Parse what came and write it again; $failure is the status when it is no JSON.
function pass(string $text, int $failure): void
{
    try {
        $value = json_decode($text, false, 512, JSON_THROW_ON_ERROR);
        respond(json_encode($value, JSON_THROW_ON_ERROR));
    } catch (JsonException) {
        respond('{"error":"no JSON"}', $failure);
    }
}

function slow(): void
{
    $transfer = curl_init('http://127.0.0.1:' . $_SERVER['UPSTREAM_PORT'] . '/');
    curl_setopt_array($transfer, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 10]);
    $text = curl_exec($transfer);
    $status = curl_getinfo($transfer, CURLINFO_RESPONSE_CODE);
    curl_close($transfer);
    $text !== false && $status === 200 ? pass($text, 502) : respond('{"error":"upstream"}', 502);
}

function kvs(string $key): void
{
    try {
        $redis = new Redis();
        $redis->pconnect($_SERVER['REDIS_SOCKET']);
        $text = $redis->get('kvs:' . rawurldecode($key));
    } catch (RedisException) {
        respond('{"error":"store"}', 503);
        return;
    }
    $text === false ? respond('{"error":"not found"}', 404) : respond($text);
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === PREFIX . 'now') {
    respond(json_encode(CONSTANT));
} elseif ($path === PREFIX . 'echo') {
    pass(file_get_contents('php://input'), 400);
} elseif ($path === PREFIX . 'rpc') {
    usleep(RPC_US);
    respond(json_encode(CONSTANT));
} elseif ($path === PREFIX . 'slow') {
    slow();
} elseif (str_starts_with($path, KVS)) {
    kvs(substr($path, strlen(KVS)));
} else {
    respond('{"error":"not found"}', 404);
}
