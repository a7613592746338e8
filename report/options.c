#include "report/options.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/options.h"
#include "common/units.h"

#include <limits.h>
#include <string.h>

#define DEFAULT_DATABASE "/var/lib/pdtt/pdtt.db"
enum { DEFAULT_EVERY_SEC = 10, LONGEST_EVERY_SEC = 86400 };

static int not_yet(void)
{
    return options_complain("not yet supported");
}

/* ---- lists ---- */

static int list_add(struct name_list *list, const char *name, size_t length)
{
    char **v = reallocarray(list->v, list->n + 1, sizeof(*v));

    if (!v)
        return -ENOMEM;
    list->v = v;
    v[list->n] = strndup(name, length);
    if (!v[list->n])
        return -ENOMEM;
    list->n++;
    return 0;
}

static void list_done(struct name_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->v[i]);
    free(list->v);
    *list = (struct name_list){0};
}

/* "a,b": an option that is given twice adds to the list. */
static int list_parse(struct name_list *list, const char *text)
{
    for (const char *s = text;; s++) {
        size_t length = strcspn(s, ",");
        int r = length ? list_add(list, s, length) : options_complain("a name is missing; write a or a,b");

        if (r < 0)
            return r;
        s += length;
        if (!*s)
            return 0;
    }
}

static int apply_user(void *target, const char *argument)
{
    return list_parse(&((struct report_options *)target)->users, argument);
}

static int apply_project(void *target, const char *argument)
{
    return list_parse(&((struct report_options *)target)->projects, argument);
}

static int apply_class(void *target, const char *argument)
{
    return list_parse(&((struct report_options *)target)->classes, argument);
}

static int apply_proto(void *target, const char *argument)
{
    return list_parse(&((struct report_options *)target)->protocols, argument);
}

/* ---- words ---- */

enum { WORD_NOT_YET = -1 };

struct word {
    const char *word;
    int value; /* WORD_NOT_YET: part of the product's contract, but not of this version */
};

static const struct word dims[] = {
    {"user", STORE_BY_USER},      {"project", STORE_BY_PROJECT},   {"class", STORE_BY_CLASS},
    {"proto", STORE_BY_PROTOCOL}, {"protocol", STORE_BY_PROTOCOL}, {"family", STORE_BY_FAMILY},
    {"unit", WORD_NOT_YET},       {"process", WORD_NOT_YET},       {"remote", WORD_NOT_YET},
    {"host", WORD_NOT_YET},
};

static const struct word periods[] = {
    {"5min", CALENDAR_5MIN},   {"hour", CALENDAR_HOUR},       {"day", CALENDAR_DAY},   {"week", CALENDAR_WEEK},
    {"month", CALENDAR_MONTH}, {"quarter", CALENDAR_QUARTER}, {"year", CALENDAR_YEAR}, {"interval", WORD_NOT_YET},
};

static const struct word styles[] = {{"auto", UNITS_AUTO}, {"si", UNITS_SI}, {"bytes", UNITS_BYTES}};

/* The value of the word of this length, or a complaint that calls the choices by their names. */
static int word_parse(const struct word *words, size_t n, const char *text, size_t length, const char *choices,
                      int *ret_value)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(words[i].word) != length || strncmp(words[i].word, text, length) != 0)
            continue;
        if (words[i].value == WORD_NOT_YET)
            return options_complain("'%s' is not yet supported; choose from %s", words[i].word, choices);
        *ret_value = words[i].value;
        return 0;
    }
    return options_complain("'%.*s' is not one of %s", (int)length, text, choices);
}

static int apply_by(void *target, const char *argument)
{
    struct report_options *o = target;

    o->by = 0;
    for (const char *s = argument;; s++) {
        size_t length = strcspn(s, ",");
        int dim = 0, r = word_parse(dims, array_length(dims), s, length, "user, project, class, proto, family", &dim);

        if (r < 0)
            return r;
        o->by |= (unsigned)dim;
        s += length;
        if (!*s)
            return 0;
    }
}

static int apply_period(void *target, const char *argument)
{
    return word_parse(periods, array_length(periods), argument, strlen(argument),
                      "5min, hour, day, week, month, quarter, year", &((struct report_options *)target)->period);
}

static int apply_units(void *target, const char *argument)
{
    int style = UNITS_AUTO,
        r = word_parse(styles, array_length(styles), argument, strlen(argument), "auto, si, bytes", &style);

    if (r >= 0)
        ((struct report_options *)target)->units = (enum units_style)style;
    return r;
}

