/* Which policies are in force: all of a change or nothing, taken back in time, kept over a restart. The kernel is played here. */
#include "collector/policy_admin.h"
#include "collector/policy_answers.h"
#include "collector/policy_connection.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "tests/support/store.h"
#include "tests/support/unit.h"

#include <poll.h>
#include <string.h>

/* ---- a kernel side that does what it says ---- */

enum { ROOM = 12000 };

static struct kernel_played {
    char names[ROOM][POLICY_NAME_SIZE];
    enum policy_action actions[ROOM];
    uint32_t lapses_sec[ROOM];
    int64_t left_ns; /* of each that may lapse */
    struct policy_counters counters[ROOM];
    size_t n;
    int fails; /* how many more lists are refused */
} kernel;

struct policies;

uint32_t policies_room(const struct policies *p)
{
    return ROOM;
}

size_t policies_n(const struct policies *p)
{
    return kernel.n;
}

const char *policies_name(const struct policies *p, size_t i)
{
    return kernel.names[i];
}

int policies_read(const struct policies *p, struct policy_counters *ret, struct policy_counters *ret_sum)
{
    if (kernel.n)
        memcpy(ret, kernel.counters, kernel.n * sizeof(*ret));
    *ret_sum = (struct policy_counters){.packets_total = 12};
    return 0;
}

static ssize_t played_find(const char *name)
{
    for (size_t i = 0; i < kernel.n; i++)
        if (strcmp(kernel.names[i], name) == 0)
            return (ssize_t)i;
    return -1;
}

int policies_apply(struct policies *p, const struct policy *list, size_t n, const struct policy_names *names,
                   struct policy_set **ret_set)
{
    struct kernel_played *next;

    if (kernel.fails > 0) {
        kernel.fails--;
        return -ENOMEM;
    }
    next = calloc(1, sizeof(*next));
    for (size_t i = 0; i < n; i++) {
        ssize_t before = n < 100 ? played_find(list[i].name) : -1;

        strcpy(next->names[i], list[i].name);
        next->actions[i] = list[i].action;
        next->lapses_sec[i] = list[i].lapse_sec;
        if (before >= 0)
            next->counters[i] = kernel.counters[before];
    }
    next->n = n;
    kernel = *next;
    free(next);
    *ret_set = NULL;
    return 0;
}

int policies_enable(struct policies *p, size_t index, bool on)
{
    ck_assert(!on && kernel.actions[index] == POLICY_OBSERVE); /* it never decided anything */
    return 0;
}

int64_t policies_lapse_left_ns(const struct policies *p, size_t index)
{
    return kernel.lapses_sec[index] == POLICY_LAPSE_NEVER ? INT64_MAX : kernel.left_ns;
}

const struct policy_never *policy_set_never(const struct policy_set *s, size_t *ret_n)
{
    *ret_n = 0;
    return NULL;
}

bool policy_set_is_at_door(const struct policy_set *s, size_t policy)
{
    return false;
}

struct policy_set *policy_set_free(struct policy_set *s)
{
    return NULL;
}

/* The names in force, in their order. */
static const char *in_force(void)
{
    static char text[1000];

    text[0] = '\0';
    for (size_t i = 0; i < kernel.n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s:%s", i ? " " : "", kernel.names[i],
                 policy_action_word(kernel.actions[i]));
    return text;
}

static void count(const char *name, uint64_t passed, uint64_t blocked)
{
    struct policy_counters *c = &kernel.counters[played_find(name)];

    c->packets_total += passed + blocked;
    c->packets_blocked += blocked;
    c->bytes_total += 100 * (passed + blocked);
    c->bytes_blocked += 100 * blocked;
}

/* ---- a pdttd ---- */

static struct store *store;
static struct policy_admin *admin;
static struct policy_list configured;
static uint64_t epoch;

static void list_of(struct policy_list *list, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cleanup_free char *why = NULL;
        struct policy p;

        ck_assert_msg(policy_parse(words[i], &p, &why) == 0, "%s", why);
        ck_assert_int_eq(policy_list_add(list, &p), 0);
    }
}

static bool exceeded;

static bool holds(const struct policy *policy, void *userdata)
{
    return exceeded;
}

static size_t prepared, in_force_then;

static void prepare(const struct policy_roll *roll, void *userdata)
{
    prepared = roll->n;
    in_force_then = kernel.n;
}

static const struct policy_lapses lapses = {.when_sec = 300, .others_sec = POLICY_LAPSE_NEVER};

