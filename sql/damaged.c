/*
 * Opening a damaged database to read what is left. Where its schema cannot be read a copy is given the schema of a new one: databases
 * that were made with the same schema have their tables at the same pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "sql/store_internal.h"

#define LARGEST_CHECKED (INT64_C(64) << 20)
#define PAGE_BYTES      4096
#define AT_PAGE_COUNT   28 /* offsets in an SQLite header, numbers are big endian */
#define AT_FREE_LIST    32
#define AT_FREE_COUNT   36

static char *copy_name(const struct store *s, const char *suffix)
{
    char *name = NULL;

    return asprintf(&name, "%s-salvage%s", s->path, suffix) < 0 ? NULL : name;
}

static void remove_copy(const struct store *s)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < array_length(suffixes); i++) {
        cleanup_free char *name = copy_name(s, suffixes[i]);
        if (name)
            unlink(name);
    }
}

/* NULL when not even its schema can be read. */
static sqlite3 *try_open(const char *path)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "SELECT 1 FROM usage_raw LIMIT 0; SELECT 1 FROM rollup LIMIT 0", NULL, NULL, NULL) ==
            SQLITE_OK) {
        sqlite3_exec(db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
        return db;
    }
    sqlite3_close(db);
    return NULL;
}

static int copy_file(const char *from, const char *to)
{
    cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    cleanup_close int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    ssize_t n = out < 0 ? -1 : 1;

    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, 1 << 24, 0);
    return n < 0 ? -errno : 0;
}

static void put_number(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(number >> (24 - 8 * i));
}

