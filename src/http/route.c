/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of routes of this worker: a tree of segments. At each level a literal segment is
 * preferred to a {capture}, that to a trailing asterisk.
 */
#include "http/route.h"

#include "http/text.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/** A segment of patterns; the routes that end here, and those that take any rest from here. */
struct node {
    const char *segment;
    size_t size;
    struct node **children; /**< literals, sorted by compare_segments */
    size_t child_count;
    struct node *capture;
    const struct kt_route *routes, *rest_routes;
};

/** One tree for each role. */
static struct node *roots[KT_ROLE_FILTER + 1];
static const struct kt_route *authorizers;

/* ---------------------------------------------------------------- segments */

static int compare_segments(const char *a, size_t a_size, const char *b, size_t b_size)
{
    if (a_size != b_size)
        return a_size < b_size ? -1 : 1;
    return memcmp(a, b, a_size);
}

/** Where a literal child is, or belongs. */
static size_t child_place(const struct node *node, const char *segment, size_t size,
                          bool *ret_found)
{
    size_t low = 0, high = node->child_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct node *child = node->children[middle];
        int order = compare_segments(child->segment, child->size, segment, size);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

static struct node *child_make(struct node *node, const char *segment, size_t size)
{
    bool is_found;
    size_t place = child_place(node, segment, size, &is_found);
    if (is_found)
        return node->children[place];
    struct node **grown =
        talloc_realloc(node, node->children, struct node *, (unsigned int)(node->child_count + 1));
    if (!grown)
        return NULL;
    node->children = grown;
    struct node *child = talloc_zero(node, struct node);
    if (!child || !(child->segment = talloc_strndup(child, segment, size))) {
        talloc_free(child);
        return NULL;
    }
    child->size = size;
    memmove(grown + place + 1, grown + place, (node->child_count - place) * sizeof(struct node *));
    grown[place] = child;
    node->child_count++;
    return child;
}

/* ---------------------------------------------------------------- adding */

/** Check "{name}" and remember the name. @return 0 or a negative errno */
static int capture_add(struct kt_route *route, size_t *count, const char *name, size_t size)
{
    if (*count >= KT_ROUTE_CAPTURES_MAX || size == 0 || memchr(name, '{', size))
        return -EINVAL;
    char *copy = talloc_strndup(route, name, size);
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < *count; i++)
        if (strcmp(route->capture_names[i], copy) == 0)
            return -EINVAL;
    route->capture_names[(*count)++] = copy;
    return 0;
}

/** Walk a pattern through the tree, making what lacks. @return where its list of routes is */
static int pattern_place(struct kt_route *route, const struct kt_route ***ret_list)
{
    struct node *node = roots[route->role];
    size_t captures = 0;
    const char *at = route->pattern;
    while (*at == '/') {
        at++;
        size_t size = strcspn(at, "/");
        bool is_last = at[size] == '\0';
        int status = 0;
        if (size == 1 && *at == '*') {
            *ret_list = &node->rest_routes;
            return is_last ? capture_add(route, &captures, at, size) : -EINVAL;
        }
        if (size == 0 && !is_last)
            return -EINVAL;
        if (size >= 2 && at[0] == '{' && at[size - 1] == '}') {
            status = capture_add(route, &captures, at + 1, size - 2);
            if (!node->capture)
                node->capture = talloc_zero(node, struct node);
            node = node->capture;
        } else if (memchr(at, '{', size) || memchr(at, '}', size) || memchr(at, '*', size)) {
            return -EINVAL;
        } else {
            node = child_make(node, at, size);
        }
        if (status < 0 || !node)
            return status < 0 ? status : -ENOMEM;
        at += size;
    }
    *ret_list = &node->routes;
    return 0;
}

bool kt_route_is_void(const struct kt_route *route)
{
    return route->plugin && route->start != route->plugin->start;
}

/** Whether some path matches both of two patterns. */
static bool patterns_overlap(const char *a, const char *b)
{
    while (*a && *b) {
        size_t a_size = strcspn(++a, "/"), b_size = strcspn(++b, "/");
        if (*a == '*' || *b == '*')
            return true;
        bool is_capture = *a == '{' || *b == '{';
        if (is_capture ? a_size == 0 || b_size == 0 : compare_segments(a, a_size, b, b_size) != 0)
            return false;
        a += a_size;
        b += b_size;
    }
    return *a == *b;
}

