#include "collector/names_nss.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/nss.h"

/* A question and its answer: name within the buffer, or id. */
struct question {
    const char *name;
    uint32_t id;
};

static int call_user(void *question, char *buffer, size_t n, bool *ret_found)
{
    struct question *q = question;
    struct passwd entry, *found = NULL;
    int error = getpwuid_r(q->id, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->name = found->pw_name;
    return error;
}

static int call_group(void *question, char *buffer, size_t n, bool *ret_found)
{
    struct question *q = question;
    struct group entry, *found = NULL;
    int error = getgrgid_r(q->id, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->name = found->gr_name;
    return error;
}

static int call_uid(void *question, char *buffer, size_t n, bool *ret_found)
{
    struct question *q = question;
    struct passwd entry, *found = NULL;
    int error = getpwnam_r(q->name, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->id = found->pw_uid;
    return error;
}

static int call_gid(void *question, char *buffer, size_t n, bool *ret_found)
{
    struct question *q = question;
    struct group entry, *found = NULL;
    int error = getgrnam_r(q->name, &entry, buffer, n, &found);
    if ((*ret_found = error == 0 && found))
        q->id = found->gr_gid;
    return error;
}

static int find_name(nss_call_fn call, uint32_t id, char **ret_name)
{
    struct question q = {.id = id};
    cleanup_free char *buffer = NULL;
    int r = nss_ask(call, &q, &buffer);

    if (r < 0)
        return r;
    char *name = strdup(q.name);
    if (!name)
        return -ENOMEM;
    *ret_name = name;
    return 0;
}

static int find_id(nss_call_fn call, const char *name, uint32_t *ret_id)
{
    struct question q = {.name = name};
    cleanup_free char *buffer = NULL;
    int r = nss_ask(call, &q, &buffer);

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
