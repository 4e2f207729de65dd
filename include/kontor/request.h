/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request, as a handler sees it: what came in, and the answer that goes out. Underneath is a
 * real FCGX_Request; both ways of writing may be mixed as long as the header comes first.
 *
 * Everything borrowed from a request lives until the handler returns. When a handler fails before
 * it has answered, the client gets a 500; afterwards the connection is cut, so that nobody takes
 * the part for the whole.
 *
 * When the client goes away, the process gets the exit signal KT_EXIT_SHUTDOWN: it ends, unless it
 * traps exits (kt_trap_exit) because it has something to bring to its end; reads and writes then
 * fail. A stock FCGX handler is never ended inside; it has to return when its streams fail. When
 * the deadline is over the client gets a 504 and the process is killed.
 */
#ifndef KONTOR_REQUEST_H
#define KONTOR_REQUEST_H

#include <kontor/fcgx.h>
#include <kontor/memory_file.h>
#include <kontor/process.h>

struct kt_request;
struct cJSON;

/**
 * What the web server wants (FastCGI 1.0, section 6; the numbers are its own). A responder answers
 * the request. An authorizer only says whether the visitor may see a page of the web server's; a
 * filter gets such a page, and answers with what it has made of it.
 */
enum kt_role { KT_ROLE_RESPONDER = 1, KT_ROLE_AUTHORIZER = 2, KT_ROLE_FILTER = 3 };

/* ---------------------------------------------------------------- what came in */

/** The role of this request; that of its route. */
KT_PUBLIC enum kt_role kt_request_role(const struct kt_request *request);
/** "GET", "POST" … ; a HEAD request says "HEAD", its answer's body is dropped by kontor. */
KT_PUBLIC const char *kt_request_method(const struct kt_request *request);
/**
 * The path below the mount point, percent-decoded and normalised: "/api/calendar/week". For
 * authorizers and filters the path of the page that was asked for, from the root of the site.
 */
KT_PUBLIC const char *kt_request_path(const struct kt_request *request);
/** Where the administrator mounted kontor: "" or "/tools/kontor". */
KT_PUBLIC const char *kt_request_mount(const struct kt_request *request);
/** A CGI/FastCGI parameter such as "REMOTE_ADDR", or NULL (RFC 3875, 4.1). */
KT_PUBLIC const char *kt_request_param(const struct kt_request *request, const char *name);
/** A header of the request by its HTTP name ("Accept"), or NULL. Never "Proxy". */
KT_PUBLIC const char *kt_request_header(const struct kt_request *request, const char *name);
/** The user whom the web server authenticated (REMOTE_USER), or NULL. */
KT_PUBLIC const char *kt_request_user(const struct kt_request *request);
/**
 * Say whom a request is from, when the web server doesn't know: for plugins where people sign in.
 * From now on kt_request_user answers this, and the log has it.
 * @param user  copied; not NULL
 */
KT_PUBLIC void kt_request_set_user(struct kt_request *request, const char *user);
/** What a {name} of the route's pattern matched, decoded, or NULL ("*" for the rest). */
KT_PUBLIC const char *kt_request_capture(const struct kt_request *request, const char *name);
/** The first value of a query parameter, decoded, or NULL if absent ("" if empty). */
KT_PUBLIC const char *kt_request_query(struct kt_request *request, const char *name);
/** As kt_request_query, the value of the index-th parameter of that name, from 0. */
KT_PUBLIC const char *kt_request_query_at(struct kt_request *request, const char *name,
                                          size_t index);
/** The route's context. */
KT_PUBLIC void *kt_request_context(const struct kt_request *request);
/** The FCGX request: in, out, err, envp. */
KT_PUBLIC FCGX_Request *kt_request_fcgx(struct kt_request *request);

/**
 * Read the whole body.
 * @param ret_data  the bytes, followed by a NUL that does not count; "" when there is none
 * @return 0, -EMSGSIZE (over the body limit), -ECONNRESET (the client went away),
 *         -EPROTO (fewer bytes than CONTENT_LENGTH said), -ENOBUFS (read too late: other requests
 *         on the same connection waited behind this body for seconds)
 * Parks. A second call returns the same.
 */
KT_PUBLIC int kt_request_body(struct kt_request *request, const char **ret_data, size_t *ret_size);

/**
 * Read and parse a JSON body (RFC 8259). Depth and size are bounded.
 * @param ret_json  owned by the process
 * @return as kt_request_body, or -EBADMSG (no JSON), -ENOTSUP (another Content-Type)
 * Parks.
 */
KT_PUBLIC int kt_request_json(struct kt_request *request, struct cJSON **ret_json);

/**
 * A field of an application/x-www-form-urlencoded body, decoded; NULL if absent.
 * @return the value in ret_value and 0, or an error as kt_request_body, -ENOTSUP
 * Parks at the first call.
 */
KT_PUBLIC int kt_request_form(struct kt_request *request, const char *name, const char **ret_value);

/**
 * Read the whole file that a filter is to filter; the body is read before, since it comes first.
 * Its last change is the parameter "FCGI_DATA_LAST_MOD", in seconds since 1970. A long one can be
 * read piece by piece: FCGX_StartFilterData on the FCGX request's in.
 * @return as kt_request_body, -EPROTO also when it isn't as long as FCGI_DATA_LENGTH says;
 *         -ENOTSUP (no filter's request)
 * Parks. A second call returns the same.
 */
