#include "common/tzfile.h"

#include "common/cleanup.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define LOCALTIME "/etc/localtime"
#define ZONEINFO  "/usr/share/zoneinfo"

/* The largest file of tzdata has 4 KB; what is far larger is something else. */
enum { FILE_MAX_BYTES = 1 << 20 };

/* RFC 9636, 3.2: more than -25 h, less than 26 h. */
enum { OFFSET_MIN_SEC = -25 * 3600, OFFSET_MAX_SEC = 26 * 3600 };

struct tz_zone {
    char *name;
    size_t n_changes;
    int64_t *change_sec;  /* ascending */
    uint8_t *change_type; /* index into types, from change_sec on */
    size_t n_types;
    struct tz_type *types;
    bool has_rule;
    struct tz_rule rule; /* holds from the last change on; for ever if there is none */
};

struct tz_zone *tz_zone_free(struct tz_zone *zone)
{
    if (zone) {
        free(zone->name);
        free(zone->change_sec);
        free(zone->change_type);
        free(zone->types);
        free(zone);
    }
    return NULL;
}

static void cleanup_zone_fn(struct tz_zone **zone)
{
    tz_zone_free(*zone);
}

const char *tz_zone_name(const struct tz_zone *zone)
{
    return zone->name;
}

static int zone_new(const char *name, struct tz_zone **ret_zone)
{
    struct tz_zone *zone = calloc(1, sizeof(*zone));

    if (!zone)
        return -ENOMEM;
    zone->name = strdup(name);
    if (!zone->name) {
        tz_zone_free(zone);
        return -ENOMEM;
    }
    *ret_zone = zone;
    return 0;
}

/* ---- TZif, as RFC 9636 section 3 lays it out: header and data with 32-bit times, the same again with 64 bits, the TZ
 * string ---- */

struct header {
    char magic[4];
    char version; /* NUL, '2', '3', '4' */
    char reserved[15];
    uint32_t n_ut, n_std, n_leap, n_changes, n_types, n_chars; /* big-endian in the file */
};
_Static_assert(sizeof(struct header) == 44, "RFC 9636, 3.1");

struct reader {
    const uint8_t *at;
    size_t left;
};

/* The next n bytes, or NULL where the file ends before. */
static const uint8_t *take_bytes(struct reader *r, size_t n)
{
    const uint8_t *p = r->at;

    if (n > r->left)
        return NULL;
    r->at += n;
    r->left -= n;
    return p;
}

static int take_header(struct reader *r, struct header *ret)
{
    const uint8_t *p = take_bytes(r, sizeof(*ret));
    uint32_t *const counts[] = {&ret->n_ut, &ret->n_std, &ret->n_leap, &ret->n_changes, &ret->n_types, &ret->n_chars};

    if (!p || memcmp(p, "TZif", 4) != 0)
        return -EBADMSG;
    memcpy(ret, p, sizeof(*ret));
    for (size_t i = 0; i < array_length(counts); i++) {
        *counts[i] = be32toh(*counts[i]);
        if (*counts[i] > FILE_MAX_BYTES)
            return -EBADMSG; /* also keeps the sums below from overflowing */
    }
    if (ret->n_types == 0 || ret->n_types > UINT8_MAX + 1 || ret->n_chars == 0)
        return -EBADMSG;
    return 0;
}

static size_t data_size(const struct header *h, size_t time_size)
{
    return h->n_changes * (time_size + 1) + h->n_types * 6 + h->n_chars + h->n_leap * (time_size + 4) + h->n_std +
           h->n_ut;
}

static int64_t read_time(const uint8_t *p, size_t size)
{
    uint64_t wide;
    uint32_t narrow;

    if (size == sizeof(wide)) {
        memcpy(&wide, p, sizeof(wide));
        return (int64_t)be64toh(wide);
    }
    memcpy(&narrow, p, sizeof(narrow));
    return (int32_t)be32toh(narrow);
}

