/*
 * From ids to names. Sums are made by id, which is cheap; names are looked up once each, and rows are sorted by the
 * rank of their names. Ids of one name become one row: a user whose name came back, a project of a rule and of a
 * group.
 */
#include <errno.h>
#include <string.h>

#include "sql/store_internal.h"

enum dimension { USER, PROJECT, CLASS, PROTOCOL, UNIT, CONNECTION_UNIT, PROCESS, REMOTE, DIMENSIONS };

/*
 * Where the id is in a key. Keys need not be longer for rare questions: a family of 0, 4 or 6 shares its place with the
 * unit, and classes and protocols theirs with what only connections know.
 */
enum { FAMILY_PLACE = 5, FAMILY_BITS = 3, WHOLE = 63 };

static const struct dimension_row {
    unsigned by;
    enum statement_id label;
    int place, shift, bits;
} dimensions[DIMENSIONS] = {
    [USER] = {STORE_BY_USER, STATEMENT_LABEL_USER, 1, 0, WHOLE},
    [PROJECT] = {STORE_BY_PROJECT, STATEMENT_LABEL_PROJECT, 2, 0, WHOLE},
    [CLASS] = {STORE_BY_CLASS, STATEMENT_LABEL_CLASS, 3, 0, 24},
    [PROCESS] = {STORE_BY_PROCESS, STATEMENT_LABEL_PROCESS, 3, 24, 38},
    [PROTOCOL] = {STORE_BY_PROTOCOL, STATEMENT_LABEL_PROTOCOL, 4, 0, 16},
    [REMOTE] = {STORE_BY_REMOTE, STATEMENT_LABEL_REMOTE, 4, 16, 46},
    [UNIT] = {STORE_BY_UNIT, STATEMENT_LABEL_UNIT, FAMILY_PLACE, FAMILY_BITS, 60},
    [CONNECTION_UNIT] = {LABELS_BY_CONNECTION_UNIT, STATEMENT_LABEL_CONNECTION_UNIT, FAMILY_PLACE, FAMILY_BITS, 60},
};

struct label {
    int64_t id;
    char *text;
    int64_t number; /* the uid; 1 for what is of no connection */
    int64_t rank;   /* among all of the dimension; equal for equal text and number */
};

/* By id. Ids need not be small: a file may hold any, and those of processes and remote hosts grow for years. */
struct labels {
    struct label *v;
    size_t n, room;  /* a power of two */
    uint32_t *slots; /* twice as many; the number of a label plus 1; 0: free */
    struct label **order;
};

#define FIRST_ROOM 64 /* a power of two */

static void cleanup_labels(struct labels (*all)[DIMENSIONS])
{
    for (int d = 0; d < DIMENSIONS; d++) {
        struct labels *l = &(*all)[d];
        for (size_t i = 0; i < l->n; i++)
            free(l->v[i].text);
        free(l->v);
        free(l->slots);
        free(l->order);
    }
}

