#include "report/options.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/options.h"
#include "common/units.h"
#include "report/options_sources.h"
#include "report/options_words.h"

#include <limits.h>
#include <string.h>

enum { DEFAULT_EVERY_SEC = 10, LONGEST_EVERY_SEC = 86400 };

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

static int apply_unit(void *target, const char *argument)
{
    return list_parse(&((struct report_options *)target)->unit_globs, argument);
}

/* ---- words ---- */

static int apply_by(void *target, const char *argument)
{
    return words_parse_dims(argument, &((struct report_options *)target)->by);
}

static int apply_period(void *target, const char *argument)
{
    return words_parse_period(argument, &((struct report_options *)target)->period);
}

static int apply_units(void *target, const char *argument)
{
    struct report_options *o = target;

    o->units_given = true;
    return words_parse_style(argument, &o->units);
}

static int apply_format(void *target, const char *argument)
{
    const struct output *output = output_find(argument);

    if (!output)
        return options_complain("not one of " WORDS_FORMATS);
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
    ((struct report_options *)target)->every_given = true;
    return 0;
}

static int apply_sort(void *target, const char *argument)
{
    if (!field_for_sort(argument, false))
        return options_complain("not one of %s", field_sort_names());
    ((struct report_options *)target)->sort = argument;
    return 0;
}

static int apply_database(void *target, const char *argument)
{
    const char *complaint = sources_complaint(argument);

    ((struct report_options *)target)->database = argument;
    return complaint ? options_complain("%s", complaint) : 0;
}

static int apply_socket(void *target, const char *argument)
{
    ((struct report_options *)target)->socket = argument;
    return *argument ? 0 : options_complain("the path is empty");
}

static int apply_control(void *target, const char *argument)
{
    struct report_options *o = target;

    o->control = argument;
    o->control_given = true;
    return *argument ? 0 : options_complain("the path is empty");
}

#define DEFINE_FLAG(name)                                                                                              \
    static int apply_##name(void *target, const char *argument)                                                        \
    {                                                                                                                  \
        ((struct report_options *)target)->name = true;                                                                \
        return 0;                                                                                                      \
    }

DEFINE_FLAG(payload)
DEFINE_FLAG(live)
DEFINE_FLAG(graph)
DEFINE_FLAG(allocations)
DEFINE_FLAG(connections)
DEFINE_FLAG(check)
DEFINE_FLAG(help)
DEFINE_FLAG(version)

DEFINE_FLAG(audit)
DEFINE_FLAG(samples)

/* ---- the table ---- */

