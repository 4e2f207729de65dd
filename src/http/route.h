/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes: which handler serves which method and path. A tree with one level per segment of the
 * path, so that a look-up costs the depth of the path, not the number of routes. Knows the plugin
 * a route belongs to as a tag only.
 */
#ifndef KT_ROUTE_H
#define KT_ROUTE_H

#include <kontor/plugin.h>

/** How many {captures} a pattern may have, its trailing asterisk included. */
#define KT_ROUTE_CAPTURES_MAX 8u
/** The longest pattern with its prefix, and the longest method. */
#define KT_ROUTE_PATTERN_MAX 255u
#define KT_ROUTE_METHOD_MAX 32u
/** Bytes of an Allow header. */
#define KT_ROUTE_ALLOW_MAX 256u

/** One route; exactly one of the handlers is set. Lives as long as the table. */
struct kt_route {
    enum kt_role role;
    const char *method;  /**< "*": any */
    const char *pattern; /**< whole, "/api/calendar/week" */
    const char *label;   /**< "GET /api/calendar/week", for processes that serve it */
    struct kt_plugin *plugin;
    uint32_t start; /**< the plugin's when it registered this */
    void (*handler)(struct kt_request *request);
    kt_fcgx_handler *fcgx_handler;
    void *context;
    const char *capture_names[KT_ROUTE_CAPTURES_MAX]; /**< NULL behind the last */
    const struct kt_route *next;                      /**< of the same shape */
    const struct kt_route *next_authorizer;           /**< of all authorizers' routes */
};

/** What a look-up found. */
struct kt_route_match {
    const struct kt_route *route; /**< NULL: none */
    struct {
        const char *start; /**< into the path */
        size_t size;
    } captures[KT_ROUTE_CAPTURES_MAX];
    char allow[KT_ROUTE_ALLOW_MAX]; /**< without a route: methods that this path has; "" for 404 */
};

/**
 * Register a route of the house itself.
 * @param pattern  the whole path, as in kt_plugin_route but without a prefix
 * @return as kt_plugin_route
 */
KT_PUBLIC int kt_route_add(const char *method, const char *pattern,
                           void (*handler)(struct kt_request *request), void *context);

/**
 * Whether a route was registered by a start of its plugin that has ended: its context may be gone.
 * Such a route is found until the plugin registers it again.
 */
bool kt_route_is_void(const struct kt_route *route);

/** Find the route of a normalised path. */
void kt_route_find(enum kt_role role, const char *method, const char *path,
                   struct kt_route_match *ret_match);

/** Forget all routes. */
void kt_route_clear(void);

#endif
