#include "live/lines.h"

#include "common/cleanup.h"
#include "common/columns.h"
#include "common/escape.h"

#include <string.h>

/* ---- words ---- */

static const struct heading_row {
    const char *word, *title;
} heading_rows[LIVE_HEADINGS] = {
    [LIVE_USER] = {"user", "USER"},
    [LIVE_PROJECT] = {"project", "PROJECT"},
    [LIVE_CLASS] = {"class", "CLASS"},
    [LIVE_UNIT] = {"unit", "UNIT"},
    [LIVE_PROCESS] = {"process", "PROCESS"},
    [LIVE_REMOTE] = {"remote", "REMOTE"},
    [LIVE_CONNECTION] = {"connection", "CONNECTION"},
};

static const char *const order_words[LIVE_ORDERS] = {
    [LIVE_BY_RATE] = "rate",   [LIVE_BY_RX_RATE] = "rx", [LIVE_BY_TX_RATE] = "tx",
    [LIVE_BY_TOTAL] = "total", [LIVE_BY_NAME] = "name",
};

const char *live_heading_title(enum live_heading heading)
{
    return heading_rows[heading].title;
}

const char *live_heading_word(enum live_heading heading)
{
    return heading_rows[heading].word;
}

bool live_heading_find(const char *word, enum live_heading *ret_heading)
{
    for (int i = 0; i < LIVE_HEADINGS; i++)
        if (strcmp(heading_rows[i].word, word) == 0) {
            *ret_heading = i;
            return true;
        }
    return false;
}

const char *live_order_word(enum live_order order)
{
    return order_words[order];
}

/* ---- cells ---- */

static char *rate_text(double bytes_per_sec, enum units_style units)
{
    char bytes[UNITS_TEXT_MAX], *text;

    if (bytes_per_sec < 0.5)
        return strdup("-");
    units_format_bytes(bytes, (int64_t)(bytes_per_sec + 0.5), units);
    return asprintf(&text, "%s/s", bytes) < 0 ? NULL : text;
}

static char *total_text(int64_t bytes, enum units_style units)
{
    char text[UNITS_TEXT_MAX];

    return strdup(units_format_bytes(text, bytes, units));
}

static char *name_cell(const struct live_look *look, const struct live_row *row)
{
    return escape_terminal(row->text);
}

static char *user_cell(const struct live_look *look, const struct live_row *row)
{
    return escape_terminal(row->user ? row->user : "");
}

static char *rx_rate_cell(const struct live_look *look, const struct live_row *row)
{
    return rate_text(row->rx_rate, look->units);
}

static char *tx_rate_cell(const struct live_look *look, const struct live_row *row)
{
    return rate_text(row->tx_rate, look->units);
}

static char *rx_cell(const struct live_look *look, const struct live_row *row)
{
    return total_text(row->total.rx, look->units);
}

static char *tx_cell(const struct live_look *look, const struct live_row *row)
{
    return total_text(row->total.tx, look->units);
}

enum { SPARK_SAMPLES = 20, NAME_WIDTH = 12 };

static char *past_cell(const struct live_look *look, const struct live_row *row)
{
    return live_sparkline(row->past, SPARK_SAMPLES, look->utf8);
}

/* ---- columns: where the width does not hold all, those of the least weight go first ---- */

static const struct column {
    const char *title; /* NULL: the heading's */
    size_t width;
    bool right;
    int weight;
    char *(*cell)(const struct live_look *look, const struct live_row *row);
} columns[] = {
    {NULL, NAME_WIDTH, false, 9, name_cell},
    {"USER", 10, false, 6, user_cell},
    {"RX/S", 11, true, 8, rx_rate_cell},
    {"TX/S", 11, true, 8, tx_rate_cell},
    {"RX", 9, true, 5, rx_cell},
    {"TX", 9, true, 5, tx_cell},
    {"PAST", SPARK_SAMPLES, false, 3, past_cell},
};

static bool has_column(const struct live_look *look, const struct column *c)
{
    return c->cell != user_cell || live_set_of(look->heading) == LIVE_CONNECTIONS;
}

/* Columns of at least this weight fit side by side; ret_name_width: what they leave to the name. */
static int least_weight(const struct live_look *look, size_t *ret_name_width)
{
    for (int weight = 0;; weight++) {
        size_t used = 0;

        for (size_t i = 0; i < array_length(columns); i++)
            if (columns[i].weight >= weight && has_column(look, &columns[i]))
                used += columns[i].width + (i > 0);
        if (used <= look->width || weight == columns[0].weight) {
            *ret_name_width = NAME_WIDTH + (look->width > used ? look->width - used : 0);
            return weight;
        }
    }
}

static const char *title_of(const struct live_look *look, const struct column *c)
{
    return c->title ? c->title : live_heading_title(look->heading);
}

/* row NULL: the titles. */
static char *line(const struct live_look *look, const struct live_row *row)
{
    char *text = NULL;
    size_t size, name_width;
    int weight = least_weight(look, &name_width);
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < array_length(columns); i++) {
        const struct column *c = &columns[i];
        size_t width = i == 0 ? name_width : c->width;
        cleanup_free char *cell = NULL;

        if (c->weight < weight || !has_column(look, c))
            continue;
        cell = row ? c->cell(look, row) : strdup(title_of(look, c));
        if (!cell) {
            fclose(out);
            free(text);
            return NULL;
        }
        cell[columns_fit(cell, width)] = '\0';
        if (i > 0)
            fputc(' ', out);
        columns_put(out, cell, width, c->right);
    }
    return fclose(out) == 0 ? text : NULL;
}

char *live_title_line(const struct live_look *look)
{
    return line(look, NULL);
}

char *live_row_line(const struct live_look *look, const struct live_row *row)
{
    return line(look, row);
}

char *live_sparkline(const double past[static LIVE_PAST], size_t samples, bool utf8)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    const char *const *steps = utf8 ? blocks : letters;
    double highest = 0;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    samples = samples < LIVE_PAST ? samples : LIVE_PAST;
    for (size_t i = LIVE_PAST - samples; i < LIVE_PAST; i++)
        highest = past[i] > highest ? past[i] : highest;
    for (size_t i = LIVE_PAST - samples; i < LIVE_PAST; i++) {
        /* whatever moved at all is seen */
        size_t step = past[i] > 0 ? 1 + (size_t)(past[i] / highest * (array_length(blocks) - 2)) : 0;

        fputs(steps[step], out);
    }
    return fclose(out) == 0 ? text : NULL;
}