static int read_changes(struct tz_zone *zone, const uint8_t *times, const uint8_t *types, size_t time_size)
{
    zone->change_sec = calloc(zone->n_changes + 1, sizeof(*zone->change_sec));
    zone->change_type = calloc(zone->n_changes + 1, sizeof(*zone->change_type));
    if (!zone->change_sec || !zone->change_type)
        return -ENOMEM;
    for (size_t i = 0; i < zone->n_changes; i++) {
        zone->change_sec[i] = read_time(times + i * time_size, time_size);
        zone->change_type[i] = types[i];
        if (types[i] >= zone->n_types || (i > 0 && zone->change_sec[i] <= zone->change_sec[i - 1]))
            return -EBADMSG;
    }
    return 0;
}

static int read_types(struct tz_zone *zone, const uint8_t *types, const char *chars, size_t n_chars)
{
    zone->types = calloc(zone->n_types, sizeof(*zone->types));
    if (!zone->types)
        return -ENOMEM;
    for (size_t i = 0; i < zone->n_types; i++) {
        const uint8_t *p = types + i * 6;
        struct tz_type *type = &zone->types[i];
        size_t length;

        type->offset_sec = (int32_t)read_time(p, 4);
        type->dst = p[4];
        if (type->offset_sec <= OFFSET_MIN_SEC || type->offset_sec >= OFFSET_MAX_SEC || p[5] >= n_chars)
            return -EBADMSG;
        length = strnlen(chars + p[5], n_chars - p[5]);
        if (length > TZ_ABBREVIATION_MAX || p[5] + length == n_chars)
            return -EBADMSG;
        memcpy(type->abbreviation, chars + p[5], length + 1);
    }
    return 0;
}

/* Changes and types of one data block. */
static int read_data(struct tz_zone *zone, struct reader *r, const struct header *h, size_t time_size)
{
    const uint8_t *p = take_bytes(r, data_size(h, time_size)), *types;
    int ret;

    if (!p)
        return -EBADMSG;
    types = p + h->n_changes * (time_size + 1);
    if (h->n_leap > 0)
        return -ENOTSUP;
    zone->n_changes = h->n_changes;
    zone->n_types = h->n_types;
    ret = read_changes(zone, p, p + h->n_changes * time_size, time_size);
    if (ret < 0)
        return ret;
    return read_types(zone, types, (const char *)types + h->n_types * 6, h->n_chars);
}

/* The TZ string between two newlines; an empty one says that nobody knows what comes after the table. */
static int read_footer(struct tz_zone *zone, struct reader *r)
{
    cleanup_free char *text = NULL;
    const uint8_t *end;

    if (r->left < 2 || r->at[0] != '\n')
        return -EBADMSG;
    end = memchr(r->at + 1, '\n', r->left - 1);
    if (!end)
        return -EBADMSG;
    text = strndup((const char *)r->at + 1, (size_t)(end - r->at) - 1);
    if (!text)
        return -ENOMEM;
    zone->has_rule = *text != '\0';
    return zone->has_rule && tz_rule_parse(text, &zone->rule) < 0 ? -EBADMSG : 0;
}

int tz_zone_parse(const char *name, const void *data, size_t size, struct tz_zone **ret_zone)
{
    cleanup(cleanup_zone_fn) struct tz_zone *zone = NULL;
    struct reader r = {data, size};
    struct header h;
    int ret = zone_new(name, &zone);

    if (ret < 0)
        return ret;
    ret = take_header(&r, &h);
    if (ret < 0)
        return ret;
    if (h.version == '\0') {
        ret = read_data(zone, &r, &h, sizeof(int32_t));
    } else {
        if (!take_bytes(&r, data_size(&h, sizeof(int32_t))) || take_header(&r, &h) < 0)
            return -EBADMSG;
        ret = read_data(zone, &r, &h, sizeof(int64_t));
        if (ret == 0)
            ret = read_footer(zone, &r);
    }
    if (ret < 0)
        return ret;
    *ret_zone = take_ptr(zone);
    return 0;
}

