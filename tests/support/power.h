/*
 * Power cuts: a VFS of SQLite that notes every write, truncation and sync of a database and its log, and what a disk could hold of
 * them had the power gone at some instant: all that was synced, and of what came later any sectors, in any order.
 */
#pragma once

#include "tests/support/store.h"

#include <stdlib.h>

#define POWER_SECTOR 512

enum power_place { POWER_DATABASE, POWER_LOG, POWER_PLACES, POWER_ELSEWHERE };
static const char *const power_suffixes[POWER_PLACES] = {"", "-wal"};

struct power_op {
    enum power_place place;
    enum { POWER_WRITE, POWER_TRUNCATE, POWER_SYNC } kind;
    int64_t at; /* a truncation: the size */
    size_t n;
    unsigned char *bytes;
};

struct power_disk {
    unsigned char *bytes;
    int64_t size, room;
};

static struct power_op *power_ops;
static size_t power_n_ops, power_room;
static struct power_disk power_before[POWER_PLACES]; /* when the trace began */
static sqlite3_vfs *power_real, power_vfs;

struct power_file {
    sqlite3_file base;
    enum power_place place;
    sqlite3_file real; /* and what its VFS has behind it */
};

static inline sqlite3_file *power_real_of(sqlite3_file *file)
{
    return &((struct power_file *)file)->real;
}

static inline void power_note(sqlite3_file *file, struct power_op op, const void *bytes)
{
    op.place = ((struct power_file *)file)->place;
    if (op.place >= POWER_PLACES)
        return;
    if (power_n_ops == power_room) {
        power_room = power_room ? 2 * power_room : 1024;
        power_ops = reallocarray(power_ops, power_room, sizeof(*power_ops));
        ck_assert_ptr_nonnull(power_ops);
    }
    if (bytes) {
        op.bytes = malloc(op.n);
        ck_assert_ptr_nonnull(op.bytes);
        memcpy(op.bytes, bytes, op.n);
    }
    power_ops[power_n_ops++] = op;
}

/* ---- the VFS ---- */

static inline int power_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    sqlite3_file *real = power_real_of(file);

    power_note(file, (struct power_op){.kind = POWER_WRITE, .at = at, .n = (size_t)n}, bytes);
    return real->pMethods->xWrite(real, bytes, n, at);
}

static inline int power_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = power_real_of(file);

    power_note(file, (struct power_op){.kind = POWER_TRUNCATE, .at = size}, NULL);
    return real->pMethods->xTruncate(real, size);
}

/* The real one is spared: no power is cut here. */
static inline int power_sync(sqlite3_file *file, int flags)
{
    power_note(file, (struct power_op){.kind = POWER_SYNC}, NULL);
    return SQLITE_OK;
}

#define POWER_PASS(name, parameters, ...)                                                                              \
    static inline int power_##name parameters                                                                          \
    {                                                                                                                  \
        sqlite3_file *real = power_real_of(file);                                                                      \
        return real->pMethods->name(real __VA_OPT__(, ) __VA_ARGS__);                                                  \
    }

POWER_PASS(xClose, (sqlite3_file * file))
POWER_PASS(xRead, (sqlite3_file * file, void *to, int n, sqlite3_int64 at), to, n, at)
POWER_PASS(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), size)
POWER_PASS(xLock, (sqlite3_file * file, int level), level)
POWER_PASS(xUnlock, (sqlite3_file * file, int level), level)
POWER_PASS(xCheckReservedLock, (sqlite3_file * file, int *held), held)
POWER_PASS(xFileControl, (sqlite3_file * file, int op, void *arg), op, arg)
POWER_PASS(xSectorSize, (sqlite3_file * file))
POWER_PASS(xDeviceCharacteristics, (sqlite3_file * file))
POWER_PASS(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **to), page, size, extend, to)
POWER_PASS(xShmLock, (sqlite3_file * file, int at, int n, int flags), at, n, flags)
POWER_PASS(xShmUnmap, (sqlite3_file * file, int remove), remove)

static inline void power_barrier(sqlite3_file *file)
{
    sqlite3_file *real = power_real_of(file);

    real->pMethods->xShmBarrier(real);
}

