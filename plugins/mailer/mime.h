/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mail on the wire looks like: addresses (RFC 5321), header fields (RFC 5322, 2047) and
 * quoted-printable bodies (RFC 2045). Lines end with CRLF. Knows nothing of what is written.
 */
#ifndef MAILER_MIME_H
#define MAILER_MIME_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/** The longest address in bytes (RFC 5321, 4.5.3.1, and its errata). */
#define KT_MAIL_ADDRESS_MAX 254u
/** "Fri, 20 Nov 2026 18:00:00 +0000" and its NUL, with room for any year. */
#define KT_MAIL_DATE_SIZE 48

/** A mailbox as a person writes it: "Ada Lovelace <ada@example.org>" or only the address. */
struct kt_mailbox {
    char *name; /**< "" when there is none */
    char *address;
};

/** Whether a text is a plain ASCII address that needs no quoting: local@domain. */
bool kt_mail_address_is_good(const char *address);

/** Read a mailbox. @param ret_mailbox owned by context @return 0, -EINVAL, -ENOMEM */
int kt_mailbox_parse(TALLOC_CTX *context, const char *text, struct kt_mailbox *ret_mailbox);

/**
 * A text as it may stand in a header field: itself if it is plain ASCII, else as encoded words,
 * folded. Control characters become spaces.
 * @return owned by context, or NULL without memory
 */
char *kt_mail_header_text(TALLOC_CTX *context, const char *text);

/** A mailbox as it may stand in a header field. @return owned by context, or NULL */
char *kt_mailbox_text(TALLOC_CTX *context, const struct kt_mailbox *mailbox);

/** A text (UTF-8, lines ended by LF) as quoted-printable. @return owned by context, or NULL */
char *kt_mail_quoted_printable(TALLOC_CTX *context, const char *text);

/** An instant for the field Date, in UTC. */
void kt_mail_date(int64_t unix_seconds, char text[KT_MAIL_DATE_SIZE]);

#endif