static const struct option_row rows[] = {
    {"user", 'u', "U[,U]", "only these users, by name or uid", "What to count", apply_user},
    {"project", 'A', "P[,P]", "only these projects, by name or gid", NULL, apply_project},
    {"class", 0, "C[,C]", "only these classes of networks: loopback, external or a configured one", NULL, apply_class},
    {"proto", 0, "P[,P]", "only these protocols: tcp, udp, ... or a number", NULL, apply_proto},
    {"unit", 0, "GLOB",
     "only units (cgroups that project rules name) whose path matches; as long as raw data or connections are kept",
     NULL, apply_unit},
    {"payload", 0, NULL, "payload that processes sent and received, in place of bytes on the wire", NULL,
     apply_payload},
    {"since", 'S', "T",
     "start: 30d, '12 hours ago', today, 2026-11, '2026-11-01 10:00', @SECONDS; m is minutes, M "
     "months (default: start of the month)",
     "Which time", apply_since},
    {"until", 'U', "T", "end, in the same words; a day or month is included (default: now)", NULL, apply_until},
    {"by", 'b', "DIM[,DIM]", "a row for each " WORDS_DIMS " (default: user,project; with --live or --format log: user)",
     "Which rows", apply_by},
    {"period", 'p', "P", "a row for each " WORDS_PERIODS " (as booked); split further only with --by", NULL,
     apply_period},
    {"top", 'n', "N", "the first N rows, and the rest in one; with --period in each period", NULL, apply_top},
    {"sort", 0, "FIELD",
     "order by total, tx, rx, user, ... or another column of --format csv (default: total, or "
     "the period)",
     NULL, apply_sort},
    {"connections", 0, NULL,
     "a row for each connection that was open in the time, with all that it moved; --sort start, duration, "
     "retransmits, srtt, ...",
     "Connections", apply_connections},
    {"allocations", 0, NULL,
     "what projects and users used of what they may move, and a forecast; of the current period of each, or "
     "those that --since and --until touch",
     "Allocations", apply_allocations},
    {"check", 0, NULL, "exit with 3 if one of them is exceeded", NULL, apply_check},
    {"audit", 0, NULL,
     "what network interfaces carried beside what was booked, why they differ, what was lost, and the state of the "
     "layers; with --period for each period",
     "Audit", apply_audit},
    {"samples", 0, NULL,
     "packets that were drawn from those that passed, the newest first; of --since, --user and --proto; --format pcap "
     "for tshark. --by source estimates from them what each address sent, with the 95 % interval",
     "Samples", apply_samples},
    {"format", 'f', "F", "table (default), json, csv, tsv, log, pcap (of samples)", "How to show them", apply_format},
    {"parsable", 'P', NULL, "columns separated by |, as sacct does", NULL, apply_parsable},
    {"graph", 0, NULL, "bars, as wide as the terminal", NULL, apply_graph},
    {"units", 0, "U", "auto (KiB, MiB, ...), si (kB, MB, ...), bytes; of tables and graphs only", NULL, apply_units},
    {"live", 0, NULL,
     "on a terminal: who moves how much right now, on a full screen (h there: help); else, or with a filter, a time, "
     "another format or --count: the current day, or the time --since, again and again until Ctrl-C",
     "Live", apply_live},
    {"every", 0, "SEC", "seconds between two looks (default: 1 on a full screen, else 10)", NULL, apply_every},
    {"count", 0, "N", "end after N looks", NULL, apply_count},
    {"control", 0, "PATH", "pdttd's control socket, for the full screen (default: " DEFAULT_CONTROL ")", NULL,
     apply_control},
    {"database", 'd', "PATH", "database file (default: $PDTT_DATABASE, or " DEFAULT_DATABASE ")", "Other",
     apply_database},
    {"socket", 0, "PATH",
     "ask pdtt-serve there instead; so does whoever may not read the database (default: $PDTT_SOCKET, "
     "or " DEFAULT_SOCKET ")",
     NULL, apply_socket},
    {"version", 'V', NULL, "print the version", NULL, apply_version},
    {"help", 'h', NULL, "print this help", NULL, apply_help},
};

const struct option_row *report_option_rows(size_t *ret_n)
{
    *ret_n = array_length(rows);
    return rows;
}

void report_print_help(FILE *out)
{
    options_print_help(out,
                       "Usage: pdtt-report [OPTION]...\n"
                       "Who moved how many bytes over the network, from PDTT's database.",
                       rows, array_length(rows));
}

/* ---- what options mean together ---- */

static int refuse(char **ret_why, const char *option, const char *reason)
{
    if (asprintf(ret_why, "option --%s: %s", option, reason) < 0)
        *ret_why = NULL;
    return -EINVAL;
}

/* People see who, what and with whom; machines have the rest of it as well. */
static unsigned dims_of_connections(const struct report_options *o)
{
    unsigned by = FIELD_CONNECTION | STORE_BY_USER | STORE_BY_PROCESS | STORE_BY_PROTOCOL;

    if (o->output == &output_table || o->output == &output_log)
        return by;
    return by | STORE_BY_PROJECT | STORE_BY_UNIT | STORE_BY_CLASS | STORE_BY_FAMILY;
}

