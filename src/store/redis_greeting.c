/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginning of a connection. Runs in the lane's process, before anybody else may call. */
#include "store/redis_greeting.h"

#include <errno.h>
#include <kontor/log.h>
#include <stdio.h>
#include <string.h>

/** The first word of an error: what follows may repeat what we have said, such as a password. */
static int code_bytes(const struct kt_redis_reply *reply)
{
    size_t bytes = strspn(reply->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool is_code = reply->text[bytes] == ' ' || reply->text[bytes] == '\0';
    return is_code && bytes <= 16 ? (int)bytes : 0;
}

/** Make a call of a few words, without waiting. @return NULL: it could not be sent */
static struct kt_redis_call *say(struct kt_redis_wire *wire, unsigned count,
                                 const char *const words[])
{
    struct kt_redis_call *call = kt_redis_call_new();
    if (!call)
        return NULL;
    for (unsigned i = 0; i < count; i++)
        kt_redis_call_add_text(call, words[i]);
    if (kt_redis_wire_send(wire, call) == 0)
        return call;
    talloc_free(call);
    return NULL;
}

#define SAY(wire, ...)                                                                             \
    say(wire, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                         \
        (const char *const[]){__VA_ARGS__})

/** Wait for a reply, which is then there. @return 0 or a negative errno */
static int hear(struct kt_redis_call *call, int64_t deadline_ms, struct kt_error *error)
{
    int result = call ? kt_redis_call_wait(call, deadline_ms) : -ENOTCONN;
    if (result == -ETIMEDOUT)
        return kt_error_set(error, result, "no answer in time");
    return result;
}

/* ---------------------------------------------------------------- who we are */

/** Log in and choose the database: before this is done nothing else may be said. */
static int enter(struct kt_redis_wire *wire, const struct kt_store_address *address,
                 int64_t deadline_ms, struct kt_error *error)
{
    struct kt_redis_call *auth = NULL, *choice = NULL;
    char number[16];
    int result = 0;
    snprintf(number, sizeof number, "%u", address->database);
    if (address->password && address->user)
        auth = SAY(wire, "AUTH", address->user, address->password);
    else if (address->password)
        auth = SAY(wire, "AUTH", address->password);
    if (address->database != 0)
        choice = SAY(wire, "SELECT", number);
    if (address->password)
        result = hear(auth, deadline_ms, error);
    if (result == 0 && auth && auth->reply->kind == KT_REDIS_ERROR)
        result = kt_error_set(error, -EACCES, "it does not take the user or password (%.*s)",
                              code_bytes(auth->reply), auth->reply->text);
    if (result == 0 && address->database != 0)
        result = hear(choice, deadline_ms, error);
    if (result == 0 && choice && choice->reply->kind == KT_REDIS_ERROR)
        result = kt_error_set(error, -EACCES,
                              kt_redis_reply_result(choice->reply) == -EACCES
                                  ? "it asks for a user or password"
                                  : "it has no database %u",
                              address->database);
    talloc_free(auth);
    talloc_free(choice);
    return result;
}

/** Pass on what the server has against us; what it repeats of our words is left out. */
static int refuse(const struct kt_redis_reply *reply, struct kt_error *error)
{
    const char *end = strstr(reply->text, ", with args");
    return kt_error_set(error, kt_redis_reply_result(reply), "it says: %.*s",
                        end ? (int)(end - reply->text) : (int)reply->bytes, reply->text);
}

/* ---------------------------------------------------------------- schema */

static int check_schema(const struct kt_redis_reply *reply, struct kt_error *error)
{
    int64_t version = 0;
    int result = kt_redis_reply_result(reply);
    if (result == -EACCES)
        return kt_error_set(error, result,
                            reply->text[2] == 'A' ? "it asks for a password"
                                                  : "the user may not read " KT_REDIS_SCHEMA_KEY);
    if (result < 0)
        return refuse(reply, error);
    result = kt_redis_reply_number(reply, &version);
    if (result == -ENOENT)
        return 0; /* it is read only, or full */
    if (result < 0 || version < 1)
        return kt_error_set(error, -EIO, KT_REDIS_SCHEMA_KEY " makes no sense");
    if (version > KT_REDIS_SCHEMA)
        return kt_error_set(error, -EIO,
                            "its documents were written by a newer kontor (schema %lld, this one "
                            "knows %d)",
                            (long long)version, KT_REDIS_SCHEMA);
    return 0;
}

/* ---------------------------------------------------------------- scripts */

static void take_sha(const struct kt_redis_reply *reply, char sha[KT_REDIS_SHA_DIGITS + 1])
{
    bool is_sha = reply->kind == KT_REDIS_TEXT && reply->bytes == KT_REDIS_SHA_DIGITS &&
                  strspn(reply->text, "0123456789abcdef") == KT_REDIS_SHA_DIGITS;
    snprintf(sha, KT_REDIS_SHA_DIGITS + 1, "%s", is_sha ? reply->text : "");
}

/* ---------------------------------------------------------------- what to know */

static bool info_is(const struct kt_redis_reply *info, const char *name, const char *wanted)
{
    const char *value;
    size_t bytes = kt_redis_info_find(info, name, &value);
    return bytes == strlen(wanted) && memcmp(value, wanted, bytes) == 0;
}

/** Tell what an operator should know; nothing when the user may not ask. */
static void tell(struct kt_redis_server *server, const struct kt_redis_reply *info)
{
    const char *version, *policy, *shown = server->address.shown;
    size_t bytes = kt_redis_info_find(info, "redis_version", &version);
    if (server->is_known)
        return;
    server->is_known = true;
    kt_log_info("store: connected with %s, Redis %.*s", shown, bytes ? (int)bytes : 1,
                bytes ? version : "?");
    if (info->kind != KT_REDIS_TEXT)
        return;
    if (info_is(info, "role", "slave"))
        kt_log_notice("store: %s is a replica: it can be read only", shown);
    if (info_is(info, "redis_mode", "cluster"))
        kt_log_warning("store: %s is one of a cluster; only namespaces that it has itself work",
                       shown);
    if (!info_is(info, "maxmemory", "0") &&
        kt_redis_info_find(info, "maxmemory_policy", &policy) > 0 &&
        !info_is(info, "maxmemory_policy", "noeviction"))
        kt_log_warning("store: %s forgets documents when it is full: set maxmemory-policy "
                       "noeviction",
                       shown);
    if (info_is(info, "aof_enabled", "0"))
        kt_log_notice("store: %s keeps no append-only file: what it has acknowledged may be lost "
                      "when it stops",
                      shown);
}

/* ---------------------------------------------------------------- all of it */

int kt_redis_greet(struct kt_redis_wire *wire, struct kt_redis_server *server, int64_t deadline_ms,
                   struct kt_error *error)
{
    int result = enter(wire, &server->address, deadline_ms, error);
    if (result < 0)
        return result;
    struct kt_redis_call *scripts[KT_REDIS_SCRIPTS];
    char schema[8];
    snprintf(schema, sizeof schema, "%d", KT_REDIS_SCHEMA);
    struct kt_redis_call *info = SAY(wire, "INFO");
    struct kt_redis_call *mark = SAY(wire, "SET", KT_REDIS_SCHEMA_KEY, schema, "NX");
    struct kt_redis_call *version = SAY(wire, "GET", KT_REDIS_SCHEMA_KEY);
    for (int i = 0; i < KT_REDIS_SCRIPTS; i++)
        scripts[i] = SAY(wire, "SCRIPT", "LOAD", kt_redis_scripts[i]);

    result = hear(info, deadline_ms, error);
    if (result == 0 && kt_redis_reply_result(info->reply) < 0 &&
        kt_redis_reply_result(info->reply) != -EACCES) /* that is no must */
        result = refuse(info->reply, error);
    if (result == 0)
        result = hear(version, deadline_ms, error);
    if (result == 0)
        result = check_schema(version->reply, error);
    for (int i = 0; i < KT_REDIS_SCRIPTS && result == 0; i++) {
        result = hear(scripts[i], deadline_ms, error);
        if (result == 0)
            take_sha(scripts[i]->reply, server->sha[i]);
    }
    if (result == 0)
        tell(server, info->reply);
    talloc_free(info);
    talloc_free(mark);
    talloc_free(version);
    for (int i = 0; i < KT_REDIS_SCRIPTS; i++)
        talloc_free(scripts[i]);
    return result;
}
