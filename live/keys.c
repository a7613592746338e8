#include "live/keys.h"

#include "common/cleanup.h"

#include <string.h>

enum { ESCAPE = 27, BACKSPACE = 8, DELETE = 127, CTRL_U = 21 };

static void show(struct live_state *s, enum live_heading heading)
{
    s->heading = heading;
    s->first = 0;
}

#define SHOW(name, heading)                                                                                            \
    static void show_##name(struct live_state *s)                                                                      \
    {                                                                                                                  \
        show(s, heading);                                                                                              \
    }
SHOW(users, LIVE_USER)
SHOW(projects, LIVE_PROJECT)
SHOW(classes, LIVE_CLASS)
SHOW(units, LIVE_UNIT)
SHOW(processes, LIVE_PROCESS)
SHOW(remotes, LIVE_REMOTE)
SHOW(connections, LIVE_CONNECTION)

static void next_order(struct live_state *s)
{
    s->order = (s->order + 1) % LIVE_ORDERS;
    s->first = 0;
}

static void begin_filter(struct live_state *s)
{
    s->typing = true;
    s->filter[0] = '\0';
}

static void drop_filter(struct live_state *s)
{
    s->filter[0] = '\0';
    s->first = 0;
}

static void toggle_pause(struct live_state *s)
{
    s->paused = !s->paused;
}

static void toggle_help(struct live_state *s)
{
    s->help = !s->help;
}

static void slower(struct live_state *s)
{
    s->interval_sec = s->interval_sec < LIVE_SLOWEST_SEC ? s->interval_sec + 1 : LIVE_SLOWEST_SEC;
}

static void faster(struct live_state *s)
{
    s->interval_sec = s->interval_sec > 1 ? s->interval_sec - 1 : 1;
}

static void quit(struct live_state *s)
{
    s->quit = true;
}

static const struct key_row {
    int key;
    const char *help; /* NULL: another key for the row before */
    void (*act)(struct live_state *s);
} key_rows[] = {
    {'u', "u  a row for each user", show_users},
    {'j', "j  each project", show_projects},
    {'g', NULL, show_projects},
    {'p', "p  each process; needs the records of connections", show_processes},
    {'r', "r  each remote address; the same", show_remotes},
    {'c', "c  each connection; the same", show_connections},
    {'n', "n  each unit (cgroup that a project rule names)", show_units},
    {'l', "l  each class of networks", show_classes},
    {'s', "s  another order: rate, rx, tx, total, name", next_order},
    {'/', "/  show only what contains a text; Enter ends it, Esc takes it back", begin_filter},
    {ESCAPE, NULL, drop_filter},
    {' ', "   (space) pause", toggle_pause},
    {'+', "+  a second more between two looks", slower},
    {'-', "-  a second less, down to 1", faster},
    {'h', "h  this help", toggle_help},
    {'?', NULL, toggle_help},
    {'q', "q  quit", quit},
    {3, NULL, quit}, /* Ctrl-C, where the terminal is raw */
};

const char *live_keys_line(void)
{
    return "q quit  h help  u user  j project  p process  r remote  c connection  n unit  l class  s order  / filter  "
           "space pause";
}

size_t live_help_lines(const char *const **ret_lines)
{
    static const char *lines[array_length(key_rows)];
    size_t n = 0;

    for (size_t i = 0; i < array_length(key_rows); i++)
        if (key_rows[i].help)
            lines[n++] = key_rows[i].help;
    *ret_lines = lines;
    return n;
}

static void type(struct live_state *s, int key)
{
    size_t length = strlen(s->filter);

    if (key == '\n' || key == '\r') {
        s->typing = false;
    } else if (key == ESCAPE) {
        s->typing = false;
        drop_filter(s);
    } else if (key == CTRL_U) {
        s->filter[0] = '\0';
    } else if (key == BACKSPACE || key == DELETE) {
        if (length)
            s->filter[length - 1] = '\0';
    } else if (key >= ' ' && key < DELETE && length + 1 < sizeof(s->filter)) {
        s->filter[length] = (char)key;
        s->filter[length + 1] = '\0';
    }
    s->first = 0;
}

/* How far there are rows is for whoever draws them to see. */
static void scroll(struct live_state *s, int key, size_t page)
{
    switch (key) {
    case LIVE_KEY_UP:
        s->first -= s->first > 0;
        break;
    case LIVE_KEY_DOWN:
        s->first++;
        break;
    case LIVE_KEY_PAGE_UP:
        s->first -= s->first < page ? s->first : page;
        break;
    case LIVE_KEY_PAGE_DOWN:
        s->first += page;
        break;
    default:
        s->first = 0;
        break;
    }
}

void live_state_key(struct live_state *s, int key, size_t page)
{
    if (key >= LIVE_KEY_NONE)
        return;
    if (key >= LIVE_KEY_UP) {
        scroll(s, key, page);
        return;
    }
    if (s->typing) {
        type(s, key);
        return;
    }
    for (size_t i = 0; i < array_length(key_rows); i++)
        if (key_rows[i].key == key) {
            key_rows[i].act(s);
            return;
        }
}