static void set_defaults(struct report_options *o)
{
    if (o->connections)
        o->by = dims_of_connections(o);
    if (o->samples)
        o->by = FIELD_SAMPLE;
    if (!o->by && o->period == REPORT_NO_PERIOD)
        o->by = o->live || o->output == &output_log ? STORE_BY_USER : STORE_BY_USER | STORE_BY_PROJECT;
    o->measure = field_for_sort("total", o->payload);
    o->sort_field = field_for_sort(o->sort ? o->sort : "total", o->payload);
    if (!field_is_label(o->sort_field))
        o->measure = o->sort_field;
    if (o->period == REPORT_NO_PERIOD)
        return;
    o->by_period = !o->sort || o->sort_field->dim == FIELD_PERIOD;
    if (o->by_period)
        o->sort_field = field_for_sort("total", o->payload); /* within each period */
}

/* --allocations and --audit are reports of their own: what has no meaning there is not passed over in silence. */
static int check_alone(const struct report_options *o, char **ret_why)
{
    const struct {
        bool given, with_audit; /* with_audit: it has a meaning there */
        const char *option;
    } others[] = {
        {o->users.n > 0 && o->audit, false, "user"},
        {o->projects.n > 0 && o->audit, false, "project"},
        {o->classes.n > 0, false, "class"},
        {o->protocols.n > 0, false, "proto"},
        {o->unit_globs.n > 0, false, "unit"},
        {o->payload, false, "payload"},
        {o->by, false, "by"},
        {o->period != REPORT_NO_PERIOD, true, "period"},
        {o->top > 0, false, "top"},
        {o->sort != NULL, false, "sort"},
        {o->graph, false, "graph"},
        {o->live, false, "live"},
        {o->connections, false, "connections"},
        {o->samples, false, "samples"},
    };

    if (!o->allocations && o->check)
        return refuse(ret_why, "check", "works with --allocations only");
    if (o->allocations && o->audit)
        return refuse(ret_why, "audit", "does not go with --allocations; ask for one after the other");
    for (size_t i = 0; (o->allocations || o->audit) && i < array_length(others); i++)
        if (others[i].given && !(others[i].with_audit && o->audit))
            return refuse(ret_why, others[i].option,
                          o->audit ? "does not go with --audit, which knows interfaces and layers"
                                   : "does not go with --allocations, whose rows the configuration defines");
    return 0;
}

/* Policies are of packets, whoever they are charged to: no filter of accounts says anything of them. */
static int check_policies(const struct report_options *o, char **ret_why)
{
    const struct {
        bool given;
        const char *option;
    } others[] = {
        {o->users.n > 0, "user"},        {o->projects.n > 0, "project"},
        {o->classes.n > 0, "class"},     {o->protocols.n > 0, "proto"},
        {o->unit_globs.n > 0, "unit"},   {o->payload, "payload"},
        {o->connections, "connections"}, {o->live, "live"},
    };

    if (!(o->by & FIELD_POLICY))
        return 0;
    if (o->by != FIELD_POLICY)
        return refuse(ret_why, "by", "policy stands alone: what it decided is kept by policy only");
    for (size_t i = 0; i < array_length(others); i++)
        if (others[i].given)
            return refuse(ret_why, others[i].option, "does not go with --by policy, which is of all packets");
    return 0;
}

static int check_connections(const struct report_options *o, char **ret_why)
{
    if (o->connections && o->by)
        return refuse(ret_why, "by", "does not go with --connections, whose rows are connections");
    if (o->connections && o->period != REPORT_NO_PERIOD)
        return refuse(ret_why, "period", "does not go with --connections, which may last for many of them");
    if (o->by & (STORE_BY_PROCESS | STORE_BY_REMOTE) && o->period == REPORT_INTERVALS)
        return refuse(ret_why, "period", "what connections moved is kept by five minutes; choose 5min");
    return 0;
}

