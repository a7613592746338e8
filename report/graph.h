/* Bars of text: how long each is, and what it is drawn with. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the bars of a graph lie: columns left of the zero line for values below zero, the rest right of it. */
struct graph_scale {
    int64_t least, most; /* of all values, and zero */
    size_t below, above; /* columns; together those of the bars */
    bool blocks;         /* Unicode blocks, in eighths of a column; else '#' */
};

/* Shares columns out so that the same number of bytes is as long on both sides. columns must be at least 2. */
struct graph_scale graph_scale(const int64_t *values, size_t n, size_t columns, bool blocks);

/*
 * One bar as text, malloc'ed; NULL when memory is out. No trailing blanks. What is not zero shows at least a trace,
 * and what differs in sign lies on different sides of the zero line.
 */
char *graph_bar(const struct graph_scale *scale, int64_t value);
