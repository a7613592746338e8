#include "serve/privilege.h"

#include "common/cleanup.h"
#include "common/syscall_filter.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>

static int complain(int error, char **ret_why, const char *format, const char *name)
{
    if (asprintf(ret_why, format, name) < 0)
        *ret_why = NULL;
    return error;
}

/* Before any thread is started: the C library changes the ids of all threads, the kernel's other calls one only. */
static int change_user(const char *user, const char *group, char **ret_why)
{
    const struct passwd *pw = getpwnam(user);
    const struct group *gr = getgrnam(group);
    gid_t gid;

    if (!pw)
        return complain(-ENOENT, ret_why,
                        "option --user: '%s': there is no such user; create it: useradd --system --shell "
                        "/usr/sbin/nologin pdtt-serve",
                        user);
    if (pw->pw_uid == 0)
        return complain(-EINVAL, ret_why, "option --user: '%s': is root; name a user that can do nothing else", user);
    if (!gr)
        return complain(-ENOENT, ret_why,
                        "option --group: '%s': there is no such group; create it, or name the group that may read the "
                        "database",
                        group);
    gid = gr->gr_gid;
    if (setgroups(1, &gid) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
        return complain(-errno, ret_why, "cannot become user '%s'; start pdtt-serve as root or as that user", user);
    return setuid(0) == 0 ? complain(-EPERM, ret_why, "user '%s' could become root again", user) : 0;
}

/* Not even those that somebody gave to the file or to the service by mistake. */
static int drop_capabilities(char **ret_why)
{
    capng_clear(CAPNG_SELECT_ALL);
    if (capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0)
        return complain(-EPERM, ret_why, "cannot give up %s", "capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return complain(-errno, ret_why, "cannot give up privileges: %s", strerror(errno));
    return 0;
}

/*
 * Answering on connections, reading a database and asking name services need what every program of the house does, and nothing
 * more: no socket but Unix ones, no file but SQLite's temporary ones that would outlive this process, no other program.
 */
static int restrict_calls(char **ret_why)
{
    static const struct syscall_policy policy = {.program = "pdtt-serve", .left = "systemd starts it again"};

    return syscall_filter_load(&policy, ret_why);
}

int privilege_drop(const char *user, const char *group, char **ret_why)
{
    int r = geteuid() == 0 ? change_user(user, group, ret_why) : 0;

    if (r == 0)
        r = drop_capabilities(ret_why);
    return r < 0 ? r : restrict_calls(ret_why);
}
