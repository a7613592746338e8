#include "live/screen.h"

#include "common/cleanup.h"
#include "common/columns.h"
#include "common/escape.h"

#include <curses.h>
#include <langinfo.h>
#include <string.h>
#include <time.h>

/* Lines above the rows: host and clock, sum, titles; below: the keys. */
enum { ABOVE = 3, BELOW = 1 };

static SCREEN *terminal;

int screen_open(void)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) /* without keys there would be no end of it */
        return -ENOTTY;
    terminal = newterm(NULL, stdout, stdin);
    if (!terminal)
        return -ENOTTY;
    set_escdelay(25);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    curs_set(0);
    return 0;
}

void screen_close(void)
{
    if (!terminal)
        return;
    endwin();
    delscreen(terminal);
    terminal = NULL;
}

size_t screen_page(void)
{
    return LINES > ABOVE + BELOW ? (size_t)(LINES - ABOVE - BELOW) : 1;
}

int screen_key(int timeout_ms)
{
    static const struct {
        int curses, key;
    } names[] = {
        {KEY_UP, LIVE_KEY_UP},
        {KEY_DOWN, LIVE_KEY_DOWN},
        {KEY_PPAGE, LIVE_KEY_PAGE_UP},
        {KEY_NPAGE, LIVE_KEY_PAGE_DOWN},
        {KEY_HOME, LIVE_KEY_HOME},
        {KEY_BACKSPACE, '\b'},
        {KEY_ENTER, '\n'},
    };
    int key;

    timeout(timeout_ms);
    key = getch();
    for (size_t i = 0; i < array_length(names); i++)
        if (names[i].curses == key)
            return names[i].key;
    return key == ERR || key > 255 ? LIVE_KEY_NONE : key;
}

/* ---- drawing ---- */

static void put_line(int y, const char *text, attr_t attributes)
{
    attrset(attributes);
    move(y, 0);
    addnstr(text, (int)columns_fit(text, (size_t)COLS));
    clrtoeol();
    attrset(A_NORMAL);
}

static int put_text(int y, attr_t attributes, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int put_text(int y, attr_t attributes, const char *format, ...)
{
    cleanup_free char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        text = NULL;
        return -ENOMEM;
    }
    put_line(y, text, attributes);
    return 0;
}

static int put_banner(const struct live_state *state, const struct live_banner *banner)
{
    cleanup_free char *host = escape_terminal(banner->host);
    time_t now = time(NULL);
    struct tm local;
    char clock[16];

    if (!host || !localtime_r(&now, &local))
        return -ENOMEM;
    strftime(clock, sizeof(clock), "%H:%M:%S", &local);
    return put_text(0, A_BOLD, "PDTT on %s  %s  by %s, order %s, each %u s, from %s%s%s%s", host, clock,
                    live_heading_word(state->heading), live_order_word(state->order), state->interval_sec,
                    banner->source, state->paused ? "  PAUSED" : "", banner->trouble ? "  " : "",
                    banner->trouble ? banner->trouble : "");
}

static int put_sum(const struct live_view *view, const struct live_state *state, const struct live_look *look)
{
    cleanup_free char *past = live_sparkline(view->sum.past, LIVE_PAST, look->utf8);
    cleanup_free char *filter = escape_terminal(state->filter);
    char rx[UNITS_TEXT_MAX], tx[UNITS_TEXT_MAX];

    if (!past || !filter)
        return -ENOMEM;
    units_format_bytes(rx, (int64_t)view->sum.rx_rate, look->units);
    units_format_bytes(tx, (int64_t)view->sum.tx_rate, look->units);
    if (state->typing || *state->filter)
        return put_text(1, A_NORMAL, "All: rx %s/s, tx %s/s   filter: %s%s (%zu left out)", rx, tx, filter,
                        state->typing ? "_" : "", view->left_out);
    return put_text(1, A_NORMAL, "All: rx %s/s, tx %s/s  %s", rx, tx, past);
}

static const char *nothing(const struct live_state *state, const struct live_view *view)
{
    if (view->left_out)
        return "Nothing contains the filter.";
    if (live_set_of(state->heading) == LIVE_CONNECTIONS)
        return "No connection moved anything yet, or this source does not tell connections apart.";
    return "Nothing moved yet.";
}

static int put_rows(const struct live_view *view, struct live_state *state, const struct live_look *look)
{
    size_t page = screen_page(), last = view->n > page ? view->n - page : 0;

    state->first = state->first < last ? state->first : last;
    if (view->n == 0)
        put_line(ABOVE, nothing(state, view), A_NORMAL);
    for (size_t i = 0; i < page && state->first + i < view->n; i++) {
        const struct live_row *row = &view->rows[state->first + i];
        cleanup_free char *text = live_row_line(look, row);

        if (!text)
            return -ENOMEM;
        put_line(ABOVE + (int)i, text, row->rx_rate + row->tx_rate > 0 ? A_NORMAL : A_DIM);
    }
    return 0;
}

static void put_help(void)
{
    const char *const *lines;
    size_t n = live_help_lines(&lines);

    for (size_t i = 0; i < n; i++)
        put_line(ABOVE + (int)i, lines[i], A_NORMAL);
}

static int put_all(const struct live_view *view, struct live_state *state, const struct live_banner *banner,
                   const struct live_look *look)
{
    cleanup_free char *titles = live_title_line(look);
    int r = titles ? put_banner(state, banner) : -ENOMEM;

    if (r == 0)
        r = put_sum(view, state, look);
    if (r < 0)
        return r;
    put_line(2, titles, A_REVERSE);
    put_line(LINES - 1, live_keys_line(), A_DIM);
    if (!state->help)
        return put_rows(view, state, look);
    put_help();
    return 0;
}

int screen_draw(const struct live_model *m, struct live_state *state, const struct live_banner *banner,
                enum units_style units)
{
    struct live_look look = {.heading = state->heading,
                             .units = units,
                             .width = (size_t)COLS,
                             .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
    struct live_view view;
    int r = live_model_view(m, NULL, state->heading, state->order, state->filter, &view);

    if (r < 0)
        return r;
    erase();
    r = put_all(&view, state, banner, &look);
    live_view_done(&view);
    refresh();
    return r;
}
