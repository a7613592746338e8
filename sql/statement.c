#include "sql/statement.h"

#include <errno.h>

#include "sql/store_internal.h"

static int resolve_binds(struct store *s, enum statement_id id)
{
    struct statement *st = &s->statements[id];
    const struct statement_row *row = &statement_rows[id];

    while (st->n_binds < STATEMENT_MAX_BINDS && row->binds[st->n_binds]) {
        const char *name = row->binds[st->n_binds];
        int index = sqlite3_bind_parameter_index(st->stmt, name);
        if (index == 0)
            return store_fail(s, -EBADMSG, "statement %d has no parameter %s; this is a defect of the program", id,
                              name);
        st->index[st->n_binds++] = index;
    }
    if ((size_t)sqlite3_bind_parameter_count(st->stmt) != st->n_binds)
        return store_fail(s, -EBADMSG, "statement %d has parameters without a name; this is a defect of the program",
                          id);
    return 0;
}

static int prepare(struct store *s, enum statement_id id)
{
    if (statement_rows[id].writes && s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    if (sqlite3_prepare_v3(s->db, statement_rows[id].sql, -1, SQLITE_PREPARE_PERSISTENT, &s->statements[id].stmt,
                           NULL) != SQLITE_OK)
        return store_fail_sqlite(s, "reading the schema");
    return resolve_binds(s, id);
}

int statement_prepare_all(struct store *s)
{
    int r = 0;

    for (int id = 0; id < STATEMENT_COUNT && r == 0; id++)
        r = prepare(s, id);
    return r;
}

void statement_finalize_all(struct store *s)
{
    for (int id = 0; id < STATEMENT_COUNT; id++) {
        sqlite3_finalize(s->statements[id].stmt);
        s->statements[id] = (struct statement){0};
    }
}

static int bind_value(sqlite3_stmt *stmt, int index, const struct bind *bind)
{
    if (bind->is_text)
        return sqlite3_bind_text(stmt, index, bind->text, -1, SQLITE_STATIC);
    if (bind->blob)
        return sqlite3_bind_blob(stmt, index, bind->blob, (int)bind->number, SQLITE_STATIC);
    return sqlite3_bind_int64(stmt, index, bind->number);
}

int statement_bind(struct store *s, enum statement_id id, const struct bind *binds, size_t n)
{
    struct statement *st = &s->statements[id];
    int r = st->stmt ? 0 : prepare(s, id);

    if (r < 0)
        return r;
    if (n != st->n_binds)
        return store_fail(s, -EINVAL, "statement %d got %zu of %zu values; this is a defect of the program", id, n,
                          st->n_binds);
    for (size_t i = 0; i < n; i++) {
        st->has_text = st->has_text || binds[i].is_text || binds[i].blob;
        int rc = bind_value(st->stmt, st->index[i], &binds[i]);
        if (rc != SQLITE_OK)
            return store_fail_sqlite(s, "binding a value");
    }
    return 0;
}

int statement_step(struct store *s, enum statement_id id)
{
    errno = 0; /* store_fail_sqlite() looks at it */
    int rc = sqlite3_step(s->statements[id].stmt);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    return store_fail_sqlite(s, s->mode == STORE_WRITE ? "writing" : "reading");
}

void statement_reset(struct store *s, enum statement_id id)
{
    struct statement *st = &s->statements[id];

    sqlite3_reset(st->stmt); /* NULL is a no-op */
    /* The caller's texts were bound without a copy. Numbers may stay: each call binds all parameters. */
    if (st->has_text)
        sqlite3_clear_bindings(st->stmt);
    st->has_text = false;
}

int64_t statement_int(const struct store *s, enum statement_id id, int column)
{
    return sqlite3_column_int64(s->statements[id].stmt, column);
}

const char *statement_text(const struct store *s, enum statement_id id, int column)
{
    return (const char *)sqlite3_column_text(s->statements[id].stmt, column);
}

const void *statement_blob(const struct store *s, enum statement_id id, int column, size_t *ret_size)
{
    *ret_size = (size_t)sqlite3_column_bytes(s->statements[id].stmt, column);
    return sqlite3_column_blob(s->statements[id].stmt, column);
}

int statement_run(struct store *s, enum statement_id id, const struct bind *binds, size_t n)
{
    int r = statement_bind(s, id, binds, n);

    while (r >= 0 && (r = statement_step(s, id)) > 0)
        ;
    statement_reset(s, id);
    return r;
}

int statement_get_int(struct store *s, enum statement_id id, const struct bind *binds, size_t n, int64_t *ret)
{
    int r = statement_bind(s, id, binds, n);
    int found = 0;

    /* To the end, not only to the first row: an INSERT ... RETURNING is over when it says so. */
    while (r >= 0 && (r = statement_step(s, id)) > 0)
        if (!found++)
            *ret = statement_int(s, id, 0);
    statement_reset(s, id);
    return r < 0 ? r : found > 0;
}
