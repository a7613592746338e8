#include "report/rows.h"

#include "common/capped.h"
#include "common/cleanup.h"
#include "report/fields.h"
#include "sql/counters.h"

#include <string.h>

static void row_done(struct row *row)
{
    free(row->user);
    free(row->project);
    free(row->unit);
    free(row->class_name);
    free(row->protocol);
    free(row->process);
    free(row->remote);
    free(row->policy);
}

void rows_done(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        row_done(&rows->v[i]);
    free(rows->v);
    *rows = (struct rows){0};
}

/* ---- collecting ---- */

static int make_room(struct rows *rows)
{
    size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
    struct row *v;

    if (rows->n < rows->capacity)
        return 0;
    v = reallocarray(rows->v, capacity, sizeof(*v));
    if (!v)
        return -ENOMEM;
    rows->v = v;
    rows->capacity = capacity;
    return 0;
}

/* Replaces a borrowed text by a copy; true if memory was there. */
static bool own(char **text)
{
    return !*text || (*text = strdup(*text));
}

int rows_add(struct rows *rows, const struct row *row)
{
    struct row copy = *row;
    int r = make_room(rows);

    if (r < 0)
        return r;
    /* All are tried, so that none is still borrowed when row_done() frees them. */
    if (!(own(&copy.user) & own(&copy.project) & own(&copy.unit) & own(&copy.class_name) & own(&copy.protocol) &
          own(&copy.process) & own(&copy.remote) & own(&copy.policy))) {
        row_done(&copy);
        return -ENOMEM;
    }
    rows->v[rows->n++] = copy;
    return 0;
}

static void add_counters(struct row *to, const struct row *from)
{
    counters_add(&to->n, &from->n);
    to->total_bytes = add_capped(to->total_bytes, from->total_bytes);
}

static struct row row_without_dims(void)
{
    return (struct row){.since_sec = -1, .until_sec = -1, .uid = -1, .family = -1};
}

struct row rows_sum(const struct rows *rows)
{
    struct row ret = row_without_dims();

    for (size_t i = 0; i < rows->n; i++)
        add_counters(&ret, &rows->v[i]);
    return ret;
}

/* ---- comparing ---- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_field(const struct field *field, const struct row *a, const struct row *b)
{
    const char *text_a, *text_b;

    if (field->dim == FIELD_PERIOD)
        return compare_numbers((int64_t)a->bucket, (int64_t)b->bucket); /* labels need not sort as the periods do */
    if (field->kind != FIELD_TEXT)
        return compare_numbers(field_number(field, a), field_number(field, b)) * (field_is_label(field) ? 1 : -1);
    text_a = field_text(field, a), text_b = field_text(field, b);
    if (!text_a || !text_b)
        return (text_a != NULL) - (text_b != NULL);
    return strcmp(text_a, text_b);
}

static int compare_dims(const struct row *a, const struct row *b)
{
    for (size_t i = 0; i < n_fields; i++) {
        bool dim = fields[i].dim && !(fields[i].dim & FIELD_OTHER_REPORTS) &&
                   (fields[i].dim != FIELD_POLICY || field_is_label(&fields[i]));
        int order = dim ? compare_field(&fields[i], a, b) : 0;

        if (order)
            return order;
    }
    return 0;
}

struct order {
    const struct field *field;
    bool by_period;
};

static int compare_rows(const void *left, const void *right, void *userdata)
{
    const struct row *a = left, *b = right;
    const struct order *order = userdata;
    int r = order->by_period ? compare_numbers((int64_t)a->bucket, (int64_t)b->bucket) : 0;

    if (!r && order->field)
        r = compare_field(order->field, a, b);
    return r ? r : compare_dims(a, b);
}

void rows_sort(struct rows *rows, const struct field *field, bool by_period)
{
    struct order order = {field, by_period};

    if (rows->n > 1)
        qsort_r(rows->v, rows->n, sizeof(*rows->v), compare_rows, &order);
}

/* ---- making fewer of them ---- */

void rows_merge(struct rows *rows)
{
    size_t kept = 0;

    rows_sort(rows, NULL, false);
    for (size_t i = 0; i < rows->n; i++) {
        if (kept > 0 && compare_dims(&rows->v[kept - 1], &rows->v[i]) == 0) {
            add_counters(&rows->v[kept - 1], &rows->v[i]);
            row_done(&rows->v[i]);
        } else {
            rows->v[kept++] = rows->v[i];
        }
    }
    rows->n = kept;
}

/* Turns a row that is cut off into the one that sums up all those that follow it in its place. */
static void become_others(struct row *row, bool per_period)
{
    struct row others = row_without_dims();

    if (per_period) {
        others.period = row->period;
        others.since_sec = row->since_sec;
        others.until_sec = row->until_sec;
    }
    others.bucket = row->bucket;
    others.n_others = 1;
    add_counters(&others, row);
    row_done(row);
    *row = others;
}

void rows_top(struct rows *rows, size_t top, bool per_period)
{
    size_t kept = 0, place = 0;

    for (size_t i = 0; top > 0 && i < rows->n; i++) {
        struct row *row = &rows->v[i];

        if (per_period && kept > 0 && rows->v[kept - 1].bucket != row->bucket)
            place = 0;
        if (place > top) {
            add_counters(&rows->v[kept - 1], row);
            rows->v[kept - 1].n_others++;
            row_done(row);
            continue;
        }
        if (place == top)
            become_others(row, per_period);
        place++;
        rows->v[kept++] = *row;
    }
    if (top > 0)
        rows->n = kept;
}
