/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one event, one line, one write. Knows stderr and the journal, and asks the runtime who
 * is speaking; knows no configuration and keeps no memory, so it works before and after everything
 * else does.
 */
#include "base/log.h"

#include "plugin/plugin.h"
#include "process/runtime.h"

#include <systemd/sd-journal.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/** journald's socket; sd_journal_send succeeds silently where it is missing. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/** How long a line waits for a full pipe that does not block, before it is dropped. */
#define PIPE_PATIENCE_MS 100
/** An escaped character takes at most four bytes: \x1b. */
#define ESCAPED_MAX 4
#define ROLE_MAX 32
/** Enough for time stamp, role, level, plugin and the label of a process. */
#define HEAD_MAX 256
#define LABEL_MAX (HEAD_MAX / 3)

static struct {
    enum kt_log_target target;
    enum kt_log_level level;
    bool is_journal_stream; /**< stderr leads to the journal, which reads "<N>" as the level */
    bool is_opened;
    char role[ROLE_MAX];
} state = {.target = KT_LOG_TARGET_STDERR, .level = KT_LOG_NOTICE};

static const char *const level_names[] = {
    [KT_LOG_ERROR] = "error", [KT_LOG_WARNING] = "warning", [KT_LOG_NOTICE] = "notice",
    [KT_LOG_INFO] = "info",   [KT_LOG_DEBUG] = "debug",
};

const char *kt_log_level_name(enum kt_log_level level)
{
    return level >= KT_LOG_ERROR && level <= KT_LOG_DEBUG ? level_names[level] : "notice";
}

bool kt_log_level_parse(const char *word, enum kt_log_level *ret_level)
{
    for (int level = KT_LOG_ERROR; level <= KT_LOG_DEBUG; level++) {
        if (strcmp(word, level_names[level]) == 0) {
            *ret_level = (enum kt_log_level)level;
            return true;
        }
    }
    return false;
}

/** systemd sets JOURNAL_STREAM to "device:inode" of the stream it connected (sd-daemon(3)). */
static bool is_stderr_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    unsigned long long device, inode;
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

bool kt_log_has_journal(void)
{
    return access(JOURNAL_SOCKET, W_OK) == 0;
}

int kt_log_open(enum kt_log_target target, enum kt_log_level level)
{
    if (target == KT_LOG_TARGET_JOURNAL && !kt_log_has_journal())
        return -ENOENT;
    state.target = target;
    state.level = level;
    state.is_journal_stream = is_stderr_journal();
    state.is_opened = true;
    return 0;
}

void kt_log_role(const char *role)
{
    snprintf(state.role, sizeof(state.role), "%s", role);
}

size_t kt_log_escape(char *buffer, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (const char *p = text; *p != '\0' && used + ESCAPED_MAX < size; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x20 && c != 0x7f) {
            buffer[used++] = *p;
            continue;
        }
        buffer[used++] = '\\';
        if (c == '\n') {
            buffer[used++] = 'n';
        } else if (c == '\t') {
            buffer[used++] = 't';
        } else if (c == '\r') {
            buffer[used++] = 'r';
        } else {
            buffer[used++] = 'x';
            buffer[used++] = digits[c >> 4];
            buffer[used++] = digits[c & 15];
        }
    }
    buffer[used] = '\0';
    return used;
}

/** Write a whole line; a pipe that stays full loses it rather than stopping everything. */
static void write_line(const char *line, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, line, size);
        if (written >= 0) {
            line += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd stream = {.fd = STDERR_FILENO, .events = POLLOUT};
            if (poll(&stream, 1, PIPE_PATIENCE_MS) <= 0)
                return;
        } else if (errno != EINTR) {
            return;
        }
    }
}

static size_t time_stamp(char *buffer, size_t size)
{
    struct timespec now;
    struct tm day;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &day);
    size_t used = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &day);
    int more = snprintf(buffer + used, size - used, ".%03ldZ ", now.tv_nsec / 1000000);
    return used + (size_t)more;
}