KT_PUBLIC int kt_request_data(struct kt_request *request, const char **ret_data, size_t *ret_size);

/**
 * Whether this request comes from a page of this site, or from no browser at all. Ask before
 * something is changed: another site's page could make a signed-in visitor's browser send it.
 * Source: Fetch Metadata (W3C), "Sec-Fetch-Site"; RFC 6454, section 7.
 */
KT_PUBLIC bool kt_request_is_same_site(const struct kt_request *request);

/** Whether the user of a request is one of these. @param users  separated by blanks */
KT_PUBLIC bool kt_request_is_of(const struct kt_request *request, const char *users);

/**
 * The gate for what is only operators' business: lets those through whom an option of the plugin
 * names. While it names nobody, that is who asks from this machine, as far as the web server says
 * so, no header of a request tells of another proxy in front, and the Host is an address or
 * localhost: another name may be somebody's who has led a browser here.
 * @param option  its name, for people
 * @param users   what it says: separated by blanks
 * @return false: the request is answered with 403
 */
KT_PUBLIC bool kt_request_admit(struct kt_request *request, const char *option, const char *users);

/**
 * Give this request another deadline, in milliseconds from now; negative: none. When the worker
 * should end, an answer without a deadline and of unknown length (a stream of events) ends with
 * what was written, and its process gets the exit signal KT_EXIT_SHUTDOWN; the client comes back.
 */
KT_PUBLIC void kt_request_deadline(struct kt_request *request, int64_t timeout_ms);

/* ---------------------------------------------------------------- the answer */

/**
 * Add a header field to the answer; before the answer begins.
 * @return 0, -EINVAL (a name or value that HTTP does not allow: CR, LF, NUL …; a field that is
 *         kontor's own: Status, Content-Length …; more than 16 KiB of fields), -EALREADY, -ENOMEM
 */
KT_PUBLIC int kt_response_header(struct kt_request *request, const char *name, const char *value);

/**
 * Begin an answer whose body follows by kt_response_write or FCGX_Put….
 * @param status  200 to 999
 * @param type    Content-Type, or NULL if there is none or it was added as a field
 * @param length  bytes that will follow, or -1 when not known (chunked towards the client)
 * @return 0, -EALREADY, -EINVAL (a status or type that HTTP does not allow; a status below 300
 *         from an authorizer)
 * Parks.
 */
KT_PUBLIC int kt_response_begin(struct kt_request *request, int status, const char *type,
                                int64_t length);

/**
 * Write a part of the body.
 * @return 0, -EPIPE (the client went away), -EMSGSIZE (more than the declared length: nothing was
 *         written), -EINVAL (the answer has not begun)
 * Parks.
 */
KT_PUBLIC int kt_response_write(struct kt_request *request, const void *data, size_t size);

/**
 * Write a part of a sealed memory file as a part of the body, without copying it: the fastest way
 * for what is large. The file may be freed when this has returned.
 * @param first, count  which bytes; within the file
 * @return as kt_response_write; also -EINVAL (beyond the file's end), -EMFILE, -ENOMEM
 * Parks.
 */
KT_PUBLIC int kt_response_file(struct kt_request *request, const struct kt_memory_file *file,
                               uint64_t first, uint64_t count);

/** Send what was written so far on its way. @return 0 or -EPIPE. Parks. */
KT_PUBLIC int kt_response_flush(struct kt_request *request);

/** The whole answer at once, with Content-Length. @return 0, -EPIPE, -EALREADY, -EINVAL. Parks. */
KT_PUBLIC int kt_respond(struct kt_request *request, int status, const char *type, const void *body,
                         size_t size);

/** The whole answer as JSON (unformatted). @return as kt_respond, -ENOMEM. Parks. */
KT_PUBLIC int kt_respond_json(struct kt_request *request, int status, const struct cJSON *json);

/**
 * An error as application/problem+json (RFC 9457): {"status", "title", "detail"}.
 * @param status  an HTTP status of 400 and above; the title is its standard phrase
 * @param format  the detail: what is wrong and what to do, in words
 * @return as kt_respond. Parks.
 */
KT_PUBLIC int kt_respond_problem(struct kt_request *request, int status, const char *format, ...)
    KT_PRINTF(3, 4);

/** kt_respond_problem for an error of kt_request_body, _json, _form or _data. */
KT_PUBLIC int kt_respond_body_error(struct kt_request *request, int error);

/* ---------------------------------------------------------------- the answer of an authorizer */

/**
 * Allow the page. Nothing else does: an authorizer that answers in any other way denies it, with
 * that answer (401, 403, a page …); so does one that fails, or takes too long.
 * @return as kt_respond, -ENOTSUP (no authorizer's request). Parks.
 */
KT_PUBLIC int kt_authorize(struct kt_request *request);

/**
 * Before kt_authorize: give the page a parameter, by the header field "Variable-<name>".
 * @param name  letters, digits and "_"; which ones reach the page, and how, is the web server's
 * @return as kt_response_header, -ENOTSUP (no authorizer's request)
 */
KT_PUBLIC int kt_authorize_variable(struct kt_request *request, const char *name,
                                    const char *value);

#endif
