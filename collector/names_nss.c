#include "collector/names_nss.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"

/* A group entry holds all its members: those of a whole university are megabytes. */
#define FIRST_BUFFER_BYTES ((size_t)4096)
#define MAX_BUFFER_BYTES   ((size_t)64 << 20)

/* A question and its answer: name within the buffer, or id. */
struct question {
    const char *name;
    uint32_t id;
};

/* One call with a buffer of n bytes. 0 and *ret_found, or an errno. */
typedef int (*nss_call)(struct question *q, char *buffer, size_t n, bool *ret_found);

static int call_user(struct question *q, char *buffer, size_t n, bool *ret_found)
{
    struct passwd entry, *found = NULL;
    int error = getpwuid_r(q->id, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->name = found->pw_name;
    return error;
}

static int call_group(struct question *q, char *buffer, size_t n, bool *ret_found)
{
    struct group entry, *found = NULL;
    int error = getgrgid_r(q->id, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->name = found->gr_name;
    return error;
}

static int call_uid(struct question *q, char *buffer, size_t n, bool *ret_found)
{
    struct passwd entry, *found = NULL;
    int error = getpwnam_r(q->name, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->id = found->pw_uid;
    return error;
}

static int call_gid(struct question *q, char *buffer, size_t n, bool *ret_found)
{
    struct group entry, *found = NULL;
    int error = getgrnam_r(q->name, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->id = found->gr_gid;
    return error;
}

/* getpwuid_r(3): "no such entry" is 0 without a result, and in some modules one of these. */
static int no_entry_or(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH ? -ENOENT : -error;
}

/* The buffer, which the answer may lie in, is the caller's. */
static int find(nss_call call, struct question *q, char **ret_buffer)
{
    for (size_t n = FIRST_BUFFER_BYTES; n <= MAX_BUFFER_BYTES; n *= 4) {
        cleanup_free char *buffer = malloc(n);
        bool found;
        if (!buffer)
            return -ENOMEM;
        int error = call(q, buffer, n, &found);
        if (error == ERANGE)
            continue;
        if (!found)
            return no_entry_or(error);
        *ret_buffer = take_ptr(buffer);
        return 0;
    }
    return -ERANGE;
}

static int find_name(nss_call call, uint32_t id, char **ret_name)
{
    struct question q = {.id = id};
    cleanup_free char *buffer = NULL;
    int r = find(call, &q, &buffer);

    if (r < 0)
        return r;
    char *name = strdup(q.name);
    if (!name)
        return -ENOMEM;
    *ret_name = name;
    return 0;
}

static int find_id(nss_call call, const char *name, uint32_t *ret_id)
{
    struct question q = {.name = name};
    cleanup_free char *buffer = NULL;
    int r = find(call, &q, &buffer);

    if (r == 0)
        *ret_id = q.id;
    return r;
}

int names_nss_find_user(uint32_t uid, char **ret_name)
{
    return find_name(call_user, uid, ret_name);
}
int names_nss_find_group(uint32_t gid, char **ret_name)
{
    return find_name(call_group, gid, ret_name);
}
int names_nss_find_uid(const char *name, uint32_t *ret_uid)
{
    return find_id(call_uid, name, ret_uid);
}
int names_nss_find_gid(const char *name, uint32_t *ret_gid)
{
    return find_id(call_gid, name, ret_gid);
}
