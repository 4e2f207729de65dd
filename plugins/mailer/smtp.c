/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One mail is MAIL, RCPT, DATA, then the letter and a dot; each has a reply. Whatever a server
 * refuses, all replies are read that will come, so that the next mail finds the channel in order.
 */
#include "smtp.h"

#include <errno.h>
#include <kontor/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Lines of one reply. */
#define REPLY_LINES_MAX 100
/** Service not available, closing (RFC 5321, 4.2.1). */
#define CLOSING 421

struct conversation {
    struct kt_channel *channel;
    int64_t deadline_ms;
};

enum command { MAIL, RCPT, DATA, COMMANDS };

/** The code that lets the conversation go on. */
static const int expected[COMMANDS] = {[MAIL] = 250, [RCPT] = 250, [DATA] = 354};

/* ---------------------------------------------------------------- replies */

/** @return the code, -ETIMEDOUT, -ENOTCONN, or -EPROTO: that is no reply, or not to this */
static int read_reply(const struct conversation *with)
{
    char line[KT_CHANNEL_LINE_SIZE], *end;
    long code;

    for (int count = 0; count < REPLY_LINES_MAX; count++) {
        int result = kt_channel_read_line(with->channel, line, with->deadline_ms);

        if (result < 0)
            return result;
        code = strtol(line, &end, 10);
        if (end != line + 3 || code < 200 || code > 599)
            return -EPROTO;
        if (*end != '-')
            return (int)code;
    }
    return -EPROTO;
}

/** Also RCPT may be answered by 251: the server forwards it. */
static bool is_good(enum command command, int code)
{
    return code == expected[command] || (command == RCPT && code == 251);
}

/** The server's code decides; but a wrong password is not the recipient's fault. */
static enum kt_post_fate judge(int code)
{
    return code >= 500 && code != 530 && code != 535 ? KT_POST_NEVER : KT_POST_LATER;
}

static void set_outcome(struct kt_post_outcome *outcome, int code)
{
    *outcome = (struct kt_post_outcome){.fate = KT_POST_LATER};
    if (code == -ETIMEDOUT) {
        snprintf(outcome->text, sizeof(outcome->text), "the mail server did not answer in time");
    } else if (code == -EPROTO) {
        snprintf(outcome->text, sizeof(outcome->text), "what the mail server said makes no sense");
    } else if (code < 0) {
        snprintf(outcome->text, sizeof(outcome->text), "the mail server closed the connection");
    } else {
        outcome->fate = judge(code);
        outcome->code = code;
        snprintf(outcome->text, sizeof(outcome->text), "the mail server said %d", code);
    }
}

/* ---------------------------------------------------------------- before the mail */

static int say(const struct conversation *with, const char *text)
{
    return kt_channel_write(with->channel, text, strlen(text), with->deadline_ms);
}

/**
 * Say the commands, at once or one after the other.
 * @param commands   their texts
 * @param ret_codes  the replies, as read_reply; 0: it was not said
 */
static void introduce(const struct conversation *with, char *const commands[COMMANDS],
                      int ret_codes[COMMANDS])
{
    bool is_at_once = kt_channel_has_pipelining(with->channel), goes_on = true;
    char *all = kt_must(
        talloc_asprintf(commands[0], "%s%s%s", commands[MAIL], commands[RCPT], commands[DATA]));
    int result = is_at_once ? say(with, all) : 0;

    memset(ret_codes, 0, COMMANDS * sizeof(*ret_codes));
    for (int command = 0; command < COMMANDS && goes_on; command++) {
        if (!is_at_once)
            result = say(with, commands[command]);
        ret_codes[command] = result < 0 ? result : read_reply(with);
        goes_on = ret_codes[command] > 0 &&
                  (is_at_once || is_good((enum command)command, ret_codes[command]));
    }
}

/** The first reply that is not good; 0: all are. One that is neither that nor a refusal is none to
 * this command: nobody knows to what. */