static const sqlite3_io_methods power_methods = {
    .iVersion = 2,
    .xClose = power_xClose,
    .xRead = power_xRead,
    .xWrite = power_write,
    .xTruncate = power_truncate,
    .xSync = power_sync,
    .xFileSize = power_xFileSize,
    .xLock = power_xLock,
    .xUnlock = power_xUnlock,
    .xCheckReservedLock = power_xCheckReservedLock,
    .xFileControl = power_xFileControl,
    .xSectorSize = power_xSectorSize,
    .xDeviceCharacteristics = power_xDeviceCharacteristics,
    .xShmMap = power_xShmMap,
    .xShmLock = power_xShmLock,
    .xShmBarrier = power_barrier,
    .xShmUnmap = power_xShmUnmap,
};

static inline int power_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct power_file *f = (struct power_file *)file;
    int rc = power_real->xOpen(power_real, name, &f->real, flags, ret_flags);

    f->place = flags & SQLITE_OPEN_MAIN_DB ? POWER_DATABASE : flags & SQLITE_OPEN_WAL ? POWER_LOG : POWER_ELSEWHERE;
    file->pMethods = f->real.pMethods ? &power_methods : NULL;
    return rc;
}

static inline void power_read_file(const char *path, struct power_disk *ret)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s", path);
    *ret = (struct power_disk){.bytes = malloc((size_t)st.st_size + 1), .size = st.st_size, .room = st.st_size + 1};
    ck_assert_int_eq(read(fd, ret->bytes, (size_t)st.st_size), st.st_size);
}

/* From now on; the database at place_path exists, and nobody has it open. */
static inline void power_trace_begin(void)
{
    power_real = sqlite3_vfs_find(NULL);
    power_vfs = *power_real;
    power_vfs.zName = "power";
    power_vfs.szOsFile = (int)offsetof(struct power_file, real) + power_real->szOsFile;
    power_vfs.xOpen = power_open;
    for (int place = 0; place < POWER_PLACES; place++)
        power_read_file(place_beside(power_suffixes[place]), &power_before[place]);
    ck_assert_int_eq(sqlite3_vfs_register(&power_vfs, 1), SQLITE_OK);
}

static inline void power_trace_end(void)
{
    sqlite3_vfs_register(power_real, 1);
}

/* ---- what the disk holds ---- */

static inline void power_put(struct power_disk *d, int64_t at, const unsigned char *bytes, int64_t n)
{
    if (at + n > d->room) {
        d->room = 2 * (at + n);
        d->bytes = realloc(d->bytes, (size_t)d->room);
        ck_assert_ptr_nonnull(d->bytes);
    }
    if (at > d->size)
        memset(d->bytes + d->size, 0, (size_t)(at - d->size));
    memcpy(d->bytes + at, bytes, (size_t)n);
    d->size = at + n > d->size ? at + n : d->size;
}

static inline bool power_reached_disk(unsigned *seed, int percent)
{
    return rand_r(seed) % 100 < percent;
}

/* percent of the sectors, or of the truncations; 100: all of it. */
static inline void power_apply(struct power_disk *d, const struct power_op *op, unsigned *seed, int percent)
{
    if (op->kind == POWER_TRUNCATE && op->at < d->size && power_reached_disk(seed, percent))
        d->size = op->at;
    for (int64_t done = 0, n; op->kind == POWER_WRITE && done < (int64_t)op->n; done += n) {
        n = POWER_SECTOR - (op->at + done) % POWER_SECTOR;
        n = n < (int64_t)op->n - done ? n : (int64_t)op->n - done;
        if (power_reached_disk(seed, percent))
            power_put(d, op->at + done, op->bytes + done, n);
    }
}

static inline void power_replay(enum power_place place, size_t cut, unsigned *seed, int percent)
{
    struct power_disk d = {.size = power_before[place].size, .room = power_before[place].size + 1};
    size_t synced = 0;

    for (size_t i = 0; i < cut; i++)
        if (power_ops[i].place == place && power_ops[i].kind == POWER_SYNC)
            synced = i;
    d.bytes = malloc((size_t)d.room);
    memcpy(d.bytes, power_before[place].bytes, (size_t)d.size);
    for (size_t i = 0; i < cut; i++)
        if (power_ops[i].place == place)
            power_apply(&d, &power_ops[i], seed, i < synced ? 100 : percent);
    place_write(place_beside(power_suffixes[place]), d.bytes, (size_t)d.size);
    free(d.bytes);
}

/* Makes the files at place_path what they could be after a cut before the operation with this number. */
static inline void power_cut(size_t cut, unsigned seed, int percent)
{
    unlink(place_beside("-shm"));
    for (int place = 0; place < POWER_PLACES; place++)
        power_replay((enum power_place)place, cut, &seed, percent);
}
