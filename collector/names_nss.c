#include "collector/names_nss.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "common/cleanup.h"

/* A group entry holds all its members: those of a whole university are megabytes. */
#define FIRST_BUFFER_BYTES ((size_t)4096)
#define MAX_BUFFER_BYTES   ((size_t)64 << 20)

/* One call with a buffer of n bytes. 0 and the name within the buffer, or NULL if there is no entry; or an errno. */
typedef int (*nss_call)(uint32_t id, char *buffer, size_t n, const char **ret_name);

static int call_user(uint32_t uid, char *buffer, size_t n, const char **ret_name)
{
    struct passwd entry, *found;
    int error = getpwuid_r(uid, &entry, buffer, n, &found);
    *ret_name = error == 0 && found ? found->pw_name : NULL;
    return error;
}

static int call_group(uint32_t gid, char *buffer, size_t n, const char **ret_name)
{
    struct group entry, *found;
    int error = getgrgid_r(gid, &entry, buffer, n, &found);
    *ret_name = error == 0 && found ? found->gr_name : NULL;
    return error;
}

/* getpwuid_r(3): "no such entry" is 0 without a result, and in some modules one of these. */
static int no_entry_or(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH ? -ENOENT : -error;
}

static int find(nss_call call, uint32_t id, char **ret_name)
{
    for (size_t n = FIRST_BUFFER_BYTES; n <= MAX_BUFFER_BYTES; n *= 4) {
        cleanup_free char *buffer = malloc(n);
        const char *found;
        if (!buffer)
            return -ENOMEM;
        int error = call(id, buffer, n, &found);
        if (error == ERANGE)
            continue;
        if (!found)
            return no_entry_or(error);
        char *name = strdup(found);
        if (!name)
            return -ENOMEM;
        *ret_name = name;
        return 0;
    }
    return -ERANGE;
}

int names_nss_find_user(uint32_t uid, char **ret_name)
{
    return find(call_user, uid, ret_name);
}
int names_nss_find_group(uint32_t gid, char **ret_name)
{
    return find(call_group, gid, ret_name);
}