static int find_refusal(const int codes[COMMANDS])
{
    for (int command = 0; command < COMMANDS; command++) {
        if (!is_good((enum command)command, codes[command]))
            return codes[command] >= 0 && codes[command] < 400 ? -EPROTO : codes[command];
    }
    return 0;
}

/** After a refusal: bring the channel in order. @return whether it is good for another mail */
static bool start_over(const struct conversation *with, const int codes[COMMANDS])
{
    for (int command = 0; command < COMMANDS; command++) {
        if (codes[command] < 0 || codes[command] == CLOSING)
            return false;
    }
    /* a server that takes DATA although nobody is to get it (RFC 2920, 3.1) */
    if (codes[DATA] == expected[DATA] && (say(with, ".\r\n") < 0 || read_reply(with) < 0))
        return false;
    return say(with, "RSET\r\n") == 0 && read_reply(with) == 250;
}

/* ---------------------------------------------------------------- the mail */

/** A dot at the beginning of a line is doubled, and the end added (RFC 5321, 4.5.2). */
static char *stuff(const char *letter, size_t size, size_t *ret_size)
{
    char *bytes = kt_must(talloc_size(kt_self_memory(), 2 * size + 3)), *to = bytes;
    const char *end = letter + size, *next;

    for (const char *line = letter; line < end; line = next) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));

        next = line_end ? line_end + 1 : end;
        if (*line == '.')
            *to++ = '.';
        memcpy(to, line, (size_t)(next - line));
        to += next - line;
    }
    memcpy(to, ".\r\n", 3);
    *ret_size = (size_t)(to - bytes) + 3;
    return bytes;
}

/** @return the reply, as read_reply */
static int send_letter(const struct conversation *with, const char *letter, size_t size)
{
    size_t stuffed_size;
    char *stuffed;
    int result;

    if (!kt_channel_is_quiet(with->channel))
        return -EPROTO;
    stuffed = stuff(letter, size, &stuffed_size);
    result = kt_channel_write(with->channel, stuffed, stuffed_size, with->deadline_ms);
    talloc_free(stuffed);
    return result < 0 ? result : read_reply(with);
}

/** "MAIL FROM:<…>" and the rest. */
static void write_commands(TALLOC_CTX *memory, const char *from, const char *to,
                           char *commands[COMMANDS])
{
    commands[MAIL] = kt_must(talloc_asprintf(memory, "MAIL FROM:<%s>\r\n", from));
    commands[RCPT] = kt_must(talloc_asprintf(memory, "RCPT TO:<%s>\r\n", to));
    commands[DATA] = kt_must(talloc_strdup(memory, "DATA\r\n"));
}

int kt_smtp_send(struct kt_channel *channel, const char *from, const char *to, const char *letter,
                 size_t size, int64_t deadline_ms, struct kt_post_outcome *ret_outcome)
{
    struct conversation with = {.channel = channel, .deadline_ms = deadline_ms};
    char *commands[COMMANDS];
    int codes[COMMANDS], code;
    TALLOC_CTX *memory;

    if (!kt_channel_is_quiet(channel)) {
        set_outcome(ret_outcome, -ENOTCONN);
        return -ESTALE;
    }
    memory = kt_must(talloc_new(kt_self_memory()));
    write_commands(memory, from, to, commands);
    introduce(&with, commands, codes);
    talloc_free(memory);
    if (codes[MAIL] == -ENOTCONN || codes[MAIL] == CLOSING) {
        set_outcome(ret_outcome, codes[MAIL]);
        return -ESTALE;
    }
    code = find_refusal(codes);
    if (code != 0) {
        set_outcome(ret_outcome, code);
        return code > 0 && start_over(&with, codes) ? 0 : -ENOTCONN;
    }
    code = send_letter(&with, letter, size);
    if (code == 250) {
        *ret_outcome = (struct kt_post_outcome){.fate = KT_POST_SENT, .code = code};
        return 0;
    }
    set_outcome(ret_outcome, code < 400 && code > 0 ? -EPROTO : code);
    return code >= 400 && code != CLOSING ? 0 : -ENOTCONN;
}
