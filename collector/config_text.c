#include "collector/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/config_scan.h"
#include "common/cleanup.h"

/* A configuration is a page or two; what is larger was named by mistake. */
#define MAX_FILE_BYTES  (1 << 20)
#define MAX_TOTAL_BYTES (4 << 20)
#define MAX_FILES       64
#define MAX_DEPTH       8

/* So much of a line is quoted in a message at most. */
#define QUOTED(n) ((int)((n) < 200 ? (n) : 200))

struct loader {
    struct config_text *text;
    unsigned depth;
    char *why;
};

static int complain(struct loader *l, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Keeps the first line said and returns error. */
static int complain(struct loader *l, int error, const char *format, ...)
{
    va_list args;

    if (l->why)
        return error;
    va_start(args, format);
    if (vasprintf(&l->why, format, args) < 0)
        l->why = NULL;
    va_end(args);
    return l->why ? error : -ENOMEM;
}

/* Room for one more element, grown by doubling. */
static int grow(void **array, size_t n, size_t element_bytes)
{
    if (n & (n - 1))
        return 0;
    void *larger = reallocarray(*array, n ? 2 * n : 1, element_bytes);
    if (!larger)
        return -ENOMEM;
    *array = larger;
    return 0;
}

static int reserve_text(struct config_text *t, size_t n_bytes)
{
    if (n_bytes <= t->capacity)
        return 0;
    char *larger = realloc(t->text, 2 * n_bytes);
    if (!larger)
        return -ENOMEM;
    t->text = larger;
    t->capacity = 2 * n_bytes;
    return 0;
}

static int append_line(struct config_text *t, const char *line, size_t n, struct config_origin origin)
{
    if (grow((void **)&t->origins, t->n_lines, sizeof(*t->origins)) < 0)
        return -ENOMEM;
    if (reserve_text(t, t->n_bytes + n + 2) < 0)
        return -ENOMEM;
    memcpy(t->text + t->n_bytes, line, n);
    memcpy(t->text + t->n_bytes + n, "\n", 2);
    t->n_bytes += n + 1;
    t->origins[t->n_lines++] = origin;
    return 0;
}

/* The text owns the names of its files, because origins point to them. */
static int append_file(struct config_text *t, const char *path, const char **ret_name)
{
    if (grow((void **)&t->files, t->n_files, sizeof(*t->files)) < 0)
        return -ENOMEM;
    char *name = strdup(path);
    if (!name)
        return -ENOMEM;
    t->files[t->n_files++] = name;
    *ret_name = name;
    return 0;
}

static const char *remedy_of(int error)
{
    static const struct {
        int error;
        const char *remedy;
    } remedies[] = {
        {ENOENT, "create it or name another file"},
        {EACCES, "be root, or let this user read the file"},
        {EPERM, "be root, or let this user read the file"},
    };
    for (size_t i = 0; i < array_length(remedies); i++)
        if (remedies[i].error == error)
            return remedies[i].remedy;
    return "check the path and its file system";
}

/* subject is what messages begin with: the path, or where it is included. O_NONBLOCK: a named pipe would hold up the
 * start for ever. */
static int open_regular(struct loader *l, const char *subject, const char *path, int *ret_fd)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        return complain(l, -error, "%s: cannot be opened: %s; %s", subject, strerror(error), remedy_of(error));
    }
    if (S_ISDIR(st.st_mode))
        return complain(l, -EISDIR, "%s: is a directory; name a file in it", subject);
    if (!S_ISREG(st.st_mode))
        return complain(l, -EINVAL, "%s: is not a regular file; name a file that can be read again", subject);
    *ret_fd = take_fd(fd);
    return 0;
}

static int read_bytes(struct loader *l, const char *subject, const char *path, char **ret_bytes, size_t *ret_n)
{
    cleanup_close int fd = -1;
    cleanup_free char *bytes = malloc(MAX_FILE_BYTES + 1);
    size_t n = 0;
    ssize_t got;

    if (!bytes)
        return -ENOMEM;
    int r = open_regular(l, subject, path, &fd);
    if (r < 0)
        return r;
    do {
        got = TEMP_FAILURE_RETRY(read(fd, bytes + n, MAX_FILE_BYTES + 1 - n));
        n += got > 0 ? (size_t)got : 0;
    } while (got > 0 && n <= MAX_FILE_BYTES);
    if (got < 0) {
        int error = errno;
        return complain(l, -error, "%s: cannot be read: %s; %s", subject, strerror(error), remedy_of(error));
    }
    if (n > MAX_FILE_BYTES)
        return complain(l, -EFBIG, "%s: is larger than 1 MiB; was another file meant?", subject);
    bytes[n] = '\0';
    *ret_bytes = take_ptr(bytes);
    *ret_n = n;
    return 0;
}