/**
 * Whether another plugin's authorizer decides about a page that this one would decide about. Then
 * the page would be open by the one when the other is not there, in quarantine say.
 */
static bool is_contested(const struct kt_route *route)
{
    for (const struct kt_route *other = authorizers; other; other = other->next_authorizer)
        if (other->plugin != route->plugin && patterns_overlap(other->pattern, route->pattern))
            return true;
    return false;
}

/** Complete and insert a route; it is freed when that fails. */
static int insert(struct kt_route *route)
{
    const struct kt_route **list = NULL;
    int status = -ENOMEM;
    if (!route->method || !route->pattern)
        goto fail;
    status = -EINVAL;
    if (route->pattern[0] != '/' || strlen(route->pattern) > KT_ROUTE_PATTERN_MAX ||
        strlen(route->method) > KT_ROUTE_METHOD_MAX || !kt_is_token(route->method))
        goto fail;
    status = pattern_place(route, &list);
    if (status < 0)
        goto fail;
    if (route->role == KT_ROLE_AUTHORIZER && is_contested(route)) {
        status = -EEXIST;
        goto fail;
    }
    /* A void one stays, since requests may hold it; the new one is found before it. */
    for (const struct kt_route *other = *list; other; other = other->next)
        if (strcmp(other->method, route->method) == 0 && !kt_route_is_void(other)) {
            status = -EEXIST;
            goto fail;
        }
    static const char *const roles[] = {
        [KT_ROLE_RESPONDER] = "",
        [KT_ROLE_AUTHORIZER] = "authorizer ",
        [KT_ROLE_FILTER] = "filter ",
    };
    route->label =
        talloc_asprintf(route, "%s%s %s", roles[route->role], route->method, route->pattern);
    if (!route->label) {
        status = -ENOMEM;
        goto fail;
    }
    route->next = *list;
    *list = route;
    if (route->role == KT_ROLE_AUTHORIZER) {
        route->next_authorizer = authorizers;
        authorizers = route;
    }
    return 0;
fail:
    talloc_free(route);
    return status;
}

static struct kt_route *route_new(enum kt_role role, const char *method, const char *prefix,
                                  const char *name, const char *pattern)
{
    struct node **root = &roots[role];
    if (!*root)
        *root = talloc_zero(NULL, struct node);
    struct kt_route *route = *root ? talloc_zero(*root, struct kt_route) : NULL;
    if (!route)
        return NULL;
    route->role = role;
    route->method = talloc_strdup(route, method);
    route->pattern = talloc_asprintf(route, "%s%s%s", prefix, name, pattern);
    return route;
}

int kt_route_add(const char *method, const char *pattern,
                 void (*handler)(struct kt_request *request), void *context)
{
    struct kt_route *route = route_new(KT_ROLE_RESPONDER, method, "", "", pattern);
    if (!route)
        return -ENOMEM;
    route->handler = handler;
    route->context = context;
    return insert(route);
}

/** A plugin's route; the root "/" of its own also stands for its path without the slash. */
static int plugin_route(struct kt_plugin *plugin, enum kt_role role, const char *method,
                        const char *pattern, void (*handler)(struct kt_request *request),
                        kt_fcgx_handler *fcgx_handler, void *context)
{
    if (pattern[0] != '/' || (!handler && !fcgx_handler) || role < KT_ROLE_RESPONDER ||
        role > KT_ROLE_FILTER)
        return -EINVAL;
    bool is_own = role == KT_ROLE_RESPONDER;
    bool is_root = is_own && strcmp(pattern, "/") == 0;
    for (int i = 0; i < (is_root ? 2 : 1); i++) {
        struct kt_route *route =
            route_new(role, method, is_own ? "/api/" : "", is_own ? kt_plugin_name(plugin) : "",
                      i == 0 ? pattern : "");
        if (!route)
            return -ENOMEM;
        route->plugin = plugin;
        route->start = plugin->start;
        route->handler = handler;
        route->fcgx_handler = fcgx_handler;
        route->context = context;
        int status = insert(route);
        if (status < 0)
            return status;
    }
    return 0;
}

int kt_plugin_route(struct kt_plugin *plugin, const char *method, const char *pattern,
                    void (*handler)(struct kt_request *request), void *context)
{
    return plugin_route(plugin, KT_ROLE_RESPONDER, method, pattern, handler, NULL, context);
}

