#include "control/policy.h"

#include "collector/config.h"
#include "common/cleanup.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/units.h"
#include "control/ask.h"
#include "control/connection.h"

#include <string.h>

enum { USAGE = 2, CONFIRM_MAX_SEC = 3600 };

/* ---- asking ---- */

/* "policy apply {...}"; takes argument, which may be NULL: there is none. */
static int ask(const struct invocation *in, const char *request, json_t *argument, json_t **ret_answer)
{
    cleanup_free char *text = argument ? json_dumps(argument, JSON_COMPACT) : NULL, *line = NULL;

    if ((argument && !text) || asprintf(&line, "%s%s%s", request, text ? " " : "", text ? text : "") < 0)
        line = NULL;
    json_decref(argument);
    if (!line) {
        log_error("%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    return ask_pdttd(in, line, NULL, ret_answer);
}

/* Asks, and ends the command with what came of it. */
static int ask_to_change(const struct invocation *in, const char *request, json_t *argument)
{
    cleanup_free char *connection = connection_find();
    json_t *answer;
    int r;

    if (argument && connection)
        json_object_set_new(argument, "connection", json_text_or_null(connection));
    r = ask(in, request, argument, &answer);
    return r < 0 ? r : ask_print(in, answer, policy_print_changed);
}

/* ---- add ---- */

static int take_operand(struct policy_words *w, char *operand)
{
    char *equals = strchr(operand, '=');
    cleanup_free char *why = NULL;
    int r;

    if (!equals) {
        log_error("policy add: '%s': is no KEY=VALUE (see pdttctl --help)", operand);
        return -EINVAL;
    }
    *equals = '\0';
    r = policy_take(w, operand, equals + 1, &why);
    if (r < 0)
        log_error("policy add: key '%s': value '%s': %s", operand, equals + 1, why ? why : strerror(-r));
    return r;
}

static int read_operands(const struct invocation *in, struct policy_words *w)
{
    cleanup_free char *why = NULL;
    const char *key;
    int r = policy_take(w, "name", in->operands[0], &why);

    if (r < 0)
        log_error("policy add: name '%s': %s", in->operands[0], why ? why : strerror(-r));
    for (int i = 1; i < in->n_operands && r == 0; i++)
        r = take_operand(w, in->operands[i]);
    if (r < 0)
        return r;
    r = policy_finish(w, &key, &why);
    if (r < 0)
        log_error("policy add: key '%s': %s", key, why ? why : strerror(-r));
    return r;
}

static int command_add(const struct invocation *in)
{
    cleanup_free char *words = NULL;
    struct policy_words w;
    int r;

    policy_begin(&w);
    r = read_operands(in, &w);
    if (r == 0)
        words = policy_format(&w.policy);
    policy_words_done(&w);
    if (r < 0)
        return USAGE;
    return ask_to_change(in, "policy add", json_pack("{s:s}", "words", words));
}

/* ---- remove, apply, confirm, revert ---- */

static int command_remove(const struct invocation *in)
{
    return ask_to_change(in, "policy remove", json_pack("{s:o}", "name", json_text_or_null(in->operands[0])));
}

int policy_read_file(const char *path, json_t **ret_words)
{
    cleanup_free char *why = NULL;
    struct policy_list list = {0};
    json_t *words = json_array();
    int r = config_load_policies(path, &list, &why);

    if (r < 0)
        log_error("%s; nothing changed", why ? why : strerror(-r));
    for (size_t i = 0; i < list.n && r == 0; i++) {
        cleanup_free char *text = policy_format(&list.v[i]);

        r = text && json_array_append_new(words, json_string(text)) == 0 ? 0 : -ENOMEM;
    }
    policy_list_done(&list);
    if (r < 0)
        json_decref(words);
    else
        *ret_words = words;
    return r;
}

static int read_confirm(const struct invocation *in, int64_t *ret_sec)
{
    *ret_sec = 0;
    if (!in->confirm)
        return 0;
    if (units_parse_duration(in->confirm, ret_sec) < 0 || *ret_sec < 1 || *ret_sec > CONFIRM_MAX_SEC) {
        log_error("option --confirm: '%s': is not 1s to 1h; write one like 60s", in->confirm);
        return -EINVAL;
    }
    return 0;
}

static int command_apply(const struct invocation *in)
{
    int64_t confirm_sec;
    json_t *words;

    if (read_confirm(in, &confirm_sec) < 0)
        return USAGE;
    if (policy_read_file(in->operands[0], &words) < 0)
        return EXIT_FAILURE;
    return ask_to_change(in, "policy apply",
                         json_pack("{s:o, s:I}", "policies", words, "confirm_sec", (json_int_t)confirm_sec));
}

static int command_confirm(const struct invocation *in)
{
    return ask_to_change(in, "policy confirm", NULL);
}

static int command_revert(const struct invocation *in)
{
    return ask_to_change(in, "policy revert", NULL);
}

/* ---- list, show, stats ---- */

static int command_list(const struct invocation *in)
{
    json_t *answer;
    int r = ask(in, "policy list", NULL, &answer);

    return r < 0 ? r : ask_print(in, answer, policy_print_list);
}

static int command_stats(const struct invocation *in)
{
    json_t *answer;
    int r = ask(in, "policy stats", NULL, &answer);

    return r < 0 ? r : ask_print(in, answer, policy_print_stats);
}

static json_t *find_named(const json_t *answer, const char *name)
{
    json_t *policies = json_object_get(answer, "policies");

    for (size_t i = 0; i < json_array_size(policies); i++) {
        json_t *policy = json_array_get(policies, i);
        const char *its = json_string_value(json_object_get(policy, "name"));

        if (its && strcmp(its, name) == 0)
            return policy;
    }
    return NULL;
}

static void print_shown(const json_t *answer)
{
    policy_print_one(answer, json_object_get(answer, "counters"));
}

static int show(const struct invocation *in, json_t *list, json_t *stats)
{
    json_t *policy = find_named(list, in->operands[0]), *counters = find_named(stats, in->operands[0]);

    if (!policy) {
        log_error("policy show: there is none named '%s'; pdttctl policy list names those there are", in->operands[0]);
        return EXIT_FAILURE;
    }
    json_object_set(policy, "counters", counters ? counters : json_null());
    json_object_set(policy, "doors", json_object_get(list, "doors"));
    return ask_print(in, json_incref(policy), print_shown);
}

static int command_show(const struct invocation *in)
{
    json_t *list = NULL, *stats = NULL;
    int r = ask(in, "policy list", NULL, &list);

    if (r == 0)
        r = ask(in, "policy stats", NULL, &stats);
    if (r == 0)
        r = show(in, list, stats);
    json_decref(list);
    json_decref(stats);
    return r;
}

/* ---- the table ---- */

enum { ANY = -1 };

static const struct policy_row {
    const char *name, *operands, *help;
    int least, most; /* operands; ANY: as many as one likes */
    int (*run)(const struct invocation *in);
} commands[] = {
    {"list", NULL, "all that are in force, in their order", 0, 0, command_list},
    {"show", "NAME", "one of them, with its counters", 1, 1, command_show},
    {"stats", NULL, "what each let pass and dropped since it is in force", 0, 0, command_stats},
    {"events", NULL, "packets that they dropped and told of, one a line; --follow goes on", 0, 0, policy_events},
    {"add", "NAME KEY=VALUE...", "put one more in force, also after a restart", 2, ANY, command_add},
    {"remove", "NAME", "take one that was added out of force", 1, 1, command_remove},
    {"apply", "FILE", "those of a file in place of all that were added, or none", 1, 1, command_apply},
    {"confirm", NULL, "keep what apply --confirm put in force", 0, 0, command_confirm},
    {"revert", NULL, "take back what apply --confirm put in force", 0, 0, command_revert},
    {"diff", "FILE", "what apply would change: 0 nothing, 3 something", 1, 1, policy_diff},
};

static const struct policy_row *find(const char *name)
{
    const char *names[array_length(commands)];
    int i;

    for (size_t k = 0; k < array_length(commands); k++)
        names[k] = commands[k].name;
    i = command_index("policy: ", name, names, array_length(commands));
    return i < 0 ? NULL : &commands[i];
}

int command_policy(const struct invocation *in)
{
    struct invocation own = *in;
    const struct policy_row *row;

    if (in->n_operands == 0) {
        log_error("policy: no command, such as list (see pdttctl --help)");
        return USAGE;
    }
    row = find(in->operands[0]);
    if (!row)
        return USAGE;
    own.operands++;
    own.n_operands--;
    if (own.n_operands < row->least) {
        log_error("policy %s: needs %s (see pdttctl --help)", row->name, row->operands);
        return USAGE;
    }
    if (row->most != ANY && own.n_operands > row->most) {
        log_error("policy %s: takes no '%s' (see pdttctl --help)", row->name, own.operands[row->most]);
        return USAGE;
    }
    if (in->confirm && row->run != command_apply) {
        log_error("option --confirm: belongs to policy apply (see pdttctl --help)");
        return USAGE;
    }
    if (policy_option(in) && row->run != policy_events) {
        log_error("option --%s: belongs to policy events (see pdttctl --help)", policy_option(in));
        return USAGE;
    }
    return row->run(&own);
}

void policy_print_help(void)
{
    puts("\nCommands of policy");
    for (size_t i = 0; i < array_length(commands); i++) {
        char line[64];

        snprintf(line, sizeof(line), "%s%s%s", commands[i].name, commands[i].operands ? " " : "",
                 commands[i].operands ? commands[i].operands : "");
        printf("  %-*s  %s\n", 22, line, commands[i].help);
    }
    puts("\nKeys of policy add, and of a policy in a file");
    for (size_t i = 1; policy_key_name(i); i++)
        printf("  %-*s  %s\n", 16, policy_key_name(i), policy_key_values(i));
}
