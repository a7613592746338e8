#include "collector/textlog_internal.h"

#include "common/cleanup.h"
#include "common/escape.h"
#include "sql/counters.h"

#include <ctype.h>
#include <search.h>
#include <string.h>

struct user {
    int64_t uid; /* first: compared */
    char *name;
};

/* ---- names ---- */

static int compare_uids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void free_user(void *userdata)
{
    struct user *user = userdata;

    free(user->name);
    free(user);
}

static struct user *find_user(const struct textlog *log, int64_t uid)
{
    struct user **found = tfind(&uid, &log->users, compare_uids);
    return found ? *found : NULL;
}

int textlog_note_name(struct textlog *log, int64_t uid, const char *name)
{
    struct user *user = find_user(log, uid);
    char *copy = strdup(name);

    if (!copy)
        return -ENOMEM;
    if (!user) {
        user = calloc(1, sizeof(*user));
        if (!user || (user->uid = uid, !tsearch(user, &log->users, compare_uids))) {
            free(user);
            free(copy);
            return -ENOMEM;
        }
    }
    free(user->name);
    user->name = copy;
    return 0;
}

const char *textlog_name_of(const struct textlog *log, int64_t uid)
{
    if (uid == STORE_UID_UNATTRIBUTED)
        return "(unattributed)";
    if (uid == STORE_UID_OVERFLOW)
        return "(overflow)";
    const struct user *user = find_user(log, uid);
    return user ? user->name : NULL;
}

static bool is_plain(char c, bool first)
{
    return isalnum((unsigned char)c) || (!first && c == '.') || (c && strchr("-_@+", c));
}

char *textlog_user_path(const char *prefix, int64_t uid, const char *name)
{
    size_t n = name ? strlen(name) : 0;
    char *path = malloc(strlen(prefix) + 3 * n + 32), *to = path;

    if (!path)
        return NULL;
    to = stpcpy(path, prefix);
    if (n == 0)
        to += sprintf(to, "uid-%lld", (long long)uid);
    /* Somebody who is called like one without a name gets another file. */
    bool like_number = n > 0 && strncmp(name, "uid-", 4) == 0;
    for (size_t i = 0; i < n; i++) {
        if (is_plain(name[i], i == 0) && !(like_number && i == 0))
            *to++ = name[i];
        else
            to += sprintf(to, "%%%02X", (unsigned char)name[i]);
    }
    strcpy(to, ".log");
    return path;
}

/* ---- texts ---- */

static void print_heading(FILE *out, const struct textlog *log)
{
    struct calendar_time t;

    calendar_civil(log->calendar, log->end_sec, &t);
    fprintf(out, "=== Network Statistics Report [%04d-%02d-%02d %02d:%02d:%02d] ===\n", t.year, t.month, t.day, t.hour,
            t.minute, t.second);
}

static void print_share(FILE *out, const struct share *share, const char *name)
{
    const struct store_counters *n = &share->n;
    cleanup_free char *shown = name && *name ? escape_terminal(name) : NULL;

    fprintf(out, "UID: %lld | Username: ", (long long)share->uid);
    if (shown)
        fprintf(out, "%s\n", shown);
    else
        fprintf(out, "uid %lld\n", (long long)share->uid);
    fprintf(out, "  TX: %lld bytes (%lld packets)\n", (long long)n->tx_bytes, (long long)n->tx_packets);
    fprintf(out, "  RX: %lld bytes (%lld packets)\n", (long long)n->rx_bytes, (long long)n->rx_packets);
    fprintf(out, "  Total: %lld bytes (%lld packets)\n---\n", (long long)(n->tx_bytes + n->rx_bytes),
            (long long)(n->tx_packets + n->rx_packets));
}

/* The report on n users, malloc'ed. */
static int format(const struct textlog *log, const struct share *shares, size_t n, char **ret_text)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return -ENOMEM;
    print_heading(out, log);
    for (size_t i = 0; i < n; i++)
        print_share(out, &shares[i], textlog_name_of(log, shares[i].uid));
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(text);
        return -ENOMEM;
    }
    *ret_text = text;
    return 0;
}

