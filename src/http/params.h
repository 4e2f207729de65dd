/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CGI parameters of a request: which are trusted, which are dropped, and what path they mean.
 * Knows how nginx and Apache spell it; knows no FastCGI.
 */
#ifndef KT_PARAMS_H
#define KT_PARAMS_H

#include <stdint.h>
#include <talloc.h>

/** What the house needs of the parameters; borrowed from them. Absent ones are "". */
struct kt_params {
    const char *method, *path_info, *script_name, *document_uri, *request_uri, *query;
    const char *content_type, *content_length, *user;
    const char *data_length, *data_modified;
};

/** No parameters at all. */
extern const struct kt_params kt_params_none;

/**
 * Look through the parameters once. HTTP_PROXY and HTTP_REMOTE_USER are taken out of the list.
 * A repeated header field (some web servers send one parameter for each line) becomes one value as
 * RFC 9110, 5.3 says; any other parameter that comes twice is an error.
 * @param envp  the list; changed in place
 * @return 0, -EINVAL (a parameter came twice), -ENOMEM
 */
int kt_params_scan(TALLOC_CTX *context, char **envp, struct kt_params *ret_params);

/**
 * The request's path below the mount point, decoded and normalised, and that mount point.
 * @param mount      the configured prefix without a trailing slash, "" for none; taken off when the
 *                   web server sends no PATH_INFO
 * @param ret_path   owned by context
 * @param ret_mount  owned by context
 * @return 0, -EINVAL (no path, or one that can't be), -ENOMEM
 */
int kt_params_path(TALLOC_CTX *context, const struct kt_params *params, const char *mount,
                   const char **ret_path, const char **ret_mount);

/**
 * The path of the page that an authorizer or a filter is asked about, from the root of the site:
 * that of REQUEST_URI, since SCRIPT_NAME and PATH_INFO aren't sent to authorizers.
 * @param ret_path  owned by context
 * @return as kt_params_path
 */
int kt_params_page(TALLOC_CTX *context, const struct kt_params *params, const char **ret_path);

/**
 * A length such as CONTENT_LENGTH.
 * @return KT_LENGTH_UNKNOWN when the text is empty or "-1", -EINVAL when it is no number
 */
int64_t kt_params_length(const char *text);

/** Stands for "not known" in kt_params_length. */
#define KT_LENGTH_UNKNOWN INT64_C(-1)

#endif
