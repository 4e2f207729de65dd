/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one writes today for FastCGI in C: libfcgi with a number of threads, each of which accepts a
 * request, handles it and takes the next; cJSON for the echo. Stands beside kontor in
 * scripts/bench and answers now, echo and rpc below /api/evaluation/ as the plugin does.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <fcgiapp.h>
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

static int listener;

static void respond(FCGX_Request *request, const char *text, size_t size)
{
    FCGX_FPrintF(request->out, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n",
                 (int)size);
    FCGX_PutStr(text, (int)size, request->out);
}

static void echo(FCGX_Request *request)
{
    static __thread char body[BODY_MAX];
    int size = FCGX_GetStr(body, BODY_MAX, request->in);
    cJSON *json = cJSON_ParseWithLength(body, (size_t)size);
    char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;
    if (text == NULL) {
        FCGX_FPrintF(request->out, "Status: 400 Bad Request\r\n\r\n");
    } else {
        respond(request, text, strlen(text));
    }
    cJSON_free(text);
    cJSON_Delete(json);
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
        } else {
            FCGX_FPrintF(request.out, "Status: 404 Not Found\r\n\r\n");
        }
        FCGX_Finish_r(&request);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "Usage: peer_libfcgi SOCKET THREADS\n");
        return 2;
    }
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
