/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking a path component by component, holding each directory open, so that what was checked is
 * what is used.
 */
#include "config.h"

#include "plugin/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** As many symbolic links on one way as Linux follows. */
#define LINKS_MAX 40
#define DIRECTORY_FLAGS (O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC)

/** A walk: where it is, and what is still to go. */
struct walk {
    TALLOC_CTX *context;
    uid_t owner;
    int fd;           /**< the directory it has reached */
    char *reached;    /**< its path, "" for the root */
    const char *rest; /**< still to go */
    unsigned links;
    struct kt_error *error;
};

static int check_owner(const struct walk *walk, const char *name, const struct stat *status)
{
    if (status->st_uid == 0 || status->st_uid == walk->owner)
        return 0;
    return kt_error_set(walk->error, -EPERM,
                        "%s/%s belongs to the user %u; plugins are loaded only from directories of "
                        "root%s",
                        walk->reached, name, (unsigned)status->st_uid,
                        walk->owner == 0 ? "" : " or of the user who runs kontord");
}

static int check_directory(const struct walk *walk, const char *name, bool is_last)
{
    struct stat status;
    if (fstat(walk->fd, &status) < 0)
        return kt_error_set(walk->error, -errno, "%s: %s", walk->reached, strerror(errno));
    int result = check_owner(walk, name, &status);
    if (result < 0)
        return result;
    bool is_shared = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    bool is_sticky = (status.st_mode & S_ISVTX) != 0 && status.st_uid == 0;
    if (is_shared && (is_last || !is_sticky))
        return kt_error_set(walk->error, -EPERM,
                            "%s/%s is writable for its group or for all; plugins are not loaded "
                            "from there (chmod go-w)",
                            walk->reached, name);
    return 0;
}

/** Put the target of a symbolic link in front of what is still to go. */
static int follow_link(struct walk *walk, const char *name)
{
    char target[PATH_MAX];
    struct stat status;
    if (fstatat(walk->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return kt_error_set(walk->error, -errno, "%s/%s: %s", walk->reached, name, strerror(errno));
    int result = check_owner(walk, name, &status);
    if (result < 0)
        return result;
    ssize_t length = readlinkat(walk->fd, name, target, sizeof(target) - 1);
    if (length <= 0 || ++walk->links > LINKS_MAX)
        return kt_error_set(walk->error, -ELOOP, "%s/%s: too many symbolic links", walk->reached,
                            name);
    target[length] = '\0';
    walk->rest = talloc_asprintf(walk->context, "%s/%s", target, walk->rest);
    if (walk->rest == NULL)
        return kt_error_set(walk->error, -ENOMEM, "out of memory");
    if (target[0] != '/')
        return 0;
    int root = open("/", DIRECTORY_FLAGS);
    if (root < 0)
        return kt_error_set(walk->error, -errno, "/: %s", strerror(errno));
    close(walk->fd);
    walk->fd = root;
    walk->reached[0] = '\0';
    return 0;
}

/** Forget the last component of the path that was reached. */
static void forget_last(char *reached)
{
    char *slash = strrchr(reached, '/');
    if (slash != NULL)
        *slash = '\0';
}

static int step(struct walk *walk, const char *name)
{
    int next = openat(walk->fd, name, DIRECTORY_FLAGS);
    if (next < 0 && (errno == ELOOP || errno == ENOTDIR)) {
        struct stat status;
        if (fstatat(walk->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
            return follow_link(walk, name);
        errno = ENOTDIR;
    }
    if (next < 0)
        return kt_error_set(walk->error, -errno, "%s/%s: %s", walk->reached, name, strerror(errno));
    close(walk->fd);
    walk->fd = next;
    if (strcmp(name, "..") == 0) {
        forget_last(walk->reached);
        return 0;
    }
    bool is_last = walk->rest[strspn(walk->rest, "/")] == '\0';
    int result = check_directory(walk, name, is_last);
    char *reached = talloc_asprintf(walk->context, "%s/%s", walk->reached, name);
    if (reached == NULL)
        return kt_error_set(walk->error, -ENOMEM, "out of memory");
    walk->reached = reached;
    return result;
}

/** Take the next component off the rest. @return false at the end */
static bool next_component(struct walk *walk, char *name, size_t size)
{
    walk->rest += strspn(walk->rest, "/");
    size_t length = strcspn(walk->rest, "/");
    if (length == 0 || length >= size)
        return false;
    memcpy(name, walk->rest, length);
    name[length] = '\0';
    walk->rest += length;
    return true;
}

int kt_path_open_safe(TALLOC_CTX *context, const char *path, uid_t owner, const char **ret_path,
                      struct kt_error *error)
{
    char name[NAME_MAX + 1];
    TALLOC_CTX *scratch = talloc_new(context);
    struct walk walk = {.context = scratch, .owner = owner, .rest = path, .error = error, .fd = -1};
    walk.reached = talloc_strdup(scratch, "");
    int result = 0;
    if (walk.reached == NULL) {
        result = kt_error_set(error, -ENOMEM, "out of memory");
        goto done;
    }
    if (path[0] != '/') {
        result = kt_error_set(error, -EINVAL, "'%s' is no absolute path", path);
        goto done;
    }
    walk.fd = open("/", DIRECTORY_FLAGS);
    if (walk.fd < 0)
        result = kt_error_set(error, -errno, "/: %s", strerror(errno));
    while (result == 0 && next_component(&walk, name, sizeof(name)))
        if (strcmp(name, ".") != 0)
            result = step(&walk, name);
    if (result == 0 && *walk.rest != '\0')
        result =
            kt_error_set(error, -ENAMETOOLONG, "%s: a component of the path is too long", path);
done:
    if (result == 0) {
        *ret_path = talloc_strdup(context, walk.reached[0] != '\0' ? walk.reached : "/");
        if (*ret_path == NULL)
            result = kt_error_set(error, -ENOMEM, "out of memory");
    }
    if (result < 0 && walk.fd >= 0)
        close(walk.fd);
    talloc_free(scratch);
    return result < 0 ? result : walk.fd;
}
