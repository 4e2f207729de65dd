/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CGI parameters of a request. Web servers hand over SCRIPT_NAME, PATH_INFO and DOCUMENT_URI
 * decoded (RFC 3875) and REQUEST_URI as it came, so only the last is decoded here.
 */
#include "http/params.h"

#include "http/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/** Slots of the table of names: twice the most parameters the engine lets through. */
#define TABLE_SIZE_MAX 1024u
/** How many repeated header lines are joined in one request. */
#define JOINS_MAX 64

const struct kt_params kt_params_none = {"", "", "", "", "", "", "", "", "", "", ""};

/* ---------------------------------------------------------------- names */

/** The length of an entry's name, and a hash of it (FNV-1a), in one go. */
static size_t name_measure(const char *entry, uint32_t *ret_hash)
{
    uint32_t hash = 2166136261u;
    size_t size = 0;
    for (; entry[size] && entry[size] != '='; size++)
        hash = (hash ^ (unsigned char)entry[size]) * 16777619u;
    *ret_hash = hash ^ hash >> 15;
    return size;
}

static bool is_name(const char *entry, size_t size, const char *name)
{
    return strlen(name) == size && memcmp(entry, name, size) == 0;
}

/** Client headers that the house must never believe, whatever the web server lets through. */
static bool is_dropped(const char *entry, size_t size)
{
    return is_name(entry, size, "HTTP_PROXY") || is_name(entry, size, "HTTP_REMOTE_USER");
}

/** Whether lines of this name may be joined to one. */
static bool is_joinable(const char *entry, size_t size)
{
    return size > 5 && memcmp(entry, "HTTP_", 5) == 0 && !is_name(entry, size, "HTTP_HOST") &&
           !is_name(entry, size, "HTTP_AUTHORIZATION") &&
           !is_name(entry, size, "HTTP_CONTENT_LENGTH") &&
           !is_name(entry, size, "HTTP_CONTENT_TYPE");
}

