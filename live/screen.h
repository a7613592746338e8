/* The full screen: ncurses, and nothing else knows of it. */
#pragma once

#include "live/keys.h"
#include "live/lines.h"

/* What stands above the rows besides what they tell themselves. */
struct live_banner {
    const char *host;
    const char *source;  /* where the samples come from */
    const char *trouble; /* why none comes; NULL: they do */
};

/* -ENOTTY: this terminal cannot do it (TERM). Signals and standard input stay as they are but for what ncurses needs. */
int screen_open(void);
void screen_close(void);

/* Draws it all. Takes the size that the terminal has by now. -ENOMEM. */
int screen_draw(const struct live_model *m, struct live_state *state, const struct live_banner *banner,
                enum units_style units);

/* Waits up to timeout_ms for a key; LIVE_KEY_NONE when none came. A terminal that changed its size is no key but ends the wait. */
int screen_key(int timeout_ms);

/* Rows that fit, for live_state_key(). */
size_t screen_page(void);
