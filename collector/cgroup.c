#include "collector/cgroup.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "common/cleanup.h"

/* The fields of a line of mountinfo that matter here; not terminated, in the kernel's octal escapes. */
struct mount {
    const char *root, *point, *type;
    size_t root_len, point_len, type_len;
};

static int complain(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int complain(char **ret_why, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vasprintf(ret_why, format, args);
    va_end(args);
    if (n < 0)
        *ret_why = NULL;
    return n < 0 ? -ENOMEM : error;
}

/* The next field of a line and its length; *p goes behind it. */
static const char *next_field(const char **p, size_t *ret_len)
{
    const char *field = *p + strspn(*p, " ");
    *ret_len = strcspn(field, " \n");
    *p = field + *ret_len;
    return field;
}

/* "36 35 98:0 /root /point opts optional... - type source superopts": the optional fields may be none or many. */
static bool parse_line(const char *line, struct mount *ret)
{
    struct mount m;
    const char *field;
    size_t len;

    for (int skip = 0; skip < 3; skip++)
        next_field(&line, &len);
    m.root = next_field(&line, &m.root_len);
    m.point = next_field(&line, &m.point_len);
    do {
        field = next_field(&line, &len);
    } while (len > 0 && !(len == 1 && *field == '-'));
    m.type = next_field(&line, &m.type_len);
    *ret = m;
    return m.type_len > 0;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The kernel writes blank, tab, newline and backslash as \ooo (mangle_path in fs/seq_file.c). */
static char *unescape(const char *text, size_t n)
{
    char *out = malloc(n + 1), *to = out;

    for (size_t i = 0; out && i < n; i++) {
        if (text[i] == '\\' && i + 3 < n && is_octal(text[i + 1]) && is_octal(text[i + 2]) && is_octal(text[i + 3])) {
            *to++ = (char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            *to++ = text[i];
        }
    }
    if (out)
        *to = 0;
    return out;
}

static bool is_cgroup2(const struct mount *m)
{
    return m->type_len == 7 && memcmp(m->type, "cgroup2", 7) == 0;
}
static bool shows_root(const struct mount *m)
{
    return m->root_len == 1 && *m->root == '/';
}

/* Finds the nth cgroup2 mount that shows the root, or does not; counts nth down for each that it passes. */
static bool find_mount(const char *text, bool want_root, size_t *nth, struct mount *ret)
{
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (!parse_line(line, ret) || !is_cgroup2(ret) || shows_root(ret) != want_root)
            continue;
        if (*nth == 0)
            return true;
        --*nth;
    }
    return false;
}

int cgroup_parse_mountinfo(const char *text, size_t nth, char **ret_path)
{
    struct mount m;

    if (!find_mount(text, true, &nth, &m) && !find_mount(text, false, &nth, &m))
        return -ENOENT;
    char *path = unescape(m.point, m.point_len);
    if (!path)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

static int read_mountinfo(char **ret_text, char **ret_why)
{
    cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
    char *text = NULL;
    size_t room = 0;

    /* A file that holds no zero byte is one "line" up to the first of them. */
    if (!f || getdelim(&text, &room, 0, f) < 0) {
        int error = f && feof(f) ? EIO : errno;
        free(text);
        return complain(ret_why, -error,
                        "/proc/self/mountinfo: cannot be read: %s; mount /proc, or set 'cgroup' to a path",
                        strerror(error));
    }
    *ret_text = text;
    return 0;
}

/* 0, -EMEDIUMTYPE when path is no directory in cgroup2, or what statfs(2) says. */
static int check_cgroup2(const char *path)
{
    struct statfs fs;
    struct stat st;

    if (statfs(path, &fs) < 0 || stat(path, &st) < 0)
        return -errno;
    return fs.f_type == CGROUP2_SUPER_MAGIC && S_ISDIR(st.st_mode) ? 0 : -EMEDIUMTYPE;
}

static int find_mounted(char **ret_path, char **ret_why)
{
    cleanup_free char *text = NULL;
    int r = read_mountinfo(&text, ret_why);

    for (size_t nth = 0; r == 0; nth++) {
        cleanup_free char *path = NULL;
        r = cgroup_parse_mountinfo(text, nth, &path);
        if (r == -ENOENT)
            return complain(ret_why, r,
                            "/proc/self/mountinfo: no cgroup v2 file system is mounted; mount it with "
                            "\"mount -t cgroup2 none DIRECTORY\", or boot with systemd.unified_cgroup_hierarchy=1");
        if (r < 0)
            *ret_why = NULL;
        else if (check_cgroup2(path) == 0) { /* otherwise another mount hides it */
            *ret_path = take_ptr(path);
            return 0;
        }
    }
    return r;
}

static int find_configured(const char *configured, char **ret_path, char **ret_why)
{
    int r = check_cgroup2(configured);

    if (r == -EMEDIUMTYPE)
        return complain(
            ret_why, r,
            "key 'cgroup': value \"%s\": is no directory of a cgroup v2 file system; set it to \"auto\" or to a "
            "directory below a cgroup2 mount",
            configured);
    if (r < 0)
        return complain(ret_why, r,
                        "key 'cgroup': value \"%s\": %s; set it to \"auto\" or to a directory below a cgroup2 mount",
                        configured, strerror(-r));
    char *path = strdup(configured);
    if (!path) {
        *ret_why = NULL;
        return -ENOMEM;
    }
    *ret_path = path;
    return 0;
}

int cgroup_find_root(const char *configured, char **ret_path, char **ret_why)
{
    if (!configured || strcmp(configured, "auto") == 0)
        return find_mounted(ret_path, ret_why);
    return find_configured(configured, ret_path, ret_why);
}

bool cgroup_is_host_root(const char *path)
{
    cleanup_free char *type = NULL;

    if (asprintf(&type, "%s/cgroup.type", path) < 0) {
        type = NULL;
        return false;
    }
    return access(type, F_OK) < 0 && errno == ENOENT;
}

const char *cgroup_partial_warning(const char *path, char buf[static CGROUP_WARNING_MAX])
{
    snprintf(
        buf, CGROUP_WARNING_MAX,
        "%s is not the root of the host's cgroups (a container, or a setting of 'cgroup'): only sockets made below it "
        "are counted",
        path);
    return buf;
}