static int apply_format(void *target, const char *argument)
{
    const struct output *output = output_find(argument);

    if (strcmp(argument, "log") == 0)
        return not_yet();
    if (!output)
        return options_complain("not one of table, json, csv, tsv");
    ((struct report_options *)target)->output = output;
    return 0;
}

static int apply_parsable(void *target, const char *argument)
{
    ((struct report_options *)target)->output = &output_parsable;
    return 0;
}

/* ---- times, numbers and flags ---- */

/* Times are parsed later: they need the calendar, and --since needs --until. */
static int apply_since(void *target, const char *argument)
{
    ((struct report_options *)target)->since = argument;
    return 0;
}

static int apply_until(void *target, const char *argument)
{
    ((struct report_options *)target)->until = argument;
    return 0;
}

static int count_parse(const char *text, size_t *ret)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < 1 || n > INT_MAX)
        return options_complain("not a number from 1 up");
    *ret = (size_t)n;
    return 0;
}

static int apply_top(void *target, const char *argument)
{
    return count_parse(argument, &((struct report_options *)target)->top);
}

static int apply_count(void *target, const char *argument)
{
    return count_parse(argument, &((struct report_options *)target)->count);
}

/* Seconds, with or without their unit. */
static int apply_every(void *target, const char *argument)
{
    size_t plain;
    int64_t sec;

    if (argument[strspn(argument, "0123456789")] == '\0') {
        int r = count_parse(argument, &plain);

        if (r < 0)
            return r;
        sec = (int64_t)plain;
    } else if (units_parse_duration(argument, &sec) < 0) {
        return options_complain("not a duration; write 10 or 10s, 5min");
    }
    if (sec < 1 || sec > LONGEST_EVERY_SEC)
        return options_complain("lies outside 1 second to 1 day");
    ((struct report_options *)target)->every_sec = (unsigned)sec;
    return 0;
}

static int apply_sort(void *target, const char *argument)
{
    if (!field_for_sort(argument, false))
        return options_complain("not one of %s", field_sort_names());
    ((struct report_options *)target)->sort = argument;
    return 0;
}

/* What is wrong with the name of a database, or NULL. */
static const char *database_complaint(const char *path)
{
    static const char *const later[] = {"postgresql://", "postgres://"};

    for (size_t i = 0; i < array_length(later); i++)
        if (strncmp(path, later[i], strlen(later[i])) == 0)
            return "PostgreSQL is not yet supported; give the path of a database file";
    return *path ? NULL : "the path is empty";
}

static int apply_database(void *target, const char *argument)
{
    const char *complaint = database_complaint(argument);

    ((struct report_options *)target)->database = argument;
    return complaint ? options_complain("%s", complaint) : 0;
}

#define DEFINE_FLAG(name)                                                                                              \
    static int apply_##name(void *target, const char *argument)                                                        \
    {                                                                                                                  \
        ((struct report_options *)target)->name = true;                                                                \
        return 0;                                                                                                      \
    }

DEFINE_FLAG(payload)
DEFINE_FLAG(live)
DEFINE_FLAG(help)
DEFINE_FLAG(version)

static int apply_not_yet(void *target, const char *argument)
{
    return not_yet();
}

/* ---- the table ---- */