static void log_stderr(enum kt_log_level level, const char *speaker, const char *text)
{
    char line[HEAD_MAX + ESCAPED_MAX * KT_LOG_TEXT_MAX];
    size_t used = 0;
    int more;
    if (state.is_journal_stream) {
        more = snprintf(line, HEAD_MAX, "<%d>%s%s%s%s", (int)level, state.role,
                        state.role[0] ? ": " : "", speaker, speaker[0] ? ": " : "");
    } else {
        used = time_stamp(line, HEAD_MAX);
        more = snprintf(line + used, HEAD_MAX - used, "kontord[%d] %s%s%s: %s%s", (int)getpid(),
                        state.role, state.role[0] ? " " : "", kt_log_level_name(level), speaker,
                        speaker[0] ? ": " : "");
    }
    used += (size_t)more < HEAD_MAX - used ? (size_t)more : HEAD_MAX - used - 1;
    used += kt_log_escape(line + used, sizeof(line) - used - 1, text);
    line[used++] = '\n';
    write_line(line, used);
}

#define FIELD(buffer, length) ((struct iovec){.iov_base = (buffer), .iov_len = (size_t)(length)})

static void log_journal(enum kt_log_level level, const char *speaker, const char *text)
{
    char message[HEAD_MAX + ESCAPED_MAX * KT_LOG_TEXT_MAX];
    char priority[] = "PRIORITY=N";
    char identifier[] = "SYSLOG_IDENTIFIER=kontord";
    char role[sizeof("KONTOR_ROLE=") + ROLE_MAX];
    char plugin[sizeof("KONTOR_PLUGIN=") + HEAD_MAX];
    char process[sizeof("KONTOR_PROCESS=") + HEAD_MAX];
    struct iovec fields[6];
    int count = 0;

    priority[sizeof(priority) - 2] = (char)('0' + level);
    int used = snprintf(message, HEAD_MAX, "MESSAGE=%s%s%s%s", state.role,
                        state.role[0] ? ": " : "", speaker, speaker[0] ? ": " : "");
    size_t length = (size_t)used < HEAD_MAX ? (size_t)used : HEAD_MAX - 1;
    length += kt_log_escape(message + length, sizeof(message) - length, text);
    fields[count++] = FIELD(message, length);
    fields[count++] = FIELD(priority, sizeof(priority) - 1);
    fields[count++] = FIELD(identifier, sizeof(identifier) - 1);
    if (state.role[0] != '\0')
        fields[count++] = FIELD(role, snprintf(role, sizeof(role), "KONTOR_ROLE=%s", state.role));
    const struct kt_plugin *self = kt_self_plugin();
    if (self != NULL) {
        used = snprintf(plugin, sizeof(plugin), "KONTOR_PLUGIN=%s", self->descriptor->name);
        fields[count++] = FIELD(plugin, used);
    }
    const char *label = kt_self_label();
    if (label != NULL) {
        length = (size_t)snprintf(process, sizeof(process), "KONTOR_PROCESS=");
        length += kt_log_escape(process + length, sizeof(process) - length, label);
        fields[count++] = FIELD(process, length);
    }
    sd_journal_sendv(fields, count);
}

/** "plugin/process", as far as there is one. */
static void describe_speaker(char *buffer, size_t size)
{
    const struct kt_plugin *plugin = kt_self_plugin();
    const char *label = kt_self_label();
    char escaped[LABEL_MAX];
    buffer[0] = '\0';
    if (label == NULL)
        return;
    kt_log_escape(escaped, sizeof(escaped), label);
    if (plugin != NULL)
        snprintf(buffer, size, "%.*s/%s", ROLE_MAX, plugin->descriptor->name, escaped);
    else
        snprintf(buffer, size, "%s", escaped);
}

void kt_log(enum kt_log_level level, const char *format, ...)
{
    if (level > state.level)
        return;
    int saved_errno = errno;
    char text[KT_LOG_TEXT_MAX];
    char speaker[HEAD_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (!state.is_opened)
        kt_log_open(state.target, state.level);
    describe_speaker(speaker, sizeof(speaker));
    if (state.target == KT_LOG_TARGET_JOURNAL)
        log_journal(level, speaker, text);
    else
        log_stderr(level, speaker, text);
    errno = saved_errno;
}