static void start_pdttd(void)
{
    struct policy_admin_options options = {
        .configured = &configured, .lapses = lapses, .holds = holds, .prepare = prepare};

    store = options.store = open_store(STORE_WRITE);
    ck_assert_int_eq(policy_admin_open(&options, &admin), 0);
}

static void end_pdttd(void)
{
    admin = policy_admin_close(admin);
    store = store_close(store);
}

static void set_up(void)
{
    static const char *const words[] = {"site action=observe"};

    log_init("test");
    place_make();
    kernel.n = 0;
    kernel.fails = 0;
    epoch = 0;
    list_of(&configured, words, 1);
    start_pdttd();
}

static void tear_down(void)
{
    end_pdttd();
    policy_list_done(&configured);
    place_remove();
}

static int add(const char *words)
{
    cleanup_free char *why = NULL;
    struct policy p;
    int r = policy_parse(words, &p, &why);

    ck_assert_msg(r == 0, "%s", why);
    r = policy_admin_add(admin, &p, &why);
    ck_assert_msg(r == 0 || (why && !strchr(why, '\n')), "a failure has a line");
    policy_done(&p);
    return r;
}

static int drop(const char *name)
{
    cleanup_free char *why = NULL;

    return policy_admin_remove(admin, name, &why);
}

static int apply_two(const char *first, const char *second, unsigned confirm_sec)
{
    const char *words[] = {first, second};
    cleanup_free char *why = NULL;
    struct policy_list list = {0};

    list_of(&list, words, 2);
    int r = policy_admin_apply(admin, &list, confirm_sec, &why);
    policy_list_done(&list);
    return r;
}

static int64_t book_all(void)
{
    struct store_usage row = usage(1000, 100, 1, 0);
    struct store_interval i = {.ledger = LEDGER, .epoch = ++epoch, .duration_ms = 10000, .counted = row.n};

    i.start_sec = 1800000000 + 10 * (int64_t)epoch;
    i.end_sec = i.start_sec + 10;
    ck_assert_int_eq(policy_admin_read_meters(admin, &i.policies, &i.n_policies), 0);
    ck_assert_int_eq(store_book_interval(store, &i, &row, 1), 0);
    policy_admin_booked(admin);
    return sql_int(
        "SELECT coalesce(sum(packets_passed * 1000 + packets_dropped), 0) FROM policy_usage WHERE level = 0");
}

/* ---- tests ---- */

START_TEST(what_is_given_comes_behind_the_configuration_and_is_there_after_a_restart)
{
    ck_assert_int_eq(add("b action=block"), 0);
    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_str_eq(in_force(), "site:observe b:block a:allow");
    end_pdttd();
    kernel.n = 0; /* a reboot */
    start_pdttd();
    ck_assert_str_eq(in_force(), "site:observe b:block a:allow");
    ck_assert_int_eq(drop("b"), 0);
    end_pdttd();
    start_pdttd();
    ck_assert_str_eq(in_force(), "site:observe a:allow");
}
END_TEST

START_TEST(what_is_refused_changes_nothing)
{
    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_int_eq(add("a action=block"), -EEXIST);
    ck_assert_int_eq(add("site action=block"), -EEXIST);
    ck_assert_int_eq(add("protected-me action=allow"), -EINVAL);
    ck_assert_int_eq(drop("site"), -EINVAL);
    ck_assert_int_eq(drop("b"), -ENOENT);
    ck_assert_int_eq(apply_two("b action=block", "b action=allow", 0), -EEXIST);
    ck_assert_int_eq(apply_two("b action=block", "site action=allow", 0), -EEXIST);
    kernel.fails = 1;
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 0), -ENOMEM);
    kernel.fails = 1;
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 60), -ENOMEM);
    ck_assert_int_eq(policy_admin_waits_sec(admin), -1);
    ck_assert_str_eq(in_force(), "site:observe a:allow");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy"), 1);
    end_pdttd();
    start_pdttd();
    ck_assert_str_eq(in_force(), "site:observe a:allow");
}
END_TEST

START_TEST(what_cannot_be_kept_is_not_in_force)
{
    ck_assert_int_eq(add("a action=allow"), 0);
    sql_int("CREATE TRIGGER full BEFORE INSERT ON policy BEGIN SELECT raise(ABORT, 'no'); END");
    ck_assert_int_lt(apply_two("b action=block", "c action=allow", 0), 0);
    ck_assert_str_eq(in_force(), "site:observe a:allow");
    sql_int("DROP TRIGGER full");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy WHERE name = 'a'"), 1);
}
END_TEST

