/*
 * What a view looks like as lines of text, for a screen or for a file: heading, rows, sum, each cut to the width there
 * is. Pure.
 */
#pragma once

#include "common/units.h"
#include "live/model.h"

struct live_look {
    enum live_heading heading;
    enum units_style units;
    size_t width; /* columns */
    bool utf8;    /* the locale can show blocks */
};

/* "USER", … as the column is headed; "user" as options and keys name it. Static text. */
const char *live_heading_title(enum live_heading heading);
const char *live_heading_word(enum live_heading heading);

/* By word; false: there is none of it. */
bool live_heading_find(const char *word, enum live_heading *ret_heading);

const char *live_order_word(enum live_order order);

/* Malloc'ed lines without an end of line; NULL: no memory. Texts are made harmless here. */
char *live_title_line(const struct live_look *look);
char *live_row_line(const struct live_look *look, const struct live_row *row);

/* The past as one character for each sample, scaled to its own highest; malloc'ed. The latest stands last. */
char *live_sparkline(const double past[static LIVE_PAST], size_t samples, bool utf8);
