/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets. One that comes with us at the start is the only one. A Unix socket gets its
 * owner and permissions before it listens, so nobody connects too early; a file left behind by a
 * kontord that died is replaced, one that somebody still serves is not.
 */
#include "config.h"

#include "master/listen.h"

#include "master/registry.h"

#include "base/word.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/** Connections that wait to be accepted; the kernel caps it at net.core.somaxconn. */
#define BACKLOG 4096
#define ADDRESS_MAX 256
#define SYSTEMD "systemd"
#define INHERITED "descriptor 0"
#define UNIX_PREFIX "unix:"
#define EXPECTED "expected is unix:/PATH (at most 107 bytes), 127.0.0.1:PORT, [::1]:PORT or systemd"

/** The socket that the one who started us left on descriptor 0, -1: none. */
static int inherited_fd = -1;

/** Either kind of address. */
union address {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/** What opening works on. */
struct opening {
    const struct kt_settings *settings;
    const struct kt_listeners *present;
    struct kt_problems *problems;
    struct kt_listeners *listeners; /**< also the context */
};

static void complain(const struct opening *opening, const char *address, const char *what)
{
    kt_problem_add(opening->problems, "%s: listen: %s: %s", opening->settings->listen_place,
                   address, what);
}

static bool parse_port(const char *text, in_port_t *ret_port)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || port == 0 || port > 65535)
        return false;
    *ret_port = htons((uint16_t)port);
    return true;
}