static uint32_t get_number(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- the schema of a new database: its first page, and the pages that this one refers to ---- */

#define TREE_AT      100 /* the first page's tree begins behind the file's header */
#define LEAF         0x0d
#define CELLS_AT     3 /* two bytes */
#define LAST_CHILD   8
#define CELL_OFFSETS 12

struct schema {
    unsigned char *bytes; /* of the template */
    int64_t size;
    uint32_t n_pages; /* of the copy, so far */
    int fd;           /* of the copy */
};

/* Appends a page of the template to the copy and lets *child be its number there. */
static int move_child(struct schema *schema, unsigned char *child)
{
    uint32_t page = get_number(child);
    const unsigned char *bytes = schema->bytes + (int64_t)(page - 1) * PAGE_BYTES;

    if (page < 2 || (int64_t)page * PAGE_BYTES > schema->size || bytes[0] != LEAF)
        return -EPROTO;
    if (pwrite(schema->fd, bytes, PAGE_BYTES, (int64_t)schema->n_pages * PAGE_BYTES) != PAGE_BYTES)
        return -EIO;
    put_number(child, ++schema->n_pages);
    return 0;
}

static int move_children(struct schema *schema)
{
    unsigned char *tree = schema->bytes + TREE_AT;
    unsigned cells = tree[CELLS_AT] << 8 | tree[CELLS_AT + 1];
    int r = 0;

    if (tree[0] == LEAF)
        return 0;
    for (unsigned i = 0; i < cells && r == 0; i++) {
        unsigned char *offset = tree + CELL_OFFSETS + 2 * i;
        r = move_child(schema, schema->bytes + (offset[0] << 8 | offset[1]));
    }
    return r < 0 ? r : move_child(schema, tree + LAST_CHILD);
}

static int give_schema(struct store *s, const char *copy)
{
    struct schema schema = {.fd = open(copy, O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
    struct stat st;
    int r = schema.fd < 0 || fstat(schema.fd, &st) < 0 ? -errno : migrate_make_template(s, &schema.bytes, &schema.size);

    if (r == 0) {
        schema.n_pages = st.st_size ? (uint32_t)((st.st_size + PAGE_BYTES - 1) / PAGE_BYTES) : 1;
        r = move_children(&schema);
    }
    if (r == 0) {
        put_number(schema.bytes + AT_PAGE_COUNT, schema.n_pages);
        put_number(schema.bytes + AT_FREE_LIST, 0);
        put_number(schema.bytes + AT_FREE_COUNT, 0);
        r = pwrite(schema.fd, schema.bytes, PAGE_BYTES, 0) == PAGE_BYTES ? 0 : -EIO;
    }
    sqlite3_free(schema.bytes);
    close_fd(schema.fd);
    return r;
}

/* Into the file, because the log may hold a first page, with which the schema would again be what cannot be read. */
static int fold_log(const char *copy)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(copy, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL); /* opens the log, even if it fails then */
        sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    sqlite3_close(db);
    return 0;
}

/*
 * A database that an older program made, and this one brought up to date, has its tables at other pages: read by this schema it
 * would give rows of one table for those of another. meta is at the same page in all of them.
 */
static bool is_of_this_schema(sqlite3 *db)
{
    sqlite3_stmt *meta = NULL;
    bool same = sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = '" MIGRATE_CREATED_SCHEMA "'", -1, &meta,
                                   NULL) == SQLITE_OK &&
                sqlite3_step(meta) == SQLITE_ROW && sqlite3_column_int(meta, 0) == migrate_schema_version();

    sqlite3_finalize(meta);
    return same;
}

static int make_readable(struct store *s, const char *from, sqlite3 **ret_old)
{
    cleanup_free char *copy = copy_name(s, ""), *copy_wal = copy_name(s, "-wal"), *from_wal = NULL;
    int r;

    if (!copy || !copy_wal || asprintf(&from_wal, "%s-wal", from) < 0) {
        from_wal = NULL;
        return store_fail(s, -ENOMEM, "out of memory");
    }
    remove_copy(s);
    r = copy_file(from, copy);
    if (r == 0 && access(from_wal, F_OK) == 0)
        r = copy_file(from_wal, copy_wal);
    if (r == 0)
        r = give_schema(s, copy);
    if (r == 0)
        r = fold_log(copy);
    if (r == 0)
        r = give_schema(s, copy);
    if (r == 0 && (*ret_old = try_open(copy)) && !is_of_this_schema(*ret_old)) {
        sqlite3_close(*ret_old);
        *ret_old = NULL;
    }
    return r < 0 ? store_fail(s, r, "no copy of the damaged database can be made to salvage from: %s", strerror(-r))
                 : 0;
}

int damaged_open(struct store *s, const char *from, sqlite3 **ret_old)
{
    struct stat st;
    cleanup_free char *wal = NULL;
    bool has_log = asprintf(&wal, "%s-wal", from) >= 0 && access(wal, F_OK) == 0;

    *ret_old = NULL;
    if (stat(from, &st) < 0)
        return store_fail(s, -EIO, "%s cannot be read: %s", from, strerror(errno));
    /* SQLite removes the log of an empty file, which may be all that is left. */
    if (st.st_size >= PAGE_BYTES)
        *ret_old = try_open(from);
    if (*ret_old || (st.st_size < 2 * PAGE_BYTES && !has_log))
        return 0;
    return make_readable(s, from, ret_old);
}

void damaged_close(struct store *s, sqlite3 *old)
{
    sqlite3_close(old);
    remove_copy(s);
}

static int64_t pages_bytes(struct store *s)
{
    sqlite3_stmt *pages;
    int64_t n = 0;

    if (sqlite3_prepare_v2(s->db, "PRAGMA page_count", -1, &pages, NULL) == SQLITE_OK &&
        sqlite3_step(pages) == SQLITE_ROW)
        n = sqlite3_column_int64(pages, 0);
    sqlite3_finalize(pages);
    return n * PAGE_BYTES;
}

int damaged_check(struct store *s)
{
    sqlite3_stmt *check = NULL;
    int rc, r = 0;

    if (pages_bytes(s) > LARGEST_CHECKED)
        return 0;
    rc = sqlite3_prepare_v2(s->db, "PRAGMA integrity_check(1)", -1, &check, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(check);
    if (rc == SQLITE_ROW) {
        const char *found = (const char *)sqlite3_column_text(check, 0);
        if (!found || strcmp(found, "ok") != 0)
            r = store_fail(s, -EBADMSG, "is damaged: %s", found ? found : "?");
    } else {
        r = store_fail_sqlite(s, "checking");
    }
    sqlite3_finalize(check);
    return r;
}
