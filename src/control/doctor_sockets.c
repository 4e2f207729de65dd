/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor looks at the sockets: are they there, who may connect, and does somebody speak FastCGI
 * there. The question is FCGI_GET_VALUES (FastCGI 1.0, 4.1), which runs no request.
 */
#include "config.h"

#include "base/word.h"
#include "control/doctor_private.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define AREA "socket"
#define UNIX_PREFIX "unix:"
#define SYSTEMD "systemd"
#define ANSWER_MS 3000
/** What systemd listens on for us: "/run/kontor/kontor.sock (Stream)", a line each. */
#define ASK_SYSTEMD "systemctl show --property=Listen --value kontor.socket 2>/dev/null"
/** Bytes of FastCGI's records: the header, and where its fields are. */
#define HEADER_BYTES 8
#define TYPE_AT 1
#define FASTCGI_VERSION 1
#define GET_VALUES 9
#define GET_VALUES_RESULT 10

/** @return 0, or a negative errno; -EPROTO: somebody else is there */
static int ask_values(int fd)
{
    static const char question[] = "\x01\x09\0\0\0\x11\0\0"
                                   "\x0f\0FCGI_MPXS_CONNS";
    unsigned char answer[HEADER_BYTES];
    size_t got = 0;
    if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) != (ssize_t)sizeof question - 1)
        return -EPROTO;
    while (got < sizeof answer) {
        struct pollfd stream = {.fd = fd, .events = POLLIN};
        int ready = poll(&stream, 1, ANSWER_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready == 0 ? -ETIMEDOUT : -errno;
        ssize_t size = read(fd, answer + got, sizeof answer - got);
        if (size <= 0)
            return size == 0 ? -EPROTO : -errno;
        got += (size_t)size;
    }
    return answer[0] == FASTCGI_VERSION && answer[TYPE_AT] == GET_VALUES_RESULT ? 0 : -EPROTO;
}

/** Connect and ask. @return as ask_values */
static int ask(const struct sockaddr *address, socklen_t size)
{
    const struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int result = connect(fd, address, size) == 0 ? ask_values(fd) : -errno;
    close(fd);
    return result;
}

/** Tell what came of it. */
static void tell(const struct kt_patient *patient, const char *address, int result)
{
    if (result == 0)
        kt_finding_add(patient->findings, KT_FINDING_OK, AREA, NULL, "%s answers", address);
    else if (result == -EACCES)
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, AREA, "try again as root",
                       "%s: you may not connect, so whether it answers is not known", address);
    else
        kt_finding_add(patient->findings, KT_FINDING_WRONG, AREA,
                       result == -EPROTO ? "stop what listens there, or choose another address"
                       : result == -ETIMEDOUT || result == -EAGAIN
                           ? "look why in the log: journalctl -u kontor"
                           : "systemctl start kontor.socket kontor, or kontord -c FILE",
                       "%s: %s", address,
                       result == -EPROTO      ? "somebody is there, but it is not kontord"
                       : result == -ETIMEDOUT ? "nobody answers"
                                              : strerror(-result));
}

/* ---------------------------------------------------------------- Unix sockets */

static int try_connect(const struct kt_patient *patient, const void *argument)
{
    (void)patient;
    return access(argument, W_OK) == 0 ? 0 : -errno;
}

/** Whether the users of the usual web servers may connect. */
static void examine_permissions(const struct kt_patient *patient, const char *path)
{
    static const char *const users[] = {"www-data", "nginx", "caddy", "lighttpd"};
    struct stat status;
    if (stat(path, &status) < 0)
        return;
    if ((status.st_mode & S_IWOTH) != 0) {
        kt_finding_add(patient->findings, KT_FINDING_ADVICE, AREA,
                       "give it to the web server's group, mode 0660: socket_group and "
                       "socket_mode, or kontor.socket",
                       "%s is open to everybody on this machine, who can claim to be any user of "
                       "the site",
                       path);
        return;
    }
    if (geteuid() != 0)
        return; /* nobody else's rights can be tried */
    bool has_one = false, has_any = false;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        const struct passwd *user = getpwnam(users[i]);
        if (user == NULL)
            continue;
        struct kt_patient server = *patient;
        server.uid = user->pw_uid;
        server.gid = user->pw_gid;
        server.user = users[i];
        has_any = true;
        if (kt_doctor_as_user(&server, try_connect, path) < 0)
            continue;
        has_one = true;
        kt_finding_add(patient->findings, KT_FINDING_OK, AREA, NULL, "%s may connect to %s",
                       users[i], path);
    }
    if (has_any && !has_one)
        kt_finding_add(patient->findings, KT_FINDING_WRONG, AREA,
                       "give it to the web server's group: socket_group, or SocketGroup= of "
                       "kontor.socket",
                       "no web server's user may connect to %s", path);
}

static void examine_unix(const struct kt_patient *patient, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return; /* told with the configuration */
    memcpy(address.sun_path, path, strlen(path) + 1);
    tell(patient, path, ask((const struct sockaddr *)&address, sizeof address));
    examine_permissions(patient, path);
}

/* ---------------------------------------------------------------- others */

/** HOST:PORT, where HOST is a number, perhaps in brackets. */
static void examine_tcp(const struct kt_patient *patient, const char *text)
{
    char *host = talloc_strdup(patient->context, text[0] == '[' ? text + 1 : text);
    char *colon = host != NULL ? strrchr(host, ':') : NULL;
    if (colon == NULL)
        return;
    *colon = '\0';
    if (colon > host && colon[-1] == ']')
        colon[-1] = '\0';
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return;
    tell(patient, text, ask(found->ai_addr, found->ai_addrlen));
    freeaddrinfo(found);
    kt_finding_add(patient->findings, KT_FINDING_ADVICE, AREA,
                   "listen on a Unix socket, which has permissions",
                   "%s is open to everybody on this machine, who can claim to be any user of the "
                   "site",
                   text);
}

static void examine_systemd(const struct kt_patient *patient)
{
    char line[256];
    unsigned count = 0;
    FILE *answer = popen(ASK_SYSTEMD, "re");
    while (answer != NULL && fgets(line, sizeof line, answer) != NULL) {
        line[strcspn(line, " \n")] = '\0';
        if (line[0] == '/')
            examine_unix(patient, line);
        else if (line[0] != '\0')
            examine_tcp(patient, line);
        count += line[0] != '\0';
    }
    if (answer != NULL)
        pclose(answer);
    if (count == 0)
        kt_finding_add(patient->findings, KT_FINDING_WRONG, AREA,
                       "systemctl enable --now kontor.socket, or another address in listen",
                       "listen is systemd, but systemd knows no kontor.socket");
}

void kt_doctor_sockets(const struct kt_patient *patient)
{
    const char *cursor = patient->settings->listen, *word;
    size_t length;
    while (cursor != NULL && (length = kt_word_next(&cursor, &word)) > 0) {
        const char *address = talloc_strndup(patient->context, word, length);
        if (address == NULL)
            return;
        if (strcmp(address, SYSTEMD) == 0)
            examine_systemd(patient);
        else if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
            examine_unix(patient, address + strlen(UNIX_PREFIX));
        else
            examine_tcp(patient, address);
    }
}