static void wait_for_tick(void)
{
    struct pollfd fd = {.fd = policy_admin_fd(admin), .events = POLLIN};

    ck_assert_int_eq(poll(&fd, 1, 10000), 1);
    policy_admin_tick(admin);
}

START_TEST(a_list_that_nobody_confirms_goes_back)
{
    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 1), 0);
    ck_assert_str_eq(in_force(), "site:observe b:block c:allow");
    ck_assert_int_eq(policy_admin_waits_sec(admin), 1);
    ck_assert_int_eq(add("d action=allow"), -EBUSY);
    ck_assert_int_eq(drop("b"), -EBUSY);
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 0), -EBUSY);
    wait_for_tick();
    ck_assert_str_eq(in_force(), "site:observe a:allow");
    ck_assert_int_eq(policy_admin_waits_sec(admin), -1);
    ck_assert_int_gt(policy_admin_reverted_sec(admin), 0);
    ck_assert_int_eq(add("d action=allow"), 0);
}
END_TEST

START_TEST(one_that_cannot_be_taken_back_is_taken_back_later)
{
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 1), 0);
    kernel.fails = 1;
    wait_for_tick();
    ck_assert_str_eq(in_force(), "site:observe b:block c:allow");
    wait_for_tick();
    ck_assert_str_eq(in_force(), "site:observe");
}
END_TEST

START_TEST(one_that_is_confirmed_stays)
{
    cleanup_free char *why = NULL;

    ck_assert_int_eq(policy_admin_confirm(admin, &why), -ENOENT);
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 60), 0);
    free(take_ptr(why));
    ck_assert_int_eq(policy_admin_confirm(admin, &why), 0);
    ck_assert_int_eq(policy_admin_waits_sec(admin), -1);
    end_pdttd();
    start_pdttd();
    ck_assert_str_eq(in_force(), "site:observe b:block c:allow");
}
END_TEST

START_TEST(a_pdttd_that_dies_before_it_is_confirmed_starts_with_the_former)
{
    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 60), 0);
    end_pdttd(); /* what is in force stays in the kernel */
    ck_assert_str_eq(in_force(), "site:observe b:block c:allow");
    start_pdttd();
    ck_assert_str_eq(in_force(), "site:observe a:allow");
}
END_TEST

START_TEST(another_database_is_told_what_is_kept)
{
    struct store *before = store;

    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_int_eq(apply_two("b action=block", "c action=allow", 60), 0);
    ck_assert_int_eq(store_keep_policies(store, NULL, 0), 0); /* as if it were a new one */
    ck_assert_int_eq(policy_admin_use_store(admin, before), 0);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy WHERE name = 'a'"), 1);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy"), 1);
}
END_TEST

START_TEST(another_configuration_is_taken_or_refused_as_a_whole)
{
    static const char *const good[] = {"other action=block"}, *const clash[] = {"other action=block", "a action=block"};
    struct policy_list next = {0}, bad = {0};
    cleanup_free char *why = NULL, *refused = NULL;

    list_of(&next, good, 1);
    list_of(&bad, clash, 2);
    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_int_eq(policy_admin_use_config(admin, &bad, &lapses, &refused), -EEXIST);
    ck_assert_str_eq(in_force(), "site:observe a:allow");
    ck_assert_int_eq(policy_admin_use_config(admin, &next, &lapses, &why), 0);
    ck_assert_str_eq(in_force(), "other:block a:allow");
    ck_assert_int_eq(policy_admin_use_config(admin, &configured, &lapses, &why), 0);
    policy_list_done(&next);
    policy_list_done(&bad);
}
END_TEST

START_TEST(a_reload_protects_who_asks_where_anything_may_be_held_up_also_after_a_restart)
{
    static const char *const blocks[] = {"all action=block"}, *const lets[] = {"all action=observe"};
    struct policy_list next = {0}, harmless = {0};
    struct policy connection;
    cleanup_free char *why = NULL;

    list_of(&next, blocks, 1);
    list_of(&harmless, lets, 1);
    ck_assert_int_eq(policy_connection_parse("192.0.2.7 50122 192.0.2.1 22", &connection), 0);
    policy_admin_protect(admin, &connection);
    ck_assert_int_eq(policy_admin_use_config(admin, &harmless, &lapses, &why), 0);
    ck_assert_str_eq(in_force(), "all:observe");
    policy_admin_protect(admin, &connection);
    ck_assert_int_eq(policy_admin_use_config(admin, &next, &lapses, &why), 0);
    ck_assert_str_eq(in_force(), "protected-192.0.2.7-50122:allow all:block");
    end_pdttd();
    start_pdttd();
    ck_assert_str_eq(in_force(), "protected-192.0.2.7-50122:allow site:observe");
    policy_list_done(&next);
    policy_list_done(&harmless);
}
END_TEST

