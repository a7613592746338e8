/* A part of the rows of a report, for whoever reads it page by page. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "SINCE-UNTIL-SKIP" in hexadecimal digits: the period as it was understood for the first page, so that pages fit together;
 * of reports that have none SINCE and UNTIL are 0. */
#define PAGE_CURSOR_MAX 64

struct report_page {
    size_t skip, limit;
    char next[PAGE_CURSOR_MAX]; /* set when the report is written: the cursor of the next page, "" after the last */
};

/* False: it is none. */
bool page_parse_cursor(const char *text, int64_t *ret_since_sec, int64_t *ret_until_sec, size_t *ret_skip);

/* Notes what follows a page of a report of n_rows. */
void page_note_next(struct report_page *page, int64_t since_sec, int64_t until_sec, size_t n_rows);
