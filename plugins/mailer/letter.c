/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multipart/alternative: the text first, then the HTML, which is the better one (RFC 2046, 5.1.4).
 * The boundary can't occur in a body: quoted-printable has no "=_".
 */
#include "letter.h"
#include "template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/** A template is a page, not a book. */
#define TEMPLATE_BYTES_MAX (64u << 10)
#define BOUNDARY "=_kontor_week"

static int read_file(TALLOC_CTX *context, const char *path, char **ret_text, struct kt_error *error)
{
    FILE *file = fopen(path, "re");
    int result = 0;
    size_t size;

    if (!file)
        return kt_error_set(error, -errno, "%s: %s", path, strerror(errno));
    *ret_text = talloc_array(context, char, TEMPLATE_BYTES_MAX + 1);
    if (*ret_text) {
        size = fread(*ret_text, 1, TEMPLATE_BYTES_MAX + 1, file);
        if (ferror(file))
            result = kt_error_set(error, -EIO, "%s: it can't be read", path);
        else if (size > TEMPLATE_BYTES_MAX || memchr(*ret_text, 0, size))
            result = kt_error_set(error, -EBADMSG, "%s: too long, or not a text", path);
        else
            (*ret_text)[size] = 0;
    } else {
        result = -ENOMEM;
    }
    fclose(file);
    return result;
}

/** Read one template, and fill it with nothing to see whether it is well formed. */
static int read_template(TALLOC_CTX *context, const char *path, char **ret_text,
                         struct kt_error *error)
{
    int result = read_file(context, path, ret_text, error);
    struct kt_error why = {.code = 0};
    cJSON *nothing;
    char *filled;

    if (result < 0)
        return result;
    nothing = cJSON_CreateObject();
    result =
        nothing ? kt_template_render(*ret_text, *ret_text, nothing, KT_TEMPLATE_TEXT, &filled, &why)
                : -ENOMEM;
    cJSON_Delete(nothing);
    if (result < 0)
        return kt_error_set(error, result, "%s: %s", path, why.code ? why.text : "no memory");
    talloc_free(filled);
    return 0;
}

int kt_letter_templates_read(TALLOC_CTX *context, const char *directory, const char *name,
                             struct kt_letter_templates *ret_templates, struct kt_error *error)
{
    char *path = talloc_asprintf(context, "%s/%s.txt", directory, name);
    int result = path ? read_template(context, path, &ret_templates->text, error) : -ENOMEM;

    talloc_free(path);
    if (result < 0)
        return result;
    path = talloc_asprintf(context, "%s/%s.html", directory, name);
    result = path ? read_template(context, path, &ret_templates->html, error) : -ENOMEM;
    talloc_free(path);
    return result;
}

char *kt_letter_html(TALLOC_CTX *context, const struct kt_letter_templates *templates,
                     const cJSON *view)
{
    char *html;

    return kt_template_render(context, templates->html, view, KT_TEMPLATE_HTML, &html, NULL) == 0
               ? html
               : NULL;
}

/** @param letters  the mail so far; NULL stays NULL */
static char *add_part(char *letters, const char *type, const char *body)
{
    letters = talloc_asprintf_append_buffer(letters,
                                            "--" BOUNDARY "\r\n"
                                            "Content-Type: %s; charset=utf-8\r\n"
                                            "Content-Transfer-Encoding: quoted-printable\r\n"
                                            "\r\n",
                                            type);
    /* printf would go over it twice */
    return letters ? talloc_strdup_append_buffer(letters, body) : NULL;
}

static char *add_list(char *letters, const struct kt_letter *letter)
{
    if (!letter->unsubscribe)
        return letters;
    return talloc_asprintf_append_buffer(letters,
                                         "List-Id: <week.%s>\r\n"
                                         "List-Unsubscribe: <%s>\r\n"
                                         "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
                                         strchr(letter->from->address, '@') + 1,
                                         letter->unsubscribe);
}

static char *write_header(TALLOC_CTX *memory, const struct kt_letter *letter)
{
    const char *subject =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(letter->view, "subject"));
    char *from = kt_mailbox_text(memory, letter->from);
    char date[KT_MAIL_DATE_SIZE];

    subject = kt_mail_header_text(memory, subject ? subject : "Your week");
    if (!from || !subject)
        return NULL;
    kt_mail_date(letter->date, date);
    return talloc_asprintf(memory,
                           "Date: %s\r\n"
                           "From: %s\r\n"
                           "To: %s\r\n"
                           "Subject: %s\r\n"
                           "Message-ID: <%s>\r\n"
                           "Auto-Submitted: auto-generated\r\n"
                           "MIME-Version: 1.0\r\n"
                           "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n",
                           date, from, letter->to, subject, letter->message_id);
}

char *kt_letter_write(TALLOC_CTX *context, const struct kt_letter *letter, size_t *ret_size)
{
    TALLOC_CTX *memory = talloc_new(context);
    char *letters, *text, *html, *result = NULL;

    if (!memory)
        return NULL;
    html = kt_letter_html(memory, letter->templates, letter->view);
    if (!html || kt_template_render(memory, letter->templates->text, letter->view, KT_TEMPLATE_TEXT,
                                    &text, NULL) < 0)
        goto out;
    text = kt_mail_quoted_printable(memory, text);
    html = kt_mail_quoted_printable(memory, html);
    if (!text || !html)
        goto out;
    letters = add_list(write_header(memory, letter), letter);
    letters = talloc_strdup_append_buffer(letters, letters ? "\r\n" : "");
    letters = letters ? add_part(letters, "text/plain", text) : NULL;
    letters = letters ? add_part(letters, "text/html", html) : NULL;
    letters = letters ? talloc_strdup_append_buffer(letters, "--" BOUNDARY "--\r\n") : NULL;
    if (!letters)
        goto out;
    *ret_size = strlen(letters);
    result = talloc_steal(context, letters);
out:
    talloc_free(memory);
    return result;
}