START_TEST(at_a_start_what_a_list_names_may_be_looked_for_before_it_is_in_force)
{
    ck_assert_int_eq(add("a action=block user=alice"), 0);
    ck_assert_int_eq(add("b action=block user=bob"), 0);
    end_pdttd();
    kernel.n = 1; /* what the one before left */
    start_pdttd();
    ck_assert_uint_eq(prepared, 3);
    ck_assert_uint_eq(in_force_then, 1);
    ck_assert_uint_eq(kernel.n, 3);
}
END_TEST

START_TEST(what_holds_nothing_up_never_lapses_and_the_rest_as_its_kind_or_as_it_says)
{
    static const struct policy_lapses all = {.when_sec = POLICY_LAPSE_NEVER, .others_sec = 60};
    static const uint32_t first[] = {POLICY_LAPSE_NEVER, POLICY_LAPSE_NEVER, POLICY_LAPSE_NEVER, 300, 7,
                                     POLICY_LAPSE_NEVER},
                          then[] = {POLICY_LAPSE_NEVER, POLICY_LAPSE_NEVER, 60, POLICY_LAPSE_NEVER, 7,
                                    POLICY_LAPSE_NEVER};
    cleanup_free char *why = NULL;

    exceeded = true;
    ck_assert_int_eq(add("a action=allow user=alice when=\"allocation exceeded\""), 0);
    ck_assert_int_eq(add("b action=block"), 0);
    ck_assert_int_eq(add("c action=limit rate=1Mbit/s user=alice when=\"allocation exceeded\""), 0);
    ck_assert_int_eq(add("d action=block lapse=7s"), 0);
    ck_assert_int_eq(add("e action=block user=alice when=\"allocation exceeded\" lapse=never"), 0);
    ck_assert_mem_eq(kernel.lapses_sec, first, sizeof(first));
    ck_assert_int_eq(policy_admin_use_config(admin, &configured, &all, &why), 0);
    ck_assert_mem_eq(kernel.lapses_sec, then, sizeof(then));
}
END_TEST

START_TEST(what_has_lapsed_is_told)
{
    json_t *told, *policies;

    exceeded = true;
    ck_assert_int_eq(add("a action=block lapse=7s"), 0);
    ck_assert_int_eq(add("b action=block"), 0);
    kernel.left_ns = -1;
    told = policy_answer_list(admin);
    policies = json_object_get(told, "policies");
    ck_assert(json_is_true(json_object_get(json_array_get(policies, 1), "lapsed")));
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(policies, 1), "lapse_sec")), 7);
    ck_assert(json_is_false(json_object_get(json_array_get(policies, 2), "lapsed")));
    ck_assert(json_is_null(json_object_get(json_array_get(policies, 2), "lapse_sec")));
    json_decref(told);
}
END_TEST

START_TEST(a_name_that_the_configuration_takes_while_pdttd_is_away_is_that_of_the_configuration)
{
    static const char *const words[] = {"a action=block"};

    ck_assert_int_eq(add("a action=allow"), 0);
    ck_assert_int_eq(add("b action=allow"), 0);
    end_pdttd();
    policy_list_done(&configured);
    list_of(&configured, words, 1);
    start_pdttd();
    ck_assert_str_eq(in_force(), "a:block b:allow");
}
END_TEST

START_TEST(counters_of_a_name_that_stays_go_on_and_one_that_comes_again_begins_at_nothing)
{
    ck_assert_int_eq(apply_two("a action=allow", "b action=block", 0), 0);
    count("a", 3, 0);
    count("b", 0, 5);
    ck_assert_int_eq(book_all(), 3005);
    count("b", 0, 2);
    ck_assert_int_eq(apply_two("c action=block", "a action=limit rate=1Mbit/s", 0), 0); /* b goes, with 2 not booked */
    count("a", 1, 4);
    count("c", 0, 1);
    ck_assert_int_eq(book_all(), 4012);
    ck_assert_int_eq(add("b action=block"), 0);
    count("b", 0, 1);
    ck_assert_int_eq(book_all(), 4013);
    ck_assert_int_eq(drop("b"), 0);
    ck_assert_int_eq(add("b action=block"), 0); /* gone and there again within an interval */
    count("b", 0, 6);
    ck_assert_int_eq(book_all(), 4019);
    ck_assert_int_eq(book_all(), 4019);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM policy_meter"), 3);
}
END_TEST

