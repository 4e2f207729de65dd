/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one writes today for FastCGI in C: libfcgi with a number of threads, each of which accepts a
 * request, handles it and takes the next; cJSON, libcurl for the upstream and hiredis for the
 * documents, with a kept connection in each thread. Stands beside kontor in scripts/bench and
 * answers below /api/evaluation/ as the plugin does.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <fcgiapp.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** As long as the kernel allows by default (net.core.somaxconn). */
#define BACKLOG 4096
/** The longest body that is echoed; a benchmark sends some hundred bytes. */
#define BODY_MAX 65536
/** How long rpc takes elsewhere, in microseconds. */
#define RPC_US 50000
/** Bytes of stack of a thread: handlers need little, and a thousand threads shall fit. */
#define STACK_SIZE (256u * 1024u)

/** Where the documents are. */
#define KVS "/api/evaluation/kvs/"

static int listener;
static const char *upstream_port;
static const char *redis_path;

/** What came, from the client or the upstream: it waits in each thread for its turn to be parsed.
 */
static __thread char body[BODY_MAX];
static __thread size_t body_size;

static void respond(FCGX_Request *request, const char *text, size_t size)
{
    FCGX_FPrintF(request->out, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                 (int)size);
    FCGX_PutStr(text, (int)size, request->out);
}

static void refuse(FCGX_Request *request, const char *status)
{
    FCGX_FPrintF(request->out, "Status: %s\r\n\r\n", status);
}

/** Parse the body and write it again; `failure` is the status when it is no JSON. */
static void pass(FCGX_Request *request, const char *failure)
{
    cJSON *json = cJSON_ParseWithLength(body, body_size);
    char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;
    if (text == NULL)
        refuse(request, failure);
    else
        respond(request, text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(json);
}

static void echo(FCGX_Request *request)
{
    body_size = (size_t)FCGX_GetStr(body, BODY_MAX, request->in);
    pass(request, "400 Bad Request");
}

static size_t body_add(char *data, size_t one, size_t size, void *argument)
{
    (void)one;
    (void)argument;
    if (size > sizeof body - body_size)
        return 0;
    memcpy(body + body_size, data, size);
    body_size += size;
    return size;
}

static void slow(FCGX_Request *request)
{
    static __thread CURL *transfer;
    long status = 0;
    if (transfer == NULL && (transfer = curl_easy_init()) != NULL) {
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%s/", upstream_port);
        curl_easy_setopt(transfer, CURLOPT_URL, url);
        curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(transfer, CURLOPT_TIMEOUT, 10L);
        curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, body_add);
    }
    body_size = 0;
    if (transfer != NULL && curl_easy_perform(transfer) == CURLE_OK)
        curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        pass(request, "502 Bad Gateway");
    else
        refuse(request, "502 Bad Gateway");
}

/** @param key  as it stands in the path: a benchmark's needs no decoding */
static void kvs(FCGX_Request *request, const char *key)
{
    static __thread redisContext *redis;
    if (redis != NULL && redis->err != 0) {
        redisFree(redis);
        redis = NULL;
    }
    if (redis == NULL)
        redis = redisConnectUnix(redis_path);
    redisReply *reply =
        redis != NULL && redis->err == 0 ? redisCommand(redis, "GET kvs:%s", key) : NULL;
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
        refuse(request, "503 Service Unavailable");
    else if (reply->type != REDIS_REPLY_STRING)
        refuse(request, "404 Not Found");
    else
        respond(request, reply->str, reply->len);
    freeReplyObject(reply);
}

static void *serve(void *argument)
{
    (void)argument;
    static const char constant[] = "{\"now\":\"a constant\"}";
    FCGX_Request request;
    FCGX_InitRequest(&request, listener, 0);
    while (FCGX_Accept_r(&request) == 0) {
        const char *path = FCGX_GetParam("PATH_INFO", request.envp);
        if (path != NULL && strcmp(path, "/api/evaluation/now") == 0) {
            respond(&request, constant, sizeof(constant) - 1);
        } else if (path != NULL && strcmp(path, "/api/evaluation/echo") == 0) {
            echo(&request);
        } else if (path != NULL && strcmp(path, "/api/evaluation/rpc") == 0) {
            usleep(RPC_US);
            respond(&request, constant, sizeof(constant) - 1);
        } else if (path != NULL && strcmp(path, "/api/evaluation/slow") == 0) {
            slow(&request);
        } else if (path != NULL && strncmp(path, KVS, strlen(KVS)) == 0) {
            kvs(&request, path + strlen(KVS));
        } else {
            refuse(&request, "404 Not Found");
        }
        FCGX_Finish_r(&request);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "Usage: peer_libfcgi SOCKET THREADS [UPSTREAM_PORT [REDIS_SOCKET]]\n");
        return 2;
    }
    upstream_port = argc > 3 ? argv[3] : "";
    redis_path = argc > 4 ? argv[4] : "";
    curl_global_init(CURL_GLOBAL_DEFAULT);
    FCGX_Init();
    listener = FCGX_OpenSocket(argv[1], BACKLOG);
    if (listener < 0) {
        perror(argv[1]);
        return 1;
    }
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    for (long left = strtol(argv[2], NULL, 10); left > 1; left--) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, serve, NULL) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    serve(NULL);
    return 0;
}
