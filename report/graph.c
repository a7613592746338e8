#include "report/graph.h"

#include "common/cleanup.h"

#include <string.h>

enum { EIGHTHS = 8, BLOCK_BYTES = 3 };

/* Columns that are filled from the left to so many eighths, U+258F to U+2588. */
static const char *const from_left[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
/* Unicode has only a half that is filled from the right. */
#define HALF_FROM_RIGHT "▐"
#define FULL_BLOCK      "█"

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

struct graph_scale graph_scale(const int64_t *values, size_t n, size_t columns, bool blocks)
{
    struct graph_scale scale = {.above = columns, .blocks = blocks};
    __int128 span;

    for (size_t i = 0; i < n; i++) {
        scale.least = values[i] < scale.least ? values[i] : scale.least;
        scale.most = values[i] > scale.most ? values[i] : scale.most;
    }
    span = (__int128)scale.most - scale.least;
    if (scale.least == 0)
        return scale;
    scale.below = (size_t)(((__int128)magnitude(scale.least) * (__int128)columns + span / 2) / span);
    if (scale.below == 0)
        scale.below = 1;
    if (scale.below == columns && scale.most > 0)
        scale.below--;
    scale.above = columns - scale.below;
    return scale;
}

/* The length of value in parts of a column, at least one. */
static size_t length_of(uint64_t value, uint64_t longest, size_t columns, size_t parts)
{
    size_t length = longest ? (size_t)((unsigned __int128)value * (columns * parts) / longest) : 0;

    return value && !length ? 1 : length;
}

static char *put(char *out, const char *text, size_t times)
{
    while (times--)
        out = stpcpy(out, text);
    return out;
}

static void draw_below(char *out, const struct graph_scale *scale, int64_t value)
{
    size_t parts = scale->blocks ? 2 : 1;
    size_t length = length_of(magnitude(value), magnitude(scale->least), scale->below, parts);

    out = put(out, " ", scale->below - (length + parts - 1) / parts);
    if (length % parts)
        out = put(out, HALF_FROM_RIGHT, 1);
    put(out, scale->blocks ? FULL_BLOCK : "#", length / parts);
}

static void draw_above(char *out, const struct graph_scale *scale, int64_t value)
{
    size_t parts = scale->blocks ? EIGHTHS : 1;
    size_t length = length_of(magnitude(value), magnitude(scale->most), scale->above, parts);

    out = put(out, " ", scale->below);
    out = put(out, scale->blocks ? FULL_BLOCK : "#", length / parts);
    if (scale->blocks)
        put(out, from_left[length % parts], 1);
}

char *graph_bar(const struct graph_scale *scale, int64_t value)
{
    char *ret = malloc((scale->below + scale->above + 1) * BLOCK_BYTES + 1);

    if (!ret)
        return NULL;
    *ret = '\0';
    if (value < 0)
        draw_below(ret, scale, value);
    else if (value > 0)
        draw_above(ret, scale, value);
    return ret;
}
