#include "serve/now.h"

#include "common/cleanup.h"
#include "common/escape.h"
#include "common/json_text.h"
#include "live/lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TIME_DIGITS = 13 };

/* Those of a page. */
struct part {
    const struct live_row *rows;
    size_t n;
};

static int64_t whole(double rate)
{
    return (int64_t)(rate + 0.5);
}

/* ---- JSON ---- */

static json_t *figures(const struct live_row *row)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "rx_rate", (json_int_t)whole(row->rx_rate), "tx_rate",
                     (json_int_t)whole(row->tx_rate), "rx_bytes", (json_int_t)row->total.rx, "tx_bytes",
                     (json_int_t)row->total.tx);
}

static json_t *row_json(const struct now_question *q, const struct live_row *row)
{
    json_t *json = figures(row);

    json_object_set_new(json, "name", json_text_or_null(row->text));
    if (live_set_of(q->heading) == LIVE_CONNECTIONS)
        json_object_set_new(json, "user", json_text_or_null(row->user));
    return json;
}

static char *render_json(const struct now_question *q, const struct live_view *view, const struct part *part,
                         const struct now_moment *moment, const char *next)
{
    json_t *rows = json_array(), *json;
    char *text;

    for (size_t i = 0; i < part->n; i++)
        json_array_append_new(rows, row_json(q, &part->rows[i]));
    json = json_pack("{s:f, s:I, s:f, s:s, s:o, s:o, s:I}", "at", (double)moment->at_ms / 1000, "since",
                     (json_int_t)moment->since_sec, "interval_sec", moment->length_sec, "by",
                     live_heading_word(q->heading), "rows", rows, "sum", figures(&view->sum), "left_out",
                     (json_int_t)(view->left_out + view->n - part->n));
    if (json && q->paged)
        json_object_set_new(json, "next", *next ? json_string(next) : json_null());
    text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(TIME_DIGITS)) : NULL;
    json_decref(json);
    return text;
}

/* ---- lines, as reports have them: no sum ---- */

struct dialect {
    char separator;
    char *(*escape)(const char *text);
};

static int put_text(FILE *out, const struct dialect *d, const char *text)
{
    cleanup_free char *safe = d->escape(text ? text : "");

    return safe && fputs(safe, out) >= 0 ? 0 : -ENOMEM;
}

static int put_line(FILE *out, const struct dialect *d, const struct live_row *row, bool with_user)
{
    const int64_t figures[] = {whole(row->rx_rate), whole(row->tx_rate), row->total.rx, row->total.tx};
    int r = put_text(out, d, row->text);

    if (r == 0 && with_user) {
        fputc(d->separator, out);
        r = put_text(out, d, row->user);
    }
    for (size_t i = 0; i < array_length(figures); i++)
        fprintf(out, "%c%" PRId64, d->separator, figures[i]);
    fputc('\n', out);
    return r;
}

static char *render_lines(const struct now_question *q, const struct part *part, const struct dialect *d)
{
    static const char *const titles[] = {"name", "user", "rx_rate", "tx_rate", "rx_bytes", "tx_bytes"};
    bool with_user = live_set_of(q->heading) == LIVE_CONNECTIONS;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int r = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < array_length(titles); i++)
        if (with_user || i != 1)
            fprintf(out, "%s%c", titles[i], i + 1 < array_length(titles) ? d->separator : '\n');
    for (size_t i = 0; r == 0 && i < part->n; i++)
        r = put_line(out, d, &part->rows[i], with_user);
    if (fclose(out) != 0 || r < 0)
        free(take_ptr(text));
    return text;
}

/* ---- either ---- */

const char *now_media_type(const struct now_question *q)
{
    static const char *const types[] = {
        [NOW_JSON] = "application/json",
        [NOW_CSV] = "text/csv; charset=utf-8",
        [NOW_TSV] = "text/tab-separated-values; charset=utf-8",
    };

    return types[q->format];
}

char *now_render(const struct now_question *q, const struct live_model *model, const struct now_moment *moment,
                 char ret_next[static PAGE_CURSOR_MAX])
{
    static const struct dialect dialects[] = {[NOW_CSV] = {',', escape_csv}, [NOW_TSV] = {'\t', escape_tsv}};
    bool all = !q->restricted && q->sight.n_projects == 0;
    struct report_page page = q->page;
    struct live_view view;
    struct part part;
    size_t skipped;
    char *text;

    if (live_model_view(model, all ? NULL : &q->sight, q->heading, q->order, q->search, &view) < 0)
        return NULL;
    skipped = page.skip < view.n ? page.skip : view.n;
    part.rows = view.rows + skipped;
    part.n = page.limit < view.n - skipped ? page.limit : view.n - skipped;
    page_note_next(&page, 0, 0, view.n);
    text = q->format == NOW_JSON ? render_json(q, &view, &part, moment, page.next)
                                 : render_lines(q, &part, &dialects[q->format]);
    live_view_done(&view);
    memcpy(ret_next, page.next, sizeof(page.next));
    return text;
}
