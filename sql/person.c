/* Who a number was, and when: uids and gids are renamed and recycled, what was booked keeps the name of its time. */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

/* last_seen is kept to the day: pdttd confirms each name every few minutes, and each write waits for the disk. */
#define SEEN_STEP_SEC 86400

static const struct person_table {
    enum statement_id at, latest, insert, name, seen;
} tables[] = {
    [PERSON_USER] = {STATEMENT_USER_AT, STATEMENT_USER_LATEST, STATEMENT_USER_INSERT, STATEMENT_USER_NAME,
                     STATEMENT_USER_SEEN},
    [PERSON_PROJECT] = {STATEMENT_PROJECT_AT, STATEMENT_PROJECT_LATEST, STATEMENT_PROJECT_INSERT,
                        STATEMENT_PROJECT_NAME, STATEMENT_PROJECT_SEEN},
};

int person_find(struct store *s, enum person_kind kind, int64_t number, int64_t start_sec, int64_t *ret_id)
{
    const struct person_table *t = &tables[kind];
    int r = statement_get_int(s, t->at, BINDS(BIND_INT(number), BIND_INT(start_sec)), ret_id);

    if (r != 0)
        return r < 0 ? r : 0;
    uses_forget(s->uses);
    /* The first of its number: whatever name is noted later is also that of what is booked now. */
    r = statement_get_int(s, t->insert, BINDS(BIND_INT(number), BIND_TEXT(NULL), BIND_INT(start_sec), BIND_INT(0)),
                          ret_id);
    return r < 0 ? r : 0;
}

int person_find_rule_project(struct store *s, const char *name, int64_t start_sec, int64_t *ret_id)
{
    int r = statement_get_int(s, STATEMENT_PROJECT_OF_RULE, BINDS(BIND_INT(PERSON_GID_RULE), BIND_TEXT(name)), ret_id);

    if (r != 0)
        return r < 0 ? r : 0;
    uses_forget(s->uses);
    r = statement_get_int(s, STATEMENT_PROJECT_INSERT,
                          BINDS(BIND_INT(PERSON_GID_RULE), BIND_TEXT(name), BIND_INT(start_sec), BIND_INT(0)), ret_id);
    return r < 0 ? r : 0;
}

/* What is known last of a number. */
struct latest {
    int64_t id;
    int64_t last_seen;
    bool known, named, same_name;
};

static int find_latest(struct store *s, enum person_kind kind, int64_t number, const char *name, struct latest *ret)
{
    enum statement_id id = tables[kind].latest;
    int r = statement_bind(s, id, BINDS(BIND_INT(number)));

    *ret = (struct latest){0};
    if (r == 0 && (r = statement_step(s, id)) > 0) {
        const char *old = statement_text(s, id, 1);
        *ret = (struct latest){
            .id = statement_int(s, id, 0),
            .last_seen = statement_int(s, id, 2),
            .known = true,
            .named = old != NULL,
            .same_name = old && strcmp(old, name) == 0,
        };
    }
    statement_reset(s, id);
    return r < 0 ? r : 0;
}

struct note {
    enum person_kind kind;
    int64_t number, now_sec;
    const char *name;
    struct latest latest;
};

static int write_note(struct store *s, void *userdata)
{
    const struct note *n = userdata;
    const struct person_table *t = &tables[n->kind];
    int64_t id;

    if (n->latest.same_name)
        return statement_run(s, t->seen, BINDS(BIND_INT(n->latest.id), BIND_INT(n->now_sec)));
    uses_forget(s->uses);
    if (n->latest.known && !n->latest.named)
        return statement_run(s, t->name, BINDS(BIND_INT(n->latest.id), BIND_TEXT(n->name), BIND_INT(n->now_sec)));
    accounts_forget(s->accounts);
    int r = statement_get_int(s, t->insert,
                              BINDS(BIND_INT(n->number), BIND_TEXT(n->name), BIND_INT(n->now_sec),
                                    BIND_INT(n->latest.known ? n->now_sec : 0)),
                              &id);
    return r < 0 ? r : 0;
}

static int note_name(struct store *s, enum person_kind kind, int64_t number, const char *name, int64_t now_sec)
{
    struct note n = {.kind = kind, .number = number, .name = name, .now_sec = now_sec};

    if (s->mode != STORE_WRITE)
        return store_fail(s, -EROFS, "is open for reading only");
    if (number < 0)
        return store_fail(s, -EINVAL, "number %lld is no user or group", (long long)number);
    if (!name || !*name)
        return 0; /* the system has no name any more: a deleted user keeps the last one */
    int r = find_latest(s, kind, number, name, &n.latest);
    if (r < 0)
        return r;
    if (n.latest.same_name && now_sec < n.latest.last_seen + SEEN_STEP_SEC)
        return 0;
    return store_transaction(s, write_note, &n);
}

int store_note_user(struct store *s, int64_t uid, const char *name, int64_t now_sec)
{
    return note_name(s, PERSON_USER, uid, name, now_sec);
}

int store_note_group(struct store *s, int64_t gid, const char *name, int64_t now_sec)
{
    return note_name(s, PERSON_PROJECT, gid, name, now_sec);
}