static const struct option_row rows[] = {
    {"user", 'u', "U[,U]", "only these users, by name or uid", "What to count", apply_user},
    {"project", 'A', "P[,P]", "only these projects, by name or gid", NULL, apply_project},
    {"class", 0, "C[,C]", "only these classes of networks: loopback, external or a configured one", NULL, apply_class},
    {"proto", 0, "P[,P]", "only these protocols: tcp, udp, ... or a number", NULL, apply_proto},
    {"payload", 0, NULL, "payload that processes sent and received, in place of bytes on the wire", NULL,
     apply_payload},
    {"since", 'S', "T",
     "start: 30d, '12 hours ago', today, 2026-11, '2026-11-01 10:00', @SECONDS; m is minutes, M "
     "months (default: start of the month)",
     "Which time", apply_since},
    {"until", 'U', "T", "end, in the same words; a day or month is included (default: now)", NULL, apply_until},
    {"by", 'b', "DIM[,DIM]",
     "a row for each user, project, class, proto, family (default: user,project; with "
     "--live: user)",
     "Which rows", apply_by},
    {"period", 'p', "P", "a row for each 5min, hour, day, week, month, quarter, year; split further only with --by",
     NULL, apply_period},
    {"top", 'n', "N", "the first N rows, and the rest in one; with --period in each period", NULL, apply_top},
    {"sort", 0, "FIELD",
     "order by total, tx, rx, user, ... or another column of --format csv (default: total, or "
     "the period)",
     NULL, apply_sort},
    {"format", 'f', "F", "table (default), json, csv, tsv", "How to show them", apply_format},
    {NULL, 'P', NULL, "columns separated by |, as sacct does", NULL, apply_parsable},
    {"units", 0, "U", "auto (KiB, MiB, ...), si (kB, MB, ...), bytes; of tables only", NULL, apply_units},
    {"live", 0, NULL, "show the current day, or the time --since, again and again until Ctrl-C", "Live", apply_live},
    {"every", 0, "SEC", "seconds between two looks (default: 10)", NULL, apply_every},
    {"count", 0, "N", "end after N looks", NULL, apply_count},
    {"database", 'd', "PATH", "database file (default: $PDTT_DATABASE, or " DEFAULT_DATABASE ")", "Other",
     apply_database},
    {"version", 'V', NULL, "print the version", NULL, apply_version},
    {"help", 'h', NULL, "print this help", NULL, apply_help},
    {"unit", 0, "GLOB", "not yet supported", "Reserved", apply_not_yet},
    {"allocations", 0, NULL, "not yet supported", NULL, apply_not_yet},
    {"audit", 0, NULL, "not yet supported", NULL, apply_not_yet},
    {"graph", 0, NULL, "not yet supported", NULL, apply_not_yet},
};

void report_print_help(FILE *out)
{
    options_print_help(out,
                       "Usage: pdtt-report [OPTION]...\n"
                       "Who moved how many bytes over the network, from PDTT's database.",
                       rows, array_length(rows));
}

/* ---- what options mean together ---- */

static int refuse(const char *option, const char *reason)
{
    log_error("option --%s: %s (see pdtt-report --help)", option, reason);
    return -EINVAL;
}

static void set_defaults(struct report_options *o)
{
    if (!o->by && o->period == REPORT_NO_PERIOD)
        o->by = o->live ? STORE_BY_USER : STORE_BY_USER | STORE_BY_PROJECT;
    o->sort_field = field_for_sort(o->sort ? o->sort : "total", o->payload);
    if (o->period == REPORT_NO_PERIOD)
        return;
    o->by_period = !o->sort || o->sort_field->dim == FIELD_PERIOD;
    if (o->by_period)
        o->sort_field = field_for_sort("total", o->payload); /* within each period */
}

static int check_together(const struct report_options *o)
{
    unsigned shown = o->by | (o->period != REPORT_NO_PERIOD ? FIELD_PERIOD : 0);

    if (o->live && o->until)
        return refuse("until", "a live report ends now; leave it out with --live");
    if (!o->live && o->count)
        return refuse("count", "works with --live only");
    if (!o->live && o->every_sec)
        return refuse("every", "works with --live only");
    if (!field_is_in(o->sort_field, shown))
        return refuse("sort", o->sort_field->dim == FIELD_PERIOD ? "there are no periods to sort by; add --period"
                                                                 : "the report has no such column; add it to --by");
    return 0;
}

static int database_from(const char *environ_database, struct report_options *o)
{
    const char *complaint;

    if (o->database)
        return 0;
    o->database = environ_database && *environ_database ? environ_database : DEFAULT_DATABASE;
    complaint = database_complaint(o->database);
    if (!complaint)
        return 0;
    log_error("environment variable PDTT_DATABASE: '%s': %s", o->database, complaint);
    return -EINVAL;
}

int report_options_parse(int argc, char **argv, const char *environ_database, struct report_options *ret)
{
    int r;

    *ret = (struct report_options){.period = REPORT_NO_PERIOD, .output = &output_table};
    r = options_parse(rows, array_length(rows), argc, argv, ret, NULL);
    if (r == -ENOMEM)
        log_error("out of memory");
    if (r < 0 || ret->help || ret->version)
        return r;
    set_defaults(ret);
    r = check_together(ret);
    if (r >= 0)
        r = database_from(environ_database, ret);
    if (!ret->every_sec)
        ret->every_sec = DEFAULT_EVERY_SEC;
    return r;
}

void report_options_done(struct report_options *o)
{
    list_done(&o->users);
    list_done(&o->projects);
    list_done(&o->classes);
    list_done(&o->protocols);
}