/* path is handed on. */
static int write_report(struct textlog *log, char *path, const struct share *shares, size_t n)
{
    char *text = NULL;
    int r = path ? format(log, shares, n, &text) : -ENOMEM;

    if (r < 0) {
        free(path);
        return r;
    }
    return textlog_writer_put(log->writer, path, text);
}

static int write_all(struct textlog *log)
{
    int r = *log->file ? write_report(log, strdup(log->file), log->shares, log->n_shares) : 0;

    for (size_t i = 0; i < log->n_shares && *log->prefix && r == 0; i++) {
        const struct share *share = &log->shares[i];
        if (share->uid >= 0)
            r = write_report(log, textlog_user_path(log->prefix, share->uid, textlog_name_of(log, share->uid)), share,
                             1);
    }
    return r;
}

/* ---- reports ---- */

static int compare_shares(const void *a, const void *b)
{
    return compare_uids(&((const struct share *)a)->uid, &((const struct share *)b)->uid);
}

static bool is_empty(const struct store_counters *n)
{
    return !(n->tx_bytes | n->rx_bytes | n->tx_packets | n->rx_packets);
}

/* Sorts, adds up, and leaves out who moved nothing. Returns how many users are left. */
static size_t merge(struct share *shares, size_t n)
{
    size_t kept = 0;

    qsort(shares, n, sizeof(*shares), compare_shares);
    for (size_t i = 0; i < n;) {
        struct share sum = shares[i++];
        for (; i < n && shares[i].uid == sum.uid; i++)
            counters_add(&sum.n, &shares[i].n);
        if (!is_empty(&sum.n))
            shares[kept++] = sum;
    }
    return kept;
}

bool textlog_is_on(const struct textlog *log)
{
    return *log->file || *log->prefix;
}

int textlog_add(struct textlog *log, int64_t end_sec, const struct store_usage *rows, size_t n)
{
    int r = textlog_flush(log, true);

    if (!textlog_is_on(log) || n == 0)
        return r;
    log->shares = calloc(n, sizeof(*log->shares));
    if (!log->shares)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        log->shares[i] = (struct share){rows[i].uid, rows[i].n};
    log->n_shares = merge(log->shares, n);
    log->end_sec = end_sec;
    return r;
}

int textlog_flush(struct textlog *log, bool force)
{
    int lines = textlog_flush_connections(log, force);

    if (!log->shares)
        return lines;
    for (size_t i = 0; i < log->n_shares && !force; i++)
        if (!textlog_name_of(log, log->shares[i].uid))
            return lines;
    int r = log->n_shares ? write_all(log) : 0;
    free(log->shares);
    log->shares = NULL;
    return r ? r : lines;
}

/* ---- the life of it ---- */

int textlog_open(struct textlog **ret_log)
{
    struct textlog *log = calloc(1, sizeof(*log));

    if (!log)
        return -ENOMEM;
    log->file = strdup("");
    log->prefix = strdup("");
    log->connections_file = strdup("");
    int r = log->file && log->prefix && log->connections_file ? textlog_writer_start(&log->writer) : -ENOMEM;
    if (r < 0) {
        textlog_close(log);
        return r;
    }
    *ret_log = log;
    return 0;
}

struct textlog *textlog_close(struct textlog *log)
{
    if (!log)
        return NULL;
    if (log->writer)
        textlog_flush(log, true);
    textlog_writer_stop(log->writer);
    calendar_close(log->calendar);
    tdestroy(log->users, free_user);
    free(log->file);
    free(log->prefix);
    free(log->shares);
    free(log->connections_file);
    free(log->lines);
    free(log);
    return NULL;
}

int textlog_configure(struct textlog *log, const char *file, const char *per_user_prefix, const char *timezone)
{
    cleanup_free char *new_file = strdup(file), *new_prefix = strdup(per_user_prefix);
    struct calendar *calendar;

    if (!new_file || !new_prefix)
        return -ENOMEM;
    int r = calendar_open(timezone, &calendar);
    if (r < 0)
        return r;
    textlog_flush(log, true); /* to where it was going */
    calendar_close(log->calendar);
    log->calendar = calendar;
    free(log->file);
    free(log->prefix);
    log->file = take_ptr(new_file);
    log->prefix = take_ptr(new_prefix);
    return 0;
}

char *textlog_take_complaint(struct textlog *log)
{
    return textlog_writer_take_complaint(log->writer);
}
