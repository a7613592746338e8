#include "report/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MOST = 15 }; /* of a number that 64 bits hold with its sign */

static bool parse_number(const char **at, char end, uint64_t *ret)
{
    size_t n = strspn(*at, "0123456789abcdef");

    if (n == 0 || n > DIGITS_MOST || (*at)[n] != end)
        return false;
    *ret = 0;
    for (size_t i = 0; i < n; i++)
        *ret = *ret * 16 + (uint64_t)((*at)[i] <= '9' ? (*at)[i] - '0' : (*at)[i] - 'a' + 10);
    *at += n + (end != '\0');
    return true;
}

bool page_parse_cursor(const char *text, int64_t *ret_since_sec, int64_t *ret_until_sec, size_t *ret_skip)
{
    uint64_t since, until, skip;

    if (!parse_number(&text, '-', &since) || !parse_number(&text, '-', &until) || !parse_number(&text, '\0', &skip) ||
        (since >= until && until) || until > INT32_MAX * INT64_C(1000))
        return false;
    *ret_since_sec = (int64_t)since;
    *ret_until_sec = (int64_t)until;
    *ret_skip = skip;
    return true;
}

void page_note_next(struct report_page *page, int64_t since_sec, int64_t until_sec, size_t n_rows)
{
    size_t next = page->skip + page->limit;

    page->next[0] = '\0';
    if (next < n_rows)
        snprintf(page->next, sizeof(page->next), "%" PRIx64 "-%" PRIx64 "-%zx", (uint64_t)since_sec,
                 (uint64_t)until_sec, next);
}