START_TEST(counters_go_on_over_a_restart_and_begin_anew_with_a_reboot)
{
    ck_assert_int_eq(add("b action=block"), 0);
    count("b", 0, 5);
    ck_assert_int_eq(book_all(), 5);
    count("b", 0, 2);
    end_pdttd();
    count("b", 0, 1);
    start_pdttd();
    ck_assert_int_eq(book_all(), 8);
    end_pdttd();
    kernel.n = 0;
    start_pdttd();
    memset(kernel.counters, 0, sizeof(kernel.counters));
    count("b", 0, 9);
    ck_assert_int_eq(book_all(), 17);
}
END_TEST

START_TEST(a_policy_with_a_condition_decides_only_while_that_holds)
{
    exceeded = false;
    ck_assert_int_eq(add("a action=block user=alice when=\"allocation exceeded\""), 0);
    ck_assert_str_eq(in_force(), "site:observe a:observe");
    exceeded = true;
    kernel.fails = 1;
    policy_admin_look(admin);
    ck_assert_str_eq(in_force(), "site:observe a:observe");
    policy_admin_look(admin);
    ck_assert_str_eq(in_force(), "site:observe a:block");
    ck_assert_int_eq(add("b action=allow"), 0);
    ck_assert_str_eq(in_force(), "site:observe a:block b:allow");
    exceeded = false;
    policy_admin_look(admin);
    ck_assert_str_eq(in_force(), "site:observe a:observe b:allow");
}
END_TEST

/* ---- the connection of who asks ---- */

static json_t *ask_add(const char *words, const char *connection)
{
    json_t *argument = json_pack("{s:s, s:s}", "words", words, "connection", connection), *ret;

    ret = policy_answer_add(admin, argument);
    json_decref(argument);
    return ret;
}

static const char *blocked_by(const char *words)
{
    static char name[POLICY_NAME_SIZE];
    json_t *answer = ask_add(words, "203.0.113.7 50122 198.51.100.1 22");
    const char *by = json_string_value(json_object_get(answer, "blocked_by"));

    ck_assert_ptr_null(json_object_get(answer, "error"));
    ck_assert_str_eq(json_string_value(json_object_get(answer, "protected")), "protected-203.0.113.7-50122");
    snprintf(name, sizeof(name), "%s%s", by ?: "",
             by && !json_is_true(json_object_get(answer, "blocked_surely")) ? "?" : "");
    json_decref(answer);
    return name;
}

START_TEST(the_connection_of_who_asks_is_protected_and_told_when_it_would_be_blocked)
{
    ck_assert_str_eq(blocked_by("elsewhere action=block remote=203.0.114.0/24"), "");
    ck_assert_str_eq(blocked_by("alice action=block user=alice"), "alice?");
    ck_assert_str_eq(blocked_by("scan action=block remote=203.0.113.0/24 direction=in"), "scan");
    ck_assert_str_eq(blocked_by("admins action=allow remote=203.0.113.0/24 priority=5"), "");
    ck_assert_str_eq(blocked_by("all action=block priority=6 protocol=tcp local_ports=22"), "all");
    ck_assert_str_eq(in_force(),
                     "protected-203.0.113.7-50122:allow site:observe elsewhere:block alice:block scan:block "
                     "admins:allow all:block");
    end_pdttd();
    start_pdttd();
    ck_assert_str_eq(kernel.names[0], "protected-203.0.113.7-50122");
}
END_TEST

START_TEST(no_more_than_sixteen_connections_are_protected)
{
    char connection[64], words[32];

    for (int i = 0; i < 20; i++) {
        snprintf(connection, sizeof(connection), "2001:db8::7 %d 2001:db8::1 22", 50000 + i);
        snprintf(words, sizeof(words), "p%d action=observe", i);
        json_decref(ask_add(words, connection));
    }
    ck_assert_uint_eq(kernel.n, 16 + 1 + 20);
    ck_assert_str_eq(kernel.names[0], "protected-2001.db8..7-50004");
    ck_assert_str_eq(kernel.names[15], "protected-2001.db8..7-50019");
}
END_TEST