/* Of packets neither classes nor projects are kept, and what no packet has is no row of theirs. */
static int check_samples(const struct report_options *o, char **ret_why)
{
    bool sources = o->by & FIELD_SOURCE;
    const struct {
        bool given, with_list;
        const char *option;
    } others[] = {
        {o->users.n > 0, true, "user"},
        {o->protocols.n > 0, true, "proto"},
        {o->projects.n > 0, false, "project"},
        {o->classes.n > 0, false, "class"},
        {o->unit_globs.n > 0, false, "unit"},
        {o->payload, false, "payload"},
        {o->period != REPORT_NO_PERIOD, false, "period"},
        {o->sort != NULL, false, "sort"},
        {o->graph, false, "graph"},
        {o->live, false, "live"},
        {o->connections, false, "connections"},
        {o->samples && o->by, false, "by"},
    };

    if (o->output == &output_pcap && !o->samples)
        return refuse(ret_why, "format", "pcap is for --samples only");
    if (sources && o->by != FIELD_SOURCE)
        return refuse(ret_why, "by",
                      "source stands alone: it is estimated from samples, which the ledger does not know");
    for (size_t i = 0; (o->samples || sources) && i < array_length(others); i++)
        if (others[i].given && !(others[i].with_list && o->samples))
            return refuse(ret_why, others[i].option,
                          o->samples ? "does not go with --samples, whose rows are packets"
                                     : "does not go with --by source, which sums up packets by their source");
    return 0;
}

static int check_together(const struct report_options *o, char **ret_why)
{
    unsigned shown = o->by | (o->period != REPORT_NO_PERIOD ? FIELD_PERIOD : 0);

    if (o->live && o->until)
        return refuse(ret_why, "until", "a live report ends now; leave it out with --live");
    if (!o->live && o->count)
        return refuse(ret_why, "count", "works with --live only");
    if (!o->live && o->control_given)
        return refuse(ret_why, "control", "works with --live only");
    if (!o->live && o->every_sec)
        return refuse(ret_why, "every", "works with --live only");
    if (o->graph && o->output != &output_table)
        return refuse(ret_why, "graph", "is for people; leave out --format and -P");
    if (!o->allocations && !o->audit && !(o->by & (FIELD_SAMPLE | FIELD_SOURCE)) && !field_is_in(o->sort_field, shown))
        return refuse(ret_why, "sort",
                      o->sort_field->dim == FIELD_PERIOD ? "there are no periods to sort by; add --period"
                                                         : "the report has no such column; add it to --by");
    return 0;
}

void report_options_init(struct report_options *o)
{
    *o = (struct report_options){.period = REPORT_NO_PERIOD, .output = &output_table};
}

int report_options_complete(struct report_options *o, char **ret_why)
{
    int r = check_alone(o, ret_why);

    if (r >= 0)
        r = check_policies(o, ret_why);
    if (r >= 0)
        r = check_connections(o, ret_why);
    if (r >= 0)
        r = check_samples(o, ret_why);
    if (r < 0)
        return r;
    set_defaults(o);
    r = check_together(o, ret_why);
    if (o->graph)
        o->output = &output_graph;
    if (!o->every_sec)
        o->every_sec = DEFAULT_EVERY_SEC;
    return r;
}

int report_options_parse(int argc, char **argv, const struct report_environment *environment,
                         struct report_options *ret)
{
    cleanup_free char *why = NULL;
    int r;

    report_options_init(ret);
    r = options_parse(rows, array_length(rows), argc, argv, ret, NULL);
    if (r == -ENOMEM)
        log_error("out of memory");
    if (r < 0 || ret->help || ret->version)
        return r;
    r = report_options_complete(ret, &why);
    if (r < 0) {
        log_error("%s (see pdtt-report --help)", why ? why : strerror(-r));
        return r;
    }
    return sources_find(environment, ret);
}

void report_options_done(struct report_options *o)
{
    list_done(&o->users);
    list_done(&o->projects);
    list_done(&o->classes);
    list_done(&o->protocols);
    list_done(&o->unit_globs);
}