int kt_plugin_route_root(struct kt_plugin *plugin, const char *pattern,
                         void (*handler)(struct kt_request *request), void *context)
{
    if (!handler || (strcmp(pattern, "/status") != 0 && strcmp(pattern, "/metrics") != 0))
        return -EINVAL;
    struct kt_route *route = route_new(KT_ROLE_RESPONDER, "GET", "", "", pattern);
    if (!route)
        return -ENOMEM;
    route->plugin = plugin;
    route->start = plugin->start;
    route->handler = handler;
    route->context = context;
    return insert(route);
}

int kt_plugin_route_fcgx(struct kt_plugin *plugin, const char *method, const char *pattern,
                         kt_fcgx_handler *handler)
{
    return plugin_route(plugin, KT_ROLE_RESPONDER, method, pattern, NULL, handler, NULL);
}

int kt_plugin_route_role(struct kt_plugin *plugin, enum kt_role role, const char *method,
                         const char *pattern, void (*handler)(struct kt_request *request),
                         void *context)
{
    return plugin_route(plugin, role, method, pattern, handler, NULL, context);
}

int kt_plugin_route_role_fcgx(struct kt_plugin *plugin, enum kt_role role, const char *method,
                              const char *pattern, kt_fcgx_handler *handler)
{
    return plugin_route(plugin, role, method, pattern, NULL, handler, NULL);
}

void kt_route_clear(void)
{
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
        talloc_free(roots[i]);
        roots[i] = NULL;
    }
    authorizers = NULL;
}

/* ---------------------------------------------------------------- finding */

/** Add a method to the Allow list unless it is there or there is no room. */
static void allow_add(struct kt_route_match *match, const char *method)
{
    size_t size = strlen(method), used = strlen(match->allow);
    for (const char *at = match->allow; (at = strstr(at, method)); at += size)
        if ((at == match->allow || at[-1] == ' ') && (at[size] == ',' || at[size] == '\0'))
            return;
    if (used + size + 3 <= sizeof(match->allow))
        snprintf(match->allow + used, sizeof(match->allow) - used, "%s%s", used ? ", " : "",
                 method);
}

/** Choose by method among routes of one shape. @return whether one was found */
static bool choose(const struct kt_route *list, const char *method, struct kt_route_match *match)
{
    const struct kt_route *any = NULL, *get = NULL;
    bool is_head = strcmp(method, "HEAD") == 0;
    for (const struct kt_route *route = list; route; route = route->next) {
        if (strcmp(route->method, method) == 0) {
            match->route = route;
            return true;
        }
        if (!any && strcmp(route->method, "*") == 0)
            any = route;
        else if (!get && is_head && strcmp(route->method, "GET") == 0)
            get = route;
    }
    match->route = get ? get : any;
    if (match->route)
        return true;
    for (const struct kt_route *route = list; route; route = route->next) {
        allow_add(match, route->method);
        if (strcmp(route->method, "GET") == 0)
            allow_add(match, "HEAD");
    }
    return false;
}

static void capture_set(struct kt_route_match *match, size_t depth, const char *start, size_t size)
{
    match->captures[depth].start = start;
    match->captures[depth].size = size;
}

/** Match the rest of a path below a node; the depth is the number of captures so far. */
static bool find(const struct node *node, const char *path, const char *method, size_t depth,
                 struct kt_route_match *match)
{
    if (*path == '\0')
        return choose(node->routes, method, match);
    const char *segment = path + 1;
    size_t size = strcspn(segment, "/");
    bool is_found;
    size_t place = child_place(node, segment, size, &is_found);
    if (is_found && find(node->children[place], segment + size, method, depth, match))
        return true;
    if (node->capture && size > 0) {
        capture_set(match, depth, segment, size);
        if (find(node->capture, segment + size, method, depth + 1, match))
            return true;
    }
    if (node->rest_routes) {
        capture_set(match, depth, segment, strlen(segment));
        return choose(node->rest_routes, method, match);
    }
    return false;
}

void kt_route_find(enum kt_role role, const char *method, const char *path,
                   struct kt_route_match *ret_match)
{
    ret_match->route = NULL;
    ret_match->allow[0] = '\0';
    if (roots[role] && *path == '/')
        find(roots[role], path, method, 0, ret_match);
}
