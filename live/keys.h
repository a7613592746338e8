/* What a key does to what is shown. Pure: a key is a number as ncurses gives it. */
#pragma once

#include "live/model.h"

#include <wchar.h>

struct live_state {
    enum live_heading heading;
    enum live_order order;
    unsigned interval_sec; /* between two samples */
    bool paused, help, quit;
    bool typing; /* a filter is being written */
    char filter[64];
    size_t first; /* row at the top of the screen */
};

#define LIVE_SLOWEST_SEC 60

/* The named keys of a terminal, apart from characters. */
enum live_key {
    LIVE_KEY_UP = 0x110000,
    LIVE_KEY_DOWN,
    LIVE_KEY_PAGE_UP,
    LIVE_KEY_PAGE_DOWN,
    LIVE_KEY_HOME,
    LIVE_KEY_NONE
};

/* key: a character or an enum live_key; page: rows that fit on the screen. */
void live_state_key(struct live_state *state, int key, size_t page);

/* One line that says what the keys do, and as many as live_help_lines() for the page of help. Static texts. */
const char *live_keys_line(void);
size_t live_help_lines(const char *const **ret_lines);
