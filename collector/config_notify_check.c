/* Whether this host can run the command of notices; what no file can tell by itself, and only pdttd needs to know. */
#include "collector/config_keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/trusted.h"

static int complain(const struct config *config, const char *key, char **ret_why, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As the readers of keys do, after they have done. */
static int complain(const struct config *config, const char *key, char **ret_why, const char *format, ...)
{
    const struct config_value *value = &config->values[config_key_find(key) - config_keys];
    cleanup_free char *what = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&what, format, args);
    va_end(args);
    if (n < 0)
        what = NULL;
    if (asprintf(ret_why, "%s: key '%s': value %s: %s", value->origin ? value->origin : "built-in default", key,
                 value->text, what ? what : "out of memory") < 0)
        *ret_why = NULL;
    return -EINVAL;
}

static int check_user(const struct config *config, struct config_notify_user *ret, char **ret_why)
{
    const char *name = config->notify_user;
    const struct passwd *found = getpwnam(name);
    char *end;
    unsigned long uid;

    if (!found && isdigit((unsigned char)*name)) {
        errno = 0;
        uid = strtoul(name, &end, 10);
        found = !*end && !errno && uid < UINT32_MAX ? getpwuid((uid_t)uid) : NULL;
    }
    if (!found)
        return complain(config, "notify.user", ret_why,
                        "no such user is known here; make one (adduser --system), or name another, such as \"nobody\"");
    if (found->pw_uid == 0 || found->pw_gid == 0)
        return complain(config, "notify.user", ret_why,
                        "is root, or of its group, as which no command is run; name another user, such as \"nobody\"");
    if (strlen(found->pw_name) >= sizeof(ret->name))
        return complain(config, "notify.user", ret_why, "has too long a name");
    strcpy(ret->name, found->pw_name);
    ret->uid = found->pw_uid;
    ret->gid = found->pw_gid;
    return 0;
}

/* By the bits alone: the process that becomes the user looks again, with all groups and the way there. */
static bool may_run(const struct stat *st, const struct config_notify_user *user)
{
    mode_t bit = st->st_uid == user->uid ? S_IXUSR : st->st_gid == user->gid ? S_IXGRP : S_IXOTH;

    return st->st_mode & bit || st->st_mode & S_IXGRP;
}

static int check_command(const struct config *config, const struct config_notify_user *user, char **ret_why)
{
    const char *path = config->notify_command.v[0];
    cleanup_free char *copy = strdup(path), *why = NULL;
    cleanup_close int directory = -1;
    struct stat st;

    if (!copy)
        return -ENOMEM;
    if (trusted_open_parent(path, &directory, &why) < 0)
        return complain(config, "notify.command", ret_why, "%s", why ? why : "cannot be looked at");
    if (fstatat(directory, basename(copy), &st, AT_SYMLINK_NOFOLLOW) < 0)
        return complain(config, "notify.command", ret_why, "%s: %s; install the command, or name another", path,
                        strerror(errno));
    st.st_nlink = 1; /* another name of it changes nothing of what is run */
    if (trusted_check_file(&st, path, &why) < 0)
        return complain(config, "notify.command", ret_why, "%s", why ? why : "cannot be trusted");
    if (!may_run(&st, user))
        return complain(config, "notify.command", ret_why, "%s may not be run by user %s (mode %04o); chmod a+rx it",
                        path, user->name, st.st_mode & 07777);
    return 0;
}

int config_check_notify(const struct config *config, struct config_notify_user *ret, char **ret_why)
{
    struct config_notify_user user;
    int r = check_user(config, &user, ret_why);

    if (r == 0)
        r = check_command(config, &user, ret_why);
    if (r == 0)
        *ret = user;
    return r;
}