/** @return the length of the address, 0 when the text is none */
static socklen_t parse_address(const char *text, union address *address)
{
    char host[ADDRESS_MAX];
    memset(address, 0, sizeof(*address));
    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
        const char *path = text + strlen(UNIX_PREFIX);
        if (path[0] != '/' || strlen(path) >= sizeof(address->local.sun_path))
            return 0;
        address->local.sun_family = AF_UNIX;
        memcpy(address->local.sun_path, path, strlen(path) + 1);
        return sizeof(address->local);
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return 0;
    if (text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
        memcpy(host, text + 1, (size_t)(colon - text) - 2);
        host[colon - text - 2] = '\0';
        address->v6.sin6_family = AF_INET6;
        bool is_good = inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1 &&
                       parse_port(colon + 1, &address->v6.sin6_port);
        return is_good ? sizeof(address->v6) : 0;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    address->v4.sin_family = AF_INET;
    bool is_good = inet_pton(AF_INET, host, &address->v4.sin_addr) == 1 &&
                   parse_port(colon + 1, &address->v4.sin_port);
    return is_good ? sizeof(address->v4) : 0;
}

/** Remove a socket's file that nobody listens on. @return 0 or a negative errno */
static int remove_stale(const union address *address, socklen_t size)
{
    struct stat status;
    const char *path = address->local.sun_path;
    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(status.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    bool is_dead = connect(fd, &address->any, size) < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!is_dead)
        return -EADDRINUSE;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int set_permissions(const struct kt_settings *settings, const char *path)
{
    if ((settings->socket_owner != (uid_t)-1 || settings->socket_group != (gid_t)-1) &&
        chown(path, settings->socket_owner, settings->socket_group) < 0)
        return -errno;
    return chmod(path, settings->socket_mode) < 0 ? -errno : 0;
}

static int bind_unix(const struct kt_settings *settings, int fd, const union address *address,
                     socklen_t size)
{
    int result = remove_stale(address, size);
    if (result < 0)
        return result;
    mode_t mask = umask(0777);
    result = bind(fd, &address->any, size) < 0 ? -errno : 0;
    umask(mask);
    if (result == 0) {
        result = set_permissions(settings, address->local.sun_path);
        if (result < 0)
            unlink(address->local.sun_path);
    }
    return result;
}

static int bind_tcp(int fd, const union address *address, socklen_t size)
{
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -errno;
    return bind(fd, &address->any, size) < 0 ? -errno : 0;
}

/** @return 0, also when it failed and the problem was told; -ENOMEM */
static int open_address(const struct opening *opening, const char *text)
{
    union address address;
    socklen_t size = parse_address(text, &address);
    if (size == 0) {
        complain(opening, text, EXPECTED);
        return 0;
    }
    bool is_unix = address.any.sa_family == AF_UNIX;
    struct kt_listener *listener = &opening->listeners->list[opening->listeners->count];
    listener->address = talloc_strdup(opening->listeners, text);
    if (listener->address == NULL)
        return -ENOMEM;
    listener->unix_path = is_unix ? listener->address + strlen(UNIX_PREFIX) : NULL;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = fd < 0    ? -errno
                 : is_unix ? bind_unix(opening->settings, fd, &address, size)
                           : bind_tcp(fd, &address, size);
    if (result == 0 && listen(fd, BACKLOG) < 0)
        result = -errno;
    if (result == 0) {
        listener->fd = fd;
        opening->listeners->count++;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    complain(opening, text,
             result == -EEXIST ? "a file is there that is no socket" : strerror(-result));
    return 0;
}

/** Whether a descriptor from systemd is one that it keeps for us, by its name. */
static bool is_stored(const char *name)
{
    return strncmp(name, KT_STORED_PREFIX, strlen(KT_STORED_PREFIX)) == 0;
}

bool kt_listeners_come_from_systemd(void)
{
    char **names = NULL;
    bool result = false;
    int count = sd_listen_fds_with_names(0, &names);
    for (int i = 0; i < count; i++) {
        result |= !is_stored(names[i]);
        free(names[i]);
    }
    free(names);
    return result;
}

/** Take over all sockets that systemd passed. */
static int open_systemd(const struct opening *opening)
{
    char **names = NULL;
    int result = 0;
    bool has_sockets = kt_listeners_come_from_systemd();
    int count = sd_listen_fds_with_names(1, &names);
    if (!has_sockets)
        complain(opening, SYSTEMD,
                 "no sockets came from systemd; is there a socket unit, and is kontord started by "
                 "its service?");
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        struct kt_listeners *listeners = opening->listeners;
        if (is_stored(names[i])) {
            /* the registry's: it has taken it already */
        } else if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
            complain(opening, SYSTEMD, "a socket that is not a listening stream socket");
        } else if (listeners->count == KT_LISTENERS_MAX) {
            complain(opening, SYSTEMD, "too many sockets");
        } else {
            fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
            const char *address = talloc_asprintf(listeners, SYSTEMD ":%s", names[i]);
            if (address == NULL)
                result = -ENOMEM;
            else
                listeners->list[listeners->count++] = (struct kt_listener){address, NULL, fd};
        }
        free(names[i]);
    }
    free(names);
    return result;
}

static bool is_of(const struct kt_listener *listener, const char *address)
{
    size_t length = strlen(SYSTEMD ":");
    return strcmp(listener->address, address) == 0 ||
           (strcmp(address, SYSTEMD) == 0 && strncmp(listener->address, SYSTEMD ":", length) == 0);
}

/** Use again what is open for this address. @return whether there was something */
static bool keep_present(const struct opening *opening, const char *address)
{
    bool was_present = false;
    const struct kt_listeners *present = opening->present;
    struct kt_listeners *listeners = opening->listeners;
    for (unsigned i = 0; present != NULL && i < present->count; i++) {
        if (!is_of(&present->list[i], address) || listeners->count == KT_LISTENERS_MAX)
            continue;
        struct kt_listener *listener = &listeners->list[listeners->count++];
        *listener = present->list[i];
        listener->address = talloc_strdup(listeners, listener->address);
        if (listener->unix_path != NULL) {
            listener->unix_path = listener->address + strlen(UNIX_PREFIX);
            int result = set_permissions(opening->settings, listener->unix_path);
            if (result < 0)
                complain(opening, address, strerror(-result));
        }
        was_present = true;
    }
    return was_present;
}

static int open_one(const struct opening *opening, const char *address)
{
    struct kt_listeners *listeners = opening->listeners;
    for (unsigned i = 0; i < listeners->count; i++) {
        if (is_of(&listeners->list[i], address)) {
            complain(opening, address, "is listed twice");
            return 0;
        }
    }
    if (keep_present(opening, address))
        return 0;
    if (listeners->count == KT_LISTENERS_MAX) {
        complain(opening, address, "too many sockets");
        return 0;
    }
    return strcmp(address, SYSTEMD) == 0 ? open_systemd(opening) : open_address(opening, address);
}

bool kt_listeners_inherit(void)
{
    if (inherited_fd >= 0)
        return true;
    if (sd_is_socket(STDIN_FILENO, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return false;
    /* Away from 0, where plugins and what they start would find it. It may be blocking, since it
     * was made for applications that wait in accept. */
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    inherited_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (null < 0 || inherited_fd < 0 || dup2(null, STDIN_FILENO) < 0 ||
        fcntl(inherited_fd, F_SETFL, fcntl(inherited_fd, F_GETFL) | O_NONBLOCK) < 0) {
        close(inherited_fd);
        inherited_fd = -1;
    }
    close(null);
    return inherited_fd >= 0;
}

bool kt_listeners_are_inherited(void)
{
    return inherited_fd >= 0;
}

int kt_listeners_open(TALLOC_CTX *context, const struct kt_settings *settings,
                      const struct kt_listeners *present, struct kt_problems *problems,
                      struct kt_listeners **ret_listeners)
{
    size_t before = kt_problems_count(problems), length;
    struct kt_listeners *listeners = talloc_zero(context, struct kt_listeners);
    if (listeners == NULL)
        return -ENOMEM;
    if (inherited_fd >= 0) {
        listeners->list[listeners->count++] = (struct kt_listener){INHERITED, NULL, inherited_fd};
        *ret_listeners = listeners;
        return 0;
    }
    struct opening opening = {settings, present, problems, listeners};
    const char *cursor = settings->listen, *word;
    int result = 0;
    while (result == 0 && (length = kt_word_next(&cursor, &word)) > 0) {
        char address[ADDRESS_MAX];
        snprintf(address, sizeof(address), "%.*s", (int)length, word);
        result = open_one(&opening, address);
    }
    if (result == 0 && settings->listen[strspn(settings->listen, " \t")] == '\0')
        complain(&opening, "''", "at least one address is needed");
    if (result == 0 && kt_problems_count(problems) > before)
        result = -EINVAL;
    if (result < 0) {
        kt_listeners_close(listeners, present);
        talloc_free(listeners);
        return result;
    }
    *ret_listeners = listeners;
    return 0;
}

void kt_listeners_check(const struct kt_settings *settings, struct kt_problems *problems)
{
    const struct opening opening = {.settings = settings, .problems = problems};
    const char *cursor = settings->listen, *word;
    union address address;
    size_t length;
    while ((length = kt_word_next(&cursor, &word)) > 0) {
        char text[ADDRESS_MAX];
        snprintf(text, sizeof(text), "%.*s", (int)length, word);
        if (strcmp(text, SYSTEMD) != 0 && parse_address(text, &address) == 0)
            complain(&opening, text, EXPECTED);
    }
    if (settings->listen[strspn(settings->listen, " \t")] == '\0')
        complain(&opening, "''", "at least one address is needed");
}

void kt_listeners_close(const struct kt_listeners *listeners, const struct kt_listeners *others)
{
    for (unsigned i = 0; listeners != NULL && i < listeners->count; i++) {
        const struct kt_listener *listener = &listeners->list[i];
        bool is_kept = false;
        for (unsigned j = 0; others != NULL && j < others->count; j++)
            is_kept = is_kept || others->list[j].fd == listener->fd;
        if (is_kept)
            continue;
        close(listener->fd);
        if (listener->unix_path != NULL)
            unlink(listener->unix_path);
    }
}
