/* What a new database takes over from one that is gone, because the kernel still goes by it. */
#include <errno.h>
#include <stdlib.h>

#include "sql/store_internal.h"

/* A log that a reader keeps from being emptied would be played into whatever database comes to its place: it is moved aside. */
void store_fold_log(struct store *s)
{
    store_flush(s);
    sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (file_has_moved(s))
        quarantine_log(s->path);
}

/* ---- from one that is still open ---- */

#define OF_OPEN "FROM connection WHERE ended IS NULL"

/* In this order: what refers comes behind what it refers to. A trigger counts the uses of addresses and processes. */
static const struct carried {
    const char *table, *rows;
} carried[] = {
    {"ledger", "SELECT * FROM ledger"},
    {"class", "SELECT * FROM class"},
    {"unit", "SELECT * FROM unit"},
    {"interface", "SELECT * FROM interface"},
    {"interface_meter", "SELECT * FROM interface_meter"},
    {"policy", "SELECT * FROM policy"},
    {"policy_name", "SELECT * FROM policy_name"},
    {"policy_meter", "SELECT * FROM policy_meter"},
    {"user", "SELECT * FROM user"},
    {"project", "SELECT * FROM project"},
    {"account", "SELECT * FROM account WHERE id IN (SELECT account " OF_OPEN ")"},
    {"address",
     "SELECT id, address, 0 FROM address WHERE id IN (SELECT local " OF_OPEN " UNION SELECT remote " OF_OPEN ")"},
    {"process", "SELECT id, name, cgroup, 0 FROM process WHERE id IN (SELECT process " OF_OPEN ")"},
    {"connection", "SELECT * " OF_OPEN},
    {"connection_kept", "SELECT * FROM connection_kept"},
    {"notice", "SELECT * FROM notice"},
};

static int carry_table(struct store *s, sqlite3 *to, sqlite3 *from, const struct carried *c)
{
    sqlite3_stmt *rows = NULL, *insert;
    int columns, rc;

    insert = salvage_insert(to, c->table, &columns);
    rc = insert ? sqlite3_prepare_v2(from, c->rows, -1, &rows, NULL) : SQLITE_ERROR;
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++)
            sqlite3_bind_value(insert, i + 1, sqlite3_column_value(rows, i));
        rc = sqlite3_step(insert) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
        sqlite3_reset(insert);
    }
    sqlite3_finalize(rows);
    sqlite3_finalize(insert);
    return rc == SQLITE_DONE ? 0 : store_fail(s, -EIO, "table %s cannot be carried over", c->table);
}

static int carry_tables(struct store *s, sqlite3 *to, sqlite3 *from)
{
    int r = 0;

    for (size_t i = 0; i < array_length(carried) && r == 0; i++)
        r = carry_table(s, to, from, &carried[i]);
    return r;
}

struct store_kept {
    sqlite3 *db; /* in memory */
};

struct store_kept *store_kept_free(struct store_kept *kept)
{
    if (kept)
        sqlite3_close(kept->db);
    free(kept);
    return NULL;
}

struct store_kept *store_keep(struct store *s)
{
    struct store_kept *kept = calloc(1, sizeof(*kept));

    if (!kept || migrate_make_memory(s, &kept->db) < 0 || carry_tables(s, kept->db, s->db) < 0)
        return store_kept_free(kept);
    return kept;
}

static bool is_new(struct store *s)
{
    sqlite3_stmt *any = NULL;
    bool is = sqlite3_prepare_v2(s->db, "SELECT 1 FROM interval UNION ALL SELECT 1 FROM ledger LIMIT 1", -1, &any,
                                 NULL) == SQLITE_OK &&
              sqlite3_step(any) == SQLITE_DONE;

    sqlite3_finalize(any);
    return is;
}

static int carry(struct store *s, void *userdata)
{
    struct store_kept *kept = userdata;

    return carry_tables(s, s->db, kept->db);
}

int store_carry_over(struct store *s, struct store_kept *kept)
{
    int r;

    if (!is_new(s))
        return 0;
    r = kept ? store_transaction(s, carry, kept) : -ENODATA;
    s->meters_anew = s->policies_anew = r < 0;
    accounts_forget(s->accounts);
    connections_forget(s);
    return r;
}

/* ---- from what the kernel has ---- */

struct restored {
    int64_t id;
    const char *name;
};

static int restore_class(struct store *s, void *userdata)
{
    const struct restored *c = userdata;

    return statement_run(s, STATEMENT_CLASS_RESTORE, BINDS(BIND_INT(c->id), BIND_TEXT(c->name)));
}

int store_restore_class(struct store *s, int64_t id, const char *name)
{
    struct restored c = {id, name};

    return store_transaction(s, restore_class, &c);
}

static int reserve_units(struct store *s, void *userdata)
{
    return statement_run(s, STATEMENT_UNIT_RESERVE, BINDS(BIND_INT(*(int64_t *)userdata)));
}

int store_reserve_units(struct store *s, int64_t last)
{
    return last > 0 ? store_transaction(s, reserve_units, &last) : 0;
}
