/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of fcgi_load: what it says of itself, and every value in its bounds.
 */
#include "config.h"

#include "fcgi_options.h"

#include "fcgi_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define CONNECTIONS_MAX 60000u

static const char usage[] =
    "Usage: fcgi_load [OPTION …] SOCKET|HOST:PORT\n"
    "\n"
    "Sends the same request to a FastCGI program again and again, and says how it was answered.\n"
    "\n"
    "  -c, --connections N     connections (64)\n"
    "  -m, --multiplex N       requests at once on each of them (1)\n"
    "  -s, --seconds N         for how long requests are started (5); fractions are well\n"
    "  -n, --requests N        stop after so many instead\n"
    "      --close             a new connection for each request, instead of keeping them\n"
    "  -t, --timeout N         seconds after which a request has failed (10)\n"
    "      --method WORD       (GET, with a body POST)\n"
    "      --path PATH         (/)\n"
    "      --body TEXT\n"
    "      --content-type TYPE of the body (application/json)\n"
    "      --param NAME=VALUE  one more parameter, or another value for one that is sent\n"
    "      --expect-status N   any other status is an error (200)\n"
    "      --expect-body TEXT  any other body is an error\n"
    "      --json              say it as one line of JSON\n"
    "  -h, --help\n"
    "\n"
    "The exit status is 0 if all requests were answered as expected, 1 if not, 2 if it could not\n"
    "be tried. Rates are of successful answers while requests were started.\n";

enum {
    OPTION_CLOSE = 256,
    OPTION_METHOD,
    OPTION_PATH,
    OPTION_BODY,
    OPTION_CONTENT_TYPE,
    OPTION_PARAM,
    OPTION_STATUS,
    OPTION_EXPECT_BODY,
    OPTION_JSON
};

static const struct option long_options[] = {
    {"connections", required_argument, NULL, 'c'},
    {"multiplex", required_argument, NULL, 'm'},
    {"seconds", required_argument, NULL, 's'},
    {"requests", required_argument, NULL, 'n'},
    {"close", no_argument, NULL, OPTION_CLOSE},
    {"timeout", required_argument, NULL, 't'},
    {"method", required_argument, NULL, OPTION_METHOD},
    {"path", required_argument, NULL, OPTION_PATH},
    {"body", required_argument, NULL, OPTION_BODY},
    {"content-type", required_argument, NULL, OPTION_CONTENT_TYPE},
    {"param", required_argument, NULL, OPTION_PARAM},
    {"expect-status", required_argument, NULL, OPTION_STATUS},
    {"expect-body", required_argument, NULL, OPTION_EXPECT_BODY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

void options_refuse(const char *what, const char *value)
{
    fprintf(stderr, "fcgi_load: %s: %s; see --help\n", what, value);
    exit(2);
}

/** A number in bounds, or the end. */
static double number(const char *text, double least, double most, const char *name)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || !(value >= least && value <= most))
        options_refuse(name, text);
    return value;
}

/** Where the program listens: a path, or HOST:PORT with a numeric IPv4 address. */
static void parse_address(struct options *options, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (strchr(text, '/') == NULL && colon != NULL) {
        struct sockaddr_in *address = (struct sockaddr_in *)&options->address;
        char host[INET_ADDRSTRLEN];
        size_t length = (size_t)(colon - text);
        if (length >= sizeof host)
            options_refuse("address", text);
        memcpy(host, text, length);
        host[length] = '\0';
        address->sin_family = AF_INET;
        address->sin_port = htons((uint16_t)number(colon + 1, 1, UINT16_MAX, "port"));
        if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                      &address->sin_addr) != 1)
            options_refuse("address", text);
        options->address_size = sizeof *address;
    } else {
        struct sockaddr_un *address = (struct sockaddr_un *)&options->address;
        if (strlen(text) >= sizeof address->sun_path)
            options_refuse("path is too long", text);
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, text, strlen(text) + 1);
        options->address_size = sizeof *address;
    }
}

static void parse_param(struct options *options, const char *text)
{
    if (options->words.params_count == PARAMS_MAX || strchr(text, '=') == NULL)
        options_refuse("parameter", text);
    options->params[options->words.params_count++] = text;
}

void options_parse(struct options *options, int argc, char **argv)
{
    struct request_words *words = &options->words;
    int option;
    *options = (struct options){.connections = 64,
                                .streams = 1,
                                .seconds = 5,
                                .timeout = 10,
                                .is_kept = true,
                                .status = 200,
                                .words = {.path = "/", .content_type = "application/json"}};
    words->params = options->params;
    while ((option = getopt_long(argc, argv, "c:m:s:n:t:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->connections = (unsigned)number(optarg, 1, CONNECTIONS_MAX, "connections");
            break;
        case 'm':
            options->streams = (unsigned)number(optarg, 1, CLIENT_STREAMS_MAX, "multiplex");
            break;
        case 's':
            options->seconds = number(optarg, 0.01, 86400, "seconds");
            break;
        case 'n':
            options->requests = (uint64_t)number(optarg, 1, 1e15, "requests");
            break;
        case 't':
            options->timeout = number(optarg, 0.01, 3600, "timeout");
            break;
        case OPTION_CLOSE:
            options->is_kept = false;
            break;
        case OPTION_METHOD:
            words->method = optarg;
            break;
        case OPTION_PATH:
            words->path = optarg;
            break;
        case OPTION_BODY:
            words->body = optarg;
            break;
        case OPTION_CONTENT_TYPE:
            words->content_type = optarg;
            break;
        case OPTION_PARAM:
            parse_param(options, optarg);
            break;
        case OPTION_STATUS:
            options->status = (int)number(optarg, 100, 999, "status");
            break;
        case OPTION_EXPECT_BODY:
            options->expected_body = optarg;
            break;
        case OPTION_JSON:
            options->is_json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            exit(2);
        }
    }
    if (optind != argc - 1) {
        fputs(usage, stderr);
        exit(2);
    }
    parse_address(options, argv[optind]);
    if (!options->is_kept && options->streams > 1)
        options_refuse("only kept connections carry several requests", "--close");
    words->is_kept = options->is_kept;
    if (words->method == NULL)
        words->method = words->body ? "POST" : "GET";
    /* its Content-Length is of what does not come */
    if (strcmp(words->method, "HEAD") == 0)
        options_refuse("method", words->method);
}