static const char *const no_connections[] = {
    "",
    "x",
    "203.0.113.7 50122 198.51.100.1",
    "203.0.113.7 0 198.51.100.1 22",
    "203.0.113.7 50122 2001:db8::1 22",
    "203.0.113.7 70000 198.51.100.1 22",
    "203.0.113.7 50122 198.51.100.1 22 x",
    "203.0.113 50122 198.51.100.1 22",
    "UNKNOWN 65535 UNKNOWN 65535",
};

START_TEST(what_is_no_connection_is_none)
{
    json_t *answer = ask_add("a action=block", no_connections[_i]);

    ck_assert(json_is_null(json_object_get(answer, "protected")));
    ck_assert_str_eq(in_force(), "site:observe a:block");
    json_decref(answer);
}
END_TEST

/* ---- requests that nobody who is well makes ---- */

static const char *const hostile[] = {
    "{}",
    "{\"policies\": 1}",
    "{\"policies\": [1]}",
    "{\"policies\": [null]}",
    "{\"policies\": [\"\"]}",
    "{\"policies\": [\"b action=block\", \"c\"]}",
    "{\"policies\": [\"b action=block\", \"b action=allow\"]}",
    "{\"policies\": [\"b action=block\"], \"confirm_sec\": -1}",
    "{\"policies\": [\"b action=block\"], \"confirm_sec\": 99999999999}",
    "{\"policies\": {\"b\": 1}}",
    "{\"policies\": [\"protected-b action=block\"]}",
    "{\"policies\": [[\"b action=block\"]]}",
};

START_TEST(hostile_requests_change_nothing_and_are_answered)
{
    json_t *argument = json_loads(hostile[_i], 0, NULL), *answer;

    ck_assert_int_eq(add("a action=allow"), 0);
    answer = policy_answer_apply(admin, argument);
    ck_assert_ptr_nonnull(json_string_value(json_object_get(answer, "error")));
    ck_assert_str_eq(in_force(), "site:observe a:allow");
    json_decref(answer);
    json_decref(argument);
}
END_TEST

START_TEST(ten_thousand_policies_are_applied_and_told)
{
    struct policy_list list = {0};
    cleanup_free char *why = NULL;
    struct policy p = {.action = POLICY_BLOCK, .protocol = -1};
    json_t *told;

    for (int i = 0; i < 10000; i++) {
        struct policy one = p;

        snprintf(one.name, sizeof(one.name), "scan-%d", i);
        ck_assert_int_eq(policy_list_add(&list, &one), 0);
    }
    ck_assert_int_eq(policy_admin_apply(admin, &list, 0, &why), 0);
    ck_assert_uint_eq(kernel.n, 10001);
    told = policy_answer_list(admin);
    ck_assert_uint_eq(json_array_size(json_object_get(told, "policies")), 10001);
    json_decref(told);
    policy_list_done(&list);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_given_comes_behind_the_configuration_and_is_there_after_a_restart,
        what_is_refused_changes_nothing,
        what_cannot_be_kept_is_not_in_force,
        a_list_that_nobody_confirms_goes_back,
        one_that_cannot_be_taken_back_is_taken_back_later,
        one_that_is_confirmed_stays,
        a_pdttd_that_dies_before_it_is_confirmed_starts_with_the_former,
        another_database_is_told_what_is_kept,
        another_configuration_is_taken_or_refused_as_a_whole,
        a_reload_protects_who_asks_where_anything_may_be_held_up_also_after_a_restart,
        at_a_start_what_a_list_names_may_be_looked_for_before_it_is_in_force,
        what_holds_nothing_up_never_lapses_and_the_rest_as_its_kind_or_as_it_says,
        what_has_lapsed_is_told,
        a_name_that_the_configuration_takes_while_pdttd_is_away_is_that_of_the_configuration,
        counters_of_a_name_that_stays_go_on_and_one_that_comes_again_begins_at_nothing,
        counters_go_on_over_a_restart_and_begin_anew_with_a_reboot,
        a_policy_with_a_condition_decides_only_while_that_holds,
        the_connection_of_who_asks_is_protected_and_told_when_it_would_be_blocked,
        no_more_than_sixteen_connections_are_protected,
        ten_thousand_policies_are_applied_and_told,
    };
    Suite *suite = suite_create("policy_admin");
    TCase *tcase = tcase_create("policy_admin");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, what_is_no_connection_is_none, 0, (int)array_length(no_connections));
    tcase_add_loop_test(tcase, hostile_requests_change_nothing_and_are_answered, 0, (int)array_length(hostile));
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