/* The slot of id, or the free one where it belongs. Spread by the golden ratio (Knuth, section 6.4). */
static uint32_t *find_slot(const struct labels *l, int64_t id)
{
    size_t mask = 2 * l->room - 1, i = ((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

    while (l->slots[i] && l->v[l->slots[i] - 1].id != id)
        i = (i + 1) & mask;
    return &l->slots[i];
}

static int64_t rank_of(const struct labels *l, int64_t id)
{
    return l->v[*find_slot(l, id) - 1].rank;
}

static int grow(struct store *s, struct labels *l)
{
    size_t room = l->room ? 2 * l->room : FIRST_ROOM;
    struct label *v = room < UINT32_MAX / 2 ? realloc(l->v, room * sizeof(*v)) : NULL;
    uint32_t *slots = v ? calloc(2 * room, sizeof(*slots)) : NULL;

    l->v = v ? v : l->v;
    if (!slots)
        return store_fail(s, -ENOMEM, "out of memory");
    free(l->slots);
    l->slots = slots;
    l->room = room;
    for (size_t i = 0; i < l->n; i++)
        *find_slot(l, v[i].id) = (uint32_t)i + 1;
    return 0;
}

static int learn(struct store *s, enum statement_id statement, struct labels *l, int64_t id)
{
    int r = l->n == l->room ? grow(s, l) : 0;
    uint32_t *slot = r == 0 ? find_slot(l, id) : NULL;

    if (r < 0 || *slot)
        return r;
    r = statement_bind(s, statement, BINDS(BIND_INT(id)));
    if (r == 0 && (r = statement_step(s, statement)) > 0) {
        const char *text = statement_text(s, statement, 0);
        struct label *label = &l->v[l->n];
        *label = (struct label){.id = id, .text = strdup(text ? text : ""), .number = statement_int(s, statement, 1)};
        r = label->text ? 0 : store_fail(s, -ENOMEM, "out of memory");
        if (r == 0)
            *slot = (uint32_t)++l->n;
    } else if (r == 0) {
        r = store_fail(s, -EBADMSG, "does not know the id %lld that it gave; restore it from a backup", (long long)id);
    }
    statement_reset(s, statement);
    return r;
}

static int compare_labels(const void *a, const void *b)
{
    const struct label *la = *(struct label *const *)a, *lb = *(struct label *const *)b;
    int order = strcmp(la->text, lb->text);

    return order ? order : (la->number > lb->number) - (la->number < lb->number);
}

static int rank(struct store *s, struct labels *l)
{
    l->order = calloc(l->n ? l->n : 1, sizeof(struct label *));
    if (!l->order)
        return store_fail(s, -ENOMEM, "out of memory");
    for (size_t i = 0; i < l->n; i++)
        l->order[i] = &l->v[i];
    qsort(l->order, l->n, sizeof(struct label *), compare_labels);
    for (size_t i = 0; i < l->n; i++)
        l->order[i]->rank =
            i && compare_labels(&l->order[i], &l->order[i - 1]) == 0 ? l->order[i - 1]->rank : (int64_t)i;
    return 0;
}

/* A negative one was never given: it stays negative, and nothing has it. */
static int64_t id_in(const struct tally_key *key, enum dimension d)
{
    const struct dimension_row *row = &dimensions[d];
    int64_t v = key->v[row->place];

    return v < 0 ? v : (v >> row->shift) & (int64_t)((UINT64_C(1) << row->bits) - 1);
}

static void put_id(struct tally_key *key, enum dimension d, int64_t id)
{
    const struct dimension_row *row = &dimensions[d];

    key->v[row->place] += (id - id_in(key, d)) * (INT64_C(1) << row->shift);
}

struct tally_key labels_key(size_t bucket, unsigned by, const struct label_ids *ids)
{
    const int64_t values[DIMENSIONS] = {
        [USER] = ids->user,
        [PROJECT] = ids->project,
        [CLASS] = ids->class_id,
        [PROTOCOL] = ids->protocol,
        [UNIT] = ids->unit,
        [CONNECTION_UNIT] = ids->other ? 0 : ids->unit + 1,
        [PROCESS] = ids->other ? 0 : ids->process,
        [REMOTE] = ids->other ? 0 : ids->remote,
    };
    struct tally_key key = {.v = {(int64_t)bucket, [FAMILY_PLACE] = by & STORE_BY_FAMILY ? ids->family : 0}};

    for (int d = 0; d < DIMENSIONS; d++)
        if (by & dimensions[d].by)
            put_id(&key, (enum dimension)d, values[d]);
    return key;
}

static int learn_all(struct store *s, const struct tally *sums, unsigned by, struct labels *labels)
{
    for (int d = 0; d < DIMENSIONS; d++) {
        if (!(by & dimensions[d].by))
            continue;
        for (size_t i = 0; i < sums->n_rows; i++) {
            int r = learn(s, dimensions[d].label, &labels[d], id_in(&sums->rows[i].key, (enum dimension)d));
            if (r < 0)
                return r;
        }
        int r = rank(s, &labels[d]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The same sums by rank instead of by id, in order. */
static int sum_by_rank(struct store *s, const struct tally *sums, unsigned by, const struct labels *labels,
                       struct tally *ret)
{
    for (size_t i = 0; i < sums->n_rows; i++) {
        struct tally_key key = sums->rows[i].key;
        for (int d = 0; d < DIMENSIONS; d++)
            if (by & dimensions[d].by)
                put_id(&key, (enum dimension)d, rank_of(&labels[d], id_in(&key, (enum dimension)d)));
        if (tally_add(ret, &key, &sums->rows[i].n) < 0)
            return store_fail(s, -ENOMEM, "out of memory");
    }
    tally_sort(ret);
    return 0;
}

static const struct label *label_of(const struct labels *labels, unsigned by, enum dimension d,
                                    const struct tally_row *row)
{
    static const struct label none = {.number = -1};

    return by & dimensions[d].by ? labels[d].order[id_in(&row->key, d)] : &none;
}

static int emit(const struct labels *labels, unsigned by, const struct tally_row *row, store_row_fn fn, void *userdata)
{
    static const enum dimension of_connections[] = {CONNECTION_UNIT, PROCESS, REMOTE};
    enum dimension unit = by & LABELS_BY_CONNECTION_UNIT ? CONNECTION_UNIT : UNIT;
    struct store_row answer = {
        .bucket = (size_t)row->key.v[0],
        .user = label_of(labels, by, USER, row)->text,
        .uid = label_of(labels, by, USER, row)->number,
        .project = label_of(labels, by, PROJECT, row)->text,
        .class_name = label_of(labels, by, CLASS, row)->text,
        .protocol = label_of(labels, by, PROTOCOL, row)->text,
        .unit = label_of(labels, by, unit, row)->text,
        .process = label_of(labels, by, PROCESS, row)->text,
        .remote = label_of(labels, by, REMOTE, row)->text,
        .family = by & STORE_BY_FAMILY ? (int)(row->key.v[FAMILY_PLACE] & ((1 << FAMILY_BITS) - 1)) : -1,
        .n = row->n,
    };

    for (size_t i = 0; i < array_length(of_connections); i++)
        answer.other |= label_of(labels, by, of_connections[i], row)->number == 1;
    return fn(&answer, userdata);
}

int labels_emit(struct store *s, const struct tally *sums, unsigned by, store_row_fn fn, void *userdata)
{
    cleanup(cleanup_labels) struct labels labels[DIMENSIONS] = {0};
    struct tally ranked = {0};
    int r = learn_all(s, sums, by, labels);

    if (r == 0)
        r = sum_by_rank(s, sums, by, labels, &ranked);
    for (size_t i = 0; i < ranked.n_rows && r == 0; i++)
        r = emit(labels, by, &ranked.rows[i], fn, userdata);
    tally_clear(&ranked);
    return r;
}
