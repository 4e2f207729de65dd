/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two pages behind the links in mails. A GET changes nothing, since mail filters follow links;
 * it shows a button, whose POST does what the link says. Neither asks who sends it: the link proves
 * enough (RFC 8058, 3.2).
 */
#ifndef MAILER_LINK_PAGES_H
#define MAILER_LINK_PAGES_H

#include <kontor/request.h>

/** GET and POST of verify; the context is a kt_mailer. */
void kt_verify_handle(struct kt_request *request);

/** GET and POST of unsubscribe; the context is a kt_mailer. */
void kt_unsubscribe_handle(struct kt_request *request);

#endif