/** Keep the value of a parameter that the house needs. */
static void note(struct kt_params *params, const char *entry, size_t size)
{
    static const struct {
        const char *name;
        size_t size, offset;
    } wanted[] = {
#define WANTED(name, member) {name, sizeof(name) - 1, offsetof(struct kt_params, member)}
        WANTED("REQUEST_METHOD", method),
        WANTED("PATH_INFO", path_info),
        WANTED("SCRIPT_NAME", script_name),
        WANTED("DOCUMENT_URI", document_uri),
        WANTED("REQUEST_URI", request_uri),
        WANTED("QUERY_STRING", query),
        WANTED("CONTENT_TYPE", content_type),
        WANTED("CONTENT_LENGTH", content_length),
        WANTED("REMOTE_USER", user),
        WANTED("FCGI_DATA_LENGTH", data_length),
        WANTED("FCGI_DATA_LAST_MOD", data_modified),
#undef WANTED
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        if (wanted[i].size == size && memcmp(wanted[i].name, entry, size) == 0) {
            *(const char **)((char *)params + wanted[i].offset) = entry + size + 1;
            return;
        }
}

/** Join a repeated header line to the entry that is there. @return 0 or a negative errno */
static int join(TALLOC_CTX *context, char **entry, const char *repeated, size_t size, int *joins)
{
    if (!is_joinable(repeated, size) || ++*joins > JOINS_MAX)
        return -EINVAL;
    const char *separator = is_name(repeated, size, "HTTP_COOKIE") ? "; " : ", ";
    char *joined = talloc_asprintf(context, "%s%s%s", *entry, separator, repeated + size + 1);
    if (!joined)
        return -ENOMEM;
    *entry = joined;
    return 0;
}

int kt_params_scan(TALLOC_CTX *context, char **envp, struct kt_params *ret_params)
{
    uint16_t table[TABLE_SIZE_MAX]; /* place in envp + 1, 0: free */
    size_t count = 0, table_size = 16;
    *ret_params = kt_params_none;
    while (envp[count])
        count++;
    while (table_size < 2 * count)
        table_size *= 2;
    if (table_size > TABLE_SIZE_MAX)
        return -EINVAL;
    memset(table, 0, table_size * sizeof(*table));
    size_t kept = 0;
    int joins = 0;
    for (size_t i = 0; i < count; i++) {
        char *entry = envp[i];
        uint32_t hash;
        size_t size = name_measure(entry, &hash);
        if (is_dropped(entry, size))
            continue;
        size_t slot = hash & (table_size - 1);
        while (table[slot] && strncmp(envp[table[slot] - 1], entry, size + 1) != 0)
            slot = (slot + 1) & (table_size - 1);
        if (table[slot]) {
            int status = join(context, &envp[table[slot] - 1], entry, size, &joins);
            if (status < 0)
                return status;
            continue;
        }
        envp[kept] = entry;
        table[slot] = (uint16_t)++kept;
        note(ret_params, entry, size);
    }
    envp[kept] = NULL;
    return 0;
}

/* ---------------------------------------------------------------- the path */

/** The path of a REQUEST_URI: without scheme, host, query and fragment. */
static const char *uri_path(const char *uri, size_t *ret_size)
{
    const char *scheme_end = uri[0] == '/' ? NULL : strstr(uri, "://");
    if (scheme_end)
        uri = scheme_end + 3 + strcspn(scheme_end + 3, "/?#");
    *ret_size = strcspn(uri, "?#");
    return uri;
}

/** Take the configured mount off the front of a path, at a segment's end. @return whether it was */
static bool mount_take_off(char *path, const char *mount)
{
    size_t size = strlen(mount);
    if (size == 0 || strncmp(path, mount, size) != 0 || (path[size] && path[size] != '/'))
        return false;
    if (path[size])
        memmove(path, path + size, strlen(path + size) + 1);
    else
        memcpy(path, "/", 2);
    return true;
}

/**
 * Apache's proxy-fcgi-pathinfo hands PATH_INFO over still encoded. When it holds an escape, Apache
 * doesn't find it in the decoded path either and leaves that whole in SCRIPT_NAME. Seen by
 * REQUEST_URI being SCRIPT_NAME alone, which no proper split looks like.
 * @param ret_path  PATH_INFO decoded, if that was it
 */
static bool is_encoded_path_info(TALLOC_CTX *context, const struct kt_params *params,
                                 char **ret_path)
{
    if (!strchr(params->path_info, '%'))
        return false;
    size_t uri_size, script_size = strlen(params->script_name);
    const char *uri_start = uri_path(params->request_uri, &uri_size);
    char *uri = talloc_strndup(context, uri_start, uri_size);
    char *path = talloc_strdup(context, params->path_info);
    int path_size = path ? kt_percent_decode(path) : -ENOMEM;
    bool is_it = uri && path_size > 0 && (size_t)path_size <= script_size &&
                 kt_percent_decode(uri) >= 0 && strcmp(uri, params->script_name) == 0 &&
                 strcmp(params->script_name + script_size - path_size, path) == 0;
    talloc_free(uri);
    if (is_it)
        *ret_path = path;
    else
        talloc_free(path);
    return is_it;
}

/** The path by PATH_INFO: what is before it is the mount. */
static int path_by_info(TALLOC_CTX *context, const struct kt_params *params, const char **ret_path,
                        const char **ret_mount)
{
    char *path;
    size_t mount_size = strlen(params->script_name);
    if (is_encoded_path_info(context, params, &path))
        mount_size -= strlen(path);
    else
        path = talloc_strdup(context, params->path_info);
    while (mount_size > 0 && params->script_name[mount_size - 1] == '/')
        mount_size--;
    char *mount = talloc_strndup(context, params->script_name, mount_size);
    *ret_path = path;
    *ret_mount = mount;
    return path && mount ? kt_path_normalise(path) : -ENOMEM;
}

int kt_params_path(TALLOC_CTX *context, const struct kt_params *params, const char *mount,
                   const char **ret_path, const char **ret_mount)
{
    if (*params->path_info)
        return path_by_info(context, params, ret_path, ret_mount);
    const char *from = *params->script_name ? params->script_name : params->document_uri;
    size_t size = strlen(from);
    bool is_encoded = size == 0;
    if (is_encoded)
        from = uri_path(params->request_uri, &size);
    char *path = talloc_strndup(context, from, size);
    if (!path)
        return -ENOMEM;
    if (is_encoded && kt_percent_decode(path) < 0)
        return -EINVAL;
    int status = kt_path_normalise(path);
    if (status < 0)
        return status;
    bool is_mounted = mount_take_off(path, mount);
    *ret_path = path;
    *ret_mount = is_mounted ? talloc_strdup(context, mount) : "";
    return *ret_mount ? 0 : -ENOMEM;
}

int kt_params_page(TALLOC_CTX *context, const struct kt_params *params, const char **ret_path)
{
    size_t size;
    const char *uri = uri_path(params->request_uri, &size);
    char *path = size > 0
                     ? talloc_strndup(context, uri, size)
                     : talloc_asprintf(context, "%s%s", params->script_name, params->path_info);
    if (!path)
        return -ENOMEM;
    *ret_path = path;
    if (size > 0 && kt_percent_decode(path) < 0)
        return -EINVAL;
    return kt_path_normalise(path);
}

int64_t kt_params_length(const char *text)
{
    int64_t length = 0;
    /* Caddy says -1 of a body that comes in chunks. */
    if (!*text || strcmp(text, "-1") == 0)
        return KT_LENGTH_UNKNOWN;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || length > (INT64_MAX - 9) / 10)
            return -EINVAL;
        length = length * 10 + (*text - '0');
    }
    return length;
}
