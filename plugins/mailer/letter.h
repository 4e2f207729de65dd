/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One mail as it goes over the wire: the header fields and both bodies, text and HTML, made from
 * templates. Knows templates and MIME; nothing of weeks, stores or servers.
 */
#ifndef MAILER_LETTER_H
#define MAILER_LETTER_H

#include "mime.h"

#include <cjson/cJSON.h>
#include <kontor/error.h>

/** A text template and its HTML twin; read at the start, kept. */
struct kt_letter_templates {
    char *text, *html;
};

/** What a mail is made of. All borrowed for the call. */
struct kt_letter {
    const struct kt_letter_templates *templates;
    const cJSON *view; /**< fills the templates; its "subject" is the subject */
    const struct kt_mailbox *from;
    const char *to;          /**< an address */
    const char *message_id;  /**< without < and > */
    int64_t date;            /**< seconds since 1970 */
    const char *unsubscribe; /**< the address of the one-click link; NULL: no list mail */
};

/**
 * Read the templates NAME.txt and NAME.html from a directory, and check them.
 * @param ret_templates  its texts are owned by context
 * @return 0, or a negative errno and the error's words
 */
int kt_letter_templates_read(TALLOC_CTX *context, const char *directory, const char *name,
                             struct kt_letter_templates *ret_templates, struct kt_error *error);

/** Fill the HTML template alone, for a preview. @return owned by context, or NULL */
char *kt_letter_html(TALLOC_CTX *context, const struct kt_letter_templates *templates,
                     const cJSON *view);

/**
 * Make the mail: RFC 5322, lines ended by CRLF, all ASCII.
 * @param ret_size  its bytes
 * @return owned by context, or NULL: no memory, or more than a template may become
 */
char *kt_letter_write(TALLOC_CTX *context, const struct kt_letter *letter, size_t *ret_size);

#endif
