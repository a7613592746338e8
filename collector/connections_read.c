#include "collector/connections.h"

#include "collector/cgroup_names.h"
#include "common/cleanup.h"
#include "common/clock.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/mman.h>

#define READ_RECORDS 4096

/* An entry that may go when the interval is booked. */
struct settled {
    struct pdtt_flow_key key;
    size_t connection; /* index */
};

struct connections {
    struct connections_options options;
    struct pdtt_room *room; /* mapped */
    struct cgroup_names *cgroups;
    struct pdtt_connection *records;
    size_t n_records, capacity;
    struct store_connection *connections;
    struct settled *settled;
    size_t n_settled;
    uint64_t leaked; /* room that seemed to be lost at the last reading */
};

static void close_descriptors(struct connections_options *options)
{
    options->records_fd = close_fd(options->records_fd);
    options->room_fd = close_fd(options->room_fd);
    options->reader_fd = close_fd(options->reader_fd);
}

int connections_open(const struct connections_options *options, struct connections **ret_connections)
{
    struct connections *c = calloc(1, sizeof(*c));
    struct connections_options owned = *options;
    void *room = MAP_FAILED;
    int r = c ? 0 : -ENOMEM;

    if (r == 0)
        room = mmap(NULL, sizeof(*c->room), PROT_READ | PROT_WRITE, MAP_SHARED, options->room_fd, 0);
    if (r == 0 && room == MAP_FAILED)
        r = -errno;
    if (r == 0)
        r = cgroup_names_open(options->cgroup, &c->cgroups);
    if (r < 0) {
        if (room != MAP_FAILED)
            munmap(room, sizeof(*c->room));
        close_descriptors(&owned);
        free(c);
        return r;
    }
    c->options = owned;
    c->room = room;
    *ret_connections = c;
    return 0;
}

struct connections *connections_close(struct connections *c)
{
    if (!c)
        return NULL;
    munmap(c->room, sizeof(*c->room));
    cgroup_names_close(c->cgroups);
    close_descriptors(&c->options);
    free(c->records);
    free(c->connections);
    free(c->settled);
    free(c);
    return NULL;
}

static int make_room_for(struct connections *c, size_t n)
{
    size_t capacity = c->capacity ? c->capacity : READ_RECORDS;
    struct pdtt_connection *records;

    while (capacity < c->n_records + n)
        capacity *= 2;
    if (capacity == c->capacity)
        return 0;
    records = realloc(c->records, capacity * sizeof(*records));
    if (!records)
        return -ENOMEM;
    c->records = records;
    c->capacity = capacity;
    return 0;
}

/* The iterator gives whole records, but a read may end within one. */
static int read_live(struct connections *c)
{
    cleanup_close int fd = c->options.reader_fd < 0 ? -1 : bpf_iter_create(c->options.reader_fd);
    size_t bytes = c->n_records * sizeof(*c->records);
    ssize_t n;

    if (c->options.reader_fd < 0)
        return 0;
    if (fd < 0)
        return -errno;
    do {
        int r = make_room_for(c, READ_RECORDS);

        if (r < 0)
            return r;
        n = read(fd, (char *)c->records + bytes, READ_RECORDS * sizeof(*c->records));
        bytes += n > 0 ? (size_t)n : 0;
        c->n_records = bytes / sizeof(*c->records);
    } while (n > 0 || (n < 0 && errno == EAGAIN));
    return n < 0 ? -errno : 0;
}

/* After the live ones: what ends in between is then seen twice rather than not at all. */
static int read_ended(struct connections *c)
{
    cleanup_free struct pdtt_flow_key *keys = calloc(READ_RECORDS, sizeof(*keys));
    uint32_t position = 0;

    if (!keys)
        return -ENOMEM;
    for (bool first = true;; first = false) {
        uint32_t n = READ_RECORDS;
        int r = make_room_for(c, n);

        if (r < 0)
            return r;
        r = bpf_map_lookup_batch(c->options.records_fd, first ? NULL : &position, &position, keys,
                                 c->records + c->n_records, &n, NULL);
        if (r < 0 && errno != ENOENT)
            return -errno;
        c->n_records += n;
        if (r < 0)
            return 0;
    }
}

static uint64_t room_in_use(const struct connections *c)
{
    return __atomic_load_n(&c->room->taken, __ATOMIC_ACQUIRE) - __atomic_load_n(&c->room->released, __ATOMIC_ACQUIRE);
}