/* ---- finding the file ---- */

static int read_file(const char *path, char **ret_data, size_t *ret_size)
{
    /* O_NONBLOCK: a path in a configuration may name a FIFO, and opening it must not hang. */
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    cleanup_free char *data = NULL;
    struct stat st;
    size_t size = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
        return -EBADMSG;
    data = malloc((size_t)st.st_size + 1);
    if (!data)
        return -ENOMEM;
    while (size < (size_t)st.st_size) {
        ssize_t n = read(fd, data + size, (size_t)st.st_size - size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += (size_t)n;
    }
    *ret_data = take_ptr(data);
    *ret_size = size;
    return 0;
}

static int load_file(const char *name, const char *path, struct tz_zone **ret_zone)
{
    cleanup_free char *data = NULL;
    size_t size = 0;
    int r = read_file(path, &data, &size);

    return r < 0 ? r : tz_zone_parse(name, data, size, ret_zone);
}

static int load_rule(const char *name, const char *text, struct tz_zone **ret_zone)
{
    struct tz_rule rule;
    int r;

    if (tz_rule_parse(text, &rule) < 0)
        return -ENOENT;
    r = zone_new(name, ret_zone);
    if (r < 0)
        return r;
    (*ret_zone)->rule = rule;
    (*ret_zone)->has_rule = true;
    return 0;
}

static int load_local(struct tz_zone **ret_zone)
{
    static const char mark[] = "zoneinfo/";
    char target[PATH_MAX];
    ssize_t n = readlink(LOCALTIME, target, sizeof(target) - 1);
    const char *name;
    int r;

    target[n < 0 ? 0 : n] = '\0';
    name = strstr(target, mark);
    r = load_file(name ? name + strlen(mark) : "local", LOCALTIME, ret_zone);
    /* localtime(5): without the file the host runs on UTC. */
    return r == -ENOENT ? load_rule("UTC", "UTC0", ret_zone) : r;
}

int tz_zone_load(const char *name, struct tz_zone **ret_zone)
{
    const char *dir = secure_getenv("TZDIR");
    char path[PATH_MAX];
    int r;

    if (strcmp(name, "local") == 0)
        return load_local(ret_zone);
    if (strcmp(name, "UTC") == 0)
        return load_rule("UTC", "UTC0", ret_zone);
    if (*name == '/')
        return load_file(name, name, ret_zone);
    if (*name == '\0' || strstr(name, ".."))
        return -EINVAL;
    if (snprintf(path, sizeof(path), "%s/%s", dir && *dir ? dir : ZONEINFO, name) >= (int)sizeof(path))
        return -EINVAL;
    r = load_file(name, path, ret_zone);
    return r == -ENOENT || r == -ENOTDIR ? load_rule(name, name, ret_zone) : r;
}

/* ---- asking ---- */

/* The number of changes at or before utc_sec. */
static size_t count_changes_until(const struct tz_zone *zone, int64_t utc_sec)
{
    size_t low = 0, high = zone->n_changes;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (zone->change_sec[middle] <= utc_sec)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void tz_zone_period(const struct tz_zone *zone, int64_t utc_sec, struct tz_period *ret_period)
{
    size_t n = count_changes_until(zone, utc_sec);
    int64_t start = n > 0 ? zone->change_sec[n - 1] : INT64_MIN;

    if (n == zone->n_changes && zone->has_rule) {
        tz_rule_period(&zone->rule, utc_sec, ret_period);
        if (ret_period->start_sec < start)
            ret_period->start_sec = start;
        return;
    }
    *ret_period = (struct tz_period){
        .start_sec = start,
        .end_sec = n < zone->n_changes ? zone->change_sec[n] : INT64_MAX,
        .type = &zone->types[n > 0 ? zone->change_type[n - 1] : 0],
    };
}
