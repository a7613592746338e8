/*
 * Text on a terminal is as wide as its characters are, which is neither their number nor that of their bytes. All
 * functions take text that escape_terminal() has made harmless, in the encoding of the locale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How many columns text takes. What the locale cannot tell counts as one column for each byte. */
size_t columns_of(const char *text);

/* Where to cut text so that what stays takes at most width columns: the number of bytes that stay. */
size_t columns_fit(const char *text, size_t width);

/* Writes text filled with blanks to width columns, on the left side if it is to stand right. Too long it stays whole. */
void columns_put(FILE *out, const char *text, size_t width, bool right);