static void release_room(struct connections *c, uint64_t n)
{
    __atomic_fetch_add(&c->room->released, n, __ATOMIC_ACQ_REL);
}

/*
 * A socket that goes without a word (the kernel's own) keeps its room. What was in use before the reading and is not in it
 * is such a one; twice in a row, because one that is just beginning has room before it can be seen.
 */
static void recover_room(struct connections *c, uint64_t in_use)
{
    uint64_t leaked = in_use > c->n_records ? in_use - c->n_records : 0;

    if (!c->options.all)
        return;
    if (leaked && c->leaked)
        release_room(c, leaked < c->leaked ? leaked : c->leaked);
    c->leaked = leaked && !c->leaked ? leaked : 0;
}

static const char *project_of(const struct connections *c, const struct pdtt_connection *record)
{
    struct pdtt_account account = {
        .uid = (uint32_t)record->identity,
        .gid = record->identity >> 32,
        .unit = record->unit,
        .class_id = record->class_id,
        .protocol = record->ends.protocol,
        .family = record->ends.family,
        .kind = record->kind,
    };

    return c->options.project ? c->options.project(&account, c->options.userdata) : NULL;
}

static void key_of(const struct pdtt_connection *record, struct pdtt_flow_key *ret)
{
    *ret = (struct pdtt_flow_key){
        .cookie = record->cookie, .serial = record->serial, .remote_port = record->ends.remote_port};
    memcpy(ret->remote, record->ends.remote, sizeof(ret->remote));
}

static int allocate_results(struct connections *c)
{
    size_t n = c->n_records ? c->n_records : 1;

    free(c->connections);
    free(c->settled);
    c->connections = calloc(n, sizeof(*c->connections));
    c->settled = calloc(n, sizeof(*c->settled));
    return c->connections && c->settled ? 0 : -ENOMEM;
}

static void describe_all(struct connections *c, uint64_t epoch)
{
    struct connections_moment now = {.boot_ns = clock_boottime_ns(), .epoch = epoch};

    now.wall_offset_ns = clock_realtime_ns() - (int64_t)now.boot_ns;
    for (size_t i = 0; i < c->n_records; i++) {
        struct pdtt_connection *record = &c->records[i];

        record->comm[sizeof(record->comm) - 1] = '\0';
        connections_describe(record, &now, &c->connections[i]);
        c->connections[i].project = project_of(c, record);
        c->connections[i].cgroup = cgroup_names_find(c->cgroups, record->cgroup_id);
        if (connections_settled(record, &now)) {
            c->settled[c->n_settled].connection = i;
            key_of(record, &c->settled[c->n_settled++].key);
        }
    }
}

/* All there is into c->connections, each once. */
static int read_all(struct connections *c, uint64_t epoch)
{
    int r;

    c->n_records = c->n_settled = 0;
    cgroup_names_begin(c->cgroups);
    r = read_live(c);
    if (r == 0)
        r = read_ended(c);
    if (r == 0) {
        c->n_records = connections_unique(c->records, c->n_records);
        r = allocate_results(c);
    }
    if (r < 0) {
        c->n_records = 0;
        return r;
    }
    describe_all(c, c->options.retired ? UINT64_MAX : epoch);
    return 0;
}

int connections_look(struct connections *c, uint64_t epoch, const struct store_connection **ret, size_t *ret_n)
{
    int r = read_all(c, epoch);

    c->n_settled = 0; /* nothing of it is booked */
    if (r < 0)
        return r;
    *ret = c->connections;
    *ret_n = c->n_records;
    return 0;
}

int connections_collect(struct connections *c, uint64_t epoch, struct store_interval *interval)
{
    uint64_t in_use = room_in_use(c);
    int r = read_all(c, epoch);

    if (r < 0)
        return r;
    recover_room(c, in_use);
    interval->connections = c->connections;
    interval->n_connections = c->n_records;
    interval->connections_all = c->options.all;
    return 0;
}

int connections_booked(struct connections *c)
{
    size_t gone = 0;
    int r = 0;

    for (size_t i = 0; i < c->n_settled; i++) {
        if (bpf_map_delete_elem(c->options.records_fd, &c->settled[i].key) < 0) {
            r = errno == ENOENT ? r : -errno;
            continue;
        }
        gone++;
        if (c->options.ended)
            c->options.ended(&c->connections[c->settled[i].connection], c->options.userdata);
    }
    release_room(c, gone);
    c->n_settled = 0;
    return r;
}