int config_text_read_bytes(const char *subject, const char *path, char **ret_bytes, size_t *ret_n, char **ret_why)
{
    struct loader l = {0};
    int r = read_bytes(&l, subject, path, ret_bytes, ret_n);

    if (r < 0)
        *ret_why = l.why;
    return r;
}

static int add_file(struct loader *l, const char *subject, const char *path);

/* path is relative to the directory of the file that includes it. */
static int add_include(struct loader *l, struct config_origin at, const char *path, size_t n)
{
    const char *slash = strrchr(at.file, '/');
    int dir_len = path[0] != '/' && slash ? (int)(slash + 1 - at.file) : 0;
    cleanup_free char *full = NULL, *subject = NULL;
    int r;

    if (asprintf(&full, "%.*s%.*s", dir_len, at.file, (int)n, path) < 0) {
        full = NULL;
        return -ENOMEM;
    }
    if (asprintf(&subject, "%s:%u: @include \"%s\"", at.file, at.line, full) < 0) {
        subject = NULL;
        return -ENOMEM;
    }
    if (l->depth >= MAX_DEPTH || l->text->n_files >= MAX_FILES)
        return complain(l, -EINVAL, "%s: more than %d files, or %d one in another; does it include itself?", subject,
                        MAX_FILES, MAX_DEPTH);
    l->depth++;
    r = add_file(l, subject, full);
    l->depth--;
    return r;
}

static int add_line(struct loader *l, struct config_scan *scan, const char *line, size_t n, struct config_origin at)
{
    const char *path;
    size_t path_len;
    int r = scan->state == CONFIG_SCAN_CODE ? config_scan_include(line, n, &path, &path_len) : 0;

    if (r < 0)
        return complain(l, r, "%s:%u: value '%.*s': is not an include; write @include \"FILE\" on a line of its own",
                        at.file, at.line, QUOTED(n), line);
    if (r > 0)
        return add_include(l, at, path, path_len);
    if (memchr(line, '\0', n))
        return complain(l, -EINVAL, "%s:%u: holds a zero byte; name a text file", at.file, at.line);
    if (l->text->n_bytes + n > MAX_TOTAL_BYTES)
        return complain(l, -EFBIG, "%s:%u: more than 4 MiB with all includes; does a file include itself?", at.file,
                        at.line);
    r = config_scan_line(scan, line, n, at.line);
    if (r < 0)
        return complain(l, -EINVAL, "%s:%u: key '%.*s': value %.*s: is too large for a number; write a smaller one",
                        at.file, at.line, QUOTED(scan->key_len), scan->key ?: "", QUOTED(scan->number_len),
                        scan->number);
    return append_line(l->text, line, n, at);
}

/* An open string or comment must not swallow what follows the include. */
static int check_closed(struct loader *l, const struct config_scan *scan, const char *file)
{
    if (scan->state == CONFIG_SCAN_CODE)
        return 0;
    bool string = scan->state == CONFIG_SCAN_STRING;
    return complain(l, -EINVAL, "%s:%u: a %s begins here and does not end; close it with %s", file, scan->opened_line,
                    string ? "string" : "comment", string ? "\"" : "*/");
}

static int add_file(struct loader *l, const char *subject, const char *path)
{
    struct config_scan scan = {0};
    struct config_origin at = {0};
    cleanup_free char *bytes = NULL;
    size_t n_bytes = 0;
    int r = append_file(l->text, path, &at.file);

    if (r == 0)
        r = read_bytes(l, subject, path, &bytes, &n_bytes);
    if (r < 0)
        return r;
    for (const char *p = bytes, *end = bytes + n_bytes; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p)) ?: end;
        at.line++;
        r = add_line(l, &scan, p, (size_t)(newline - p), at);
        if (r < 0)
            return r;
        p = newline + 1;
    }
    return check_closed(l, &scan, at.file);
}

int config_text_read(const char *path, struct config_text *ret_text, char **ret_why)
{
    struct config_text text = {0};
    struct loader l = {.text = &text};
    int r = add_file(&l, path, path);

    if (r == 0 && !text.text) /* an empty file is a valid one: all defaults */
        r = append_line(&text, "", 0, (struct config_origin){text.files[0], 1});
    if (r < 0) {
        config_text_free(&text);
        *ret_why = l.why;
        return r;
    }
    *ret_text = text;
    return 0;
}

struct config_origin config_text_origin(const struct config_text *text, unsigned line)
{
    size_t last = text->n_lines - 1;
    return text->origins[line == 0 ? 0 : line - 1 > last ? last : line - 1];
}

void config_text_free(struct config_text *text)
{
    for (size_t i = 0; i < text->n_files; i++)
        free(text->files[i]);
    free(text->files);
    free(text->origins);
    free(text->text);
    *text = (struct config_text){0};
}
