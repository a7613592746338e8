/* Following a tree of cgroups, here a tree of plain directories: which belong to a unit, as they come and go. */
#include "collector/units.h"
#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static char root[64];
static struct units *units;

/* ---- the table and the numbers, which can be told to fail ---- */

#define MAX_ENTRIES 64

static struct {
    struct {
        uint64_t cgroup;
        uint32_t unit;
    } entries[MAX_ENTRIES];
    size_t n, room;
    char paths[MAX_ENTRIES][64]; /* unit i + 1 */
    size_t n_paths, n_questions;
    int number_error;
} fake;

static int fake_number(const char *path, uint32_t *ret_unit, void *userdata)
{
    fake.n_questions++;
    if (fake.number_error)
        return fake.number_error;
    size_t i = 0;
    while (i < fake.n_paths && strcmp(fake.paths[i], path) != 0)
        i++;
    if (i == fake.n_paths)
        strcpy(fake.paths[fake.n_paths++], path);
    *ret_unit = (uint32_t)i + 1;
    return 0;
}

static size_t find_entry(uint64_t cgroup)
{
    size_t i = 0;
    while (i < fake.n && fake.entries[i].cgroup != cgroup)
        i++;
    return i;
}

static int fake_put(uint64_t cgroup, uint32_t unit, void *userdata)
{
    size_t i = find_entry(cgroup);

    if (i == fake.room)
        return -E2BIG;
    fake.entries[i].cgroup = cgroup;
    fake.entries[i].unit = unit;
    fake.n += i == fake.n;
    return 0;
}

static int fake_remove(uint64_t cgroup, void *userdata)
{
    size_t i = find_entry(cgroup);

    ck_assert_msg(i < fake.n, "an entry is removed that is not there");
    fake.entries[i] = fake.entries[--fake.n];
    return 0;
}

/* ---- the tree ---- */

static const char *below_root(const char *path)
{
    static char full[512];
    snprintf(full, sizeof(full), "%s/%s", root, path);
    return full;
}

static void make(const char *path)
{
    ck_assert_msg(mkdir(below_root(path), 0755) == 0, "%s: %s", path, strerror(errno));
}
static void drop(const char *path)
{
    ck_assert_msg(rmdir(below_root(path)) == 0, "%s: %s", path, strerror(errno));
}

static uint64_t id_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(below_root(path), &st), 0);
    return st.st_ino;
}

/* The path of the unit that the table has for a cgroup, "" for none */
static const char *unit_of(const char *path)
{
    size_t i = find_entry(id_of(path));
    return i < fake.n ? fake.paths[fake.entries[i].unit - 1] : "";
}

static void set_up(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.room = MAX_ENTRIES;
    strcpy(root, "/tmp/pdtt-units-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void tear_down(void)
{
    char command[128];

    units = units_close(units);
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static void follow_with(bool without_inotify, const char *const *patterns, size_t n)
{
    struct units_options options = {
        .root = root,
        .number = fake_number,
        .put = fake_put,
        .remove = fake_remove,
        .without_inotify = without_inotify,
    };
    ck_assert_int_eq(units_open(&options, &units), 0);
    ck_assert_int_eq(units_set_patterns(units, patterns, n), 0);
}

static const char *const job_pattern[] = {"*/slurm*/job_*"};

static void follow_jobs(void)
{
    make("batch");
    make("batch/slurmd");
    make("other");
    follow_with(false, job_pattern, 1);
}

/* The kernel tells before mkdir(2) and rmdir(2) return. */
static void take_events(void)
{
    struct pollfd p = {.fd = units_fd(units), .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 5000), 1);
    ck_assert_int_eq(units_read(units), 0);
}

static struct units_state state(void)
{
    struct units_state s;
    units_state(units, &s);
    return s;
}

/* ---- what a pattern means ---- */

START_TEST(each_part_of_a_pattern_stands_for_one_directory)
{
    ck_assert(units_matches("*/slurm*/job_*", "system.slice/slurmd.service/job_12"));
    ck_assert(!units_matches("*/slurm*/job_*", "slurmd/job_12"));
    ck_assert(!units_matches("*/slurm*/job_*", "a/slurmd/job_12/step_0"));
    ck_assert(!units_matches("*", ""));
    ck_assert(units_matches("user-[0-9]*.slice", "user-1000.slice"));
}
END_TEST

START_TEST(only_what_matches_the_beginning_of_a_pattern_may_contain_matches)
{
    ck_assert(units_may_contain("*/slurm*/job_*", ""));
    ck_assert(units_may_contain("*/slurm*/job_*", "a"));
    ck_assert(units_may_contain("*/slurm*/job_*", "a/slurmd"));
    ck_assert(!units_may_contain("*/slurm*/job_*", "a/b"));
    ck_assert(!units_may_contain("*/slurm*/job_*", "a/slurmd/job_1"));
    ck_assert(!units_may_contain("a", "a"));
    ck_assert(!units_may_contain("a/b", "b"));
}
END_TEST

/* ---- the tree as it is ---- */

START_TEST(a_walk_finds_what_matches_and_all_below_it_and_nothing_else)
{
    make("batch");
    make("batch/slurmd");
    make("batch/slurmd/job_1");
    make("batch/slurmd/job_1/step_0");
    make("batch/slurmd/job_1/step_0/task_0");
    make("batch/slurmd/system");
    make("batch/docker");
    make("batch/docker/job_9");
    follow_with(false, job_pattern, 1);
    ck_assert_str_eq(unit_of("batch/slurmd/job_1"), "batch/slurmd/job_1");
    ck_assert_str_eq(unit_of("batch/slurmd/job_1/step_0"), "batch/slurmd/job_1");
    ck_assert_str_eq(unit_of("batch/slurmd/job_1/step_0/task_0"), "batch/slurmd/job_1");
    ck_assert_uint_eq(fake.n, 3);
    ck_assert_uint_eq(state().cgroups, 3);
    ck_assert_uint_eq(state().unwatched, 0);
}
END_TEST

START_TEST(below_two_that_match_a_cgroup_belongs_to_the_nearer)
{
    static const char *const patterns[] = {"a", "a/b/*"};
    make("a");
    make("a/b");
    make("a/b/c");
    make("a/b/c/d");
    follow_with(false, patterns, 2);
    ck_assert_str_eq(unit_of("a"), "a");
    ck_assert_str_eq(unit_of("a/b"), "a");
    ck_assert_str_eq(unit_of("a/b/c"), "a/b/c");
    ck_assert_str_eq(unit_of("a/b/c/d"), "a/b/c");
}
END_TEST

START_TEST(files_and_links_are_no_cgroups)
{
    static const char *const patterns[] = {"*"};
    cleanup_close int fd = open(below_root("cgroup.procs"), O_CREAT | O_WRONLY, 0644);
    make("a");
    ck_assert_int_eq(symlink("/tmp", below_root("link")), 0);
    follow_with(false, patterns, 1);
    ck_assert_uint_eq(fake.n, 1);
    ck_assert_str_eq(unit_of("a"), "a");
}
END_TEST

/* ---- as it changes ---- */

START_TEST(a_cgroup_that_is_made_is_known_at_once_with_what_is_in_it)
{
    follow_jobs();
    ck_assert_uint_eq(fake.n, 0);
    make("batch/slurmd/job_1");
    make("batch/slurmd/job_1/step_0"); /* before anybody looks at the first */
    take_events();
    ck_assert_str_eq(unit_of("batch/slurmd/job_1"), "batch/slurmd/job_1");
    ck_assert_str_eq(unit_of("batch/slurmd/job_1/step_0"), "batch/slurmd/job_1");
    make("batch/slurmd/job_1/step_0/task");
    take_events();
    ck_assert_str_eq(unit_of("batch/slurmd/job_1/step_0/task"), "batch/slurmd/job_1");
    make("other/slurm-2"); /* a place for matches that was not there */
    make("other/slurm-2/job_3");
    take_events();
    ck_assert_str_eq(unit_of("other/slurm-2/job_3"), "other/slurm-2/job_3");
    ck_assert_uint_eq(fake.n, 4);
}
END_TEST

START_TEST(a_cgroup_that_is_gone_is_removed_after_the_following_drain)
{
    follow_jobs();
    make("batch/slurmd/job_1");
    make("batch/slurmd/job_1/step_0");
    take_events();
    drop("batch/slurmd/job_1/step_0");
    drop("batch/slurmd/job_1");
    take_events();
    ck_assert_uint_eq(fake.n, 2); /* its last packets are still to be counted */
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_uint_eq(fake.n, 0);
}
END_TEST

/* A file system may give the number of a directory again, to the next one that is made. */
START_TEST(a_cgroup_of_the_same_name_and_perhaps_number_follows_at_once)
{
    follow_jobs();
    for (int i = 0; i < 20; i++) {
        make("batch/slurmd/job_1");
        if (i % 2)
            take_events();
        drop("batch/slurmd/job_1");
        make("batch/slurmd/job_1");
        take_events();
        ck_assert_str_eq(unit_of("batch/slurmd/job_1"), "batch/slurmd/job_1");
        ck_assert_int_eq(units_settle(units), 0);
        ck_assert_str_eq(unit_of("batch/slurmd/job_1"), "batch/slurmd/job_1");
        ck_assert_uint_eq(fake.n, 1);
        drop("batch/slurmd/job_1");
        take_events();
        ck_assert_int_eq(units_settle(units), 0);
        ck_assert_uint_eq(fake.n, 0);
    }
}
END_TEST

START_TEST(more_events_than_inotify_keeps_lose_nothing)
{
    follow_jobs();
    for (int i = 0; i < 10000; i++) { /* the kernel keeps 16384, and joins equal ones that follow each other */
        const char *path = below_root(i % 2 ? "batch/slurmd/file_1" : "batch/slurmd/file_2");
        close_fd(open(path, O_CREAT | O_WRONLY, 0644));
        ck_assert_int_eq(unlink(path), 0);
    }
    make("batch/slurmd/job_7");
    take_events();
    ck_assert_str_eq(unit_of("batch/slurmd/job_7"), "batch/slurmd/job_7");
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_uint_eq(fake.n, 1);
}
END_TEST

START_TEST(without_inotify_each_drain_finds_what_has_changed)
{
    make("batch");
    make("batch/slurmd");
    make("batch/slurmd/job_1");
    follow_with(true, job_pattern, 1);
    ck_assert_int_lt(units_fd(units), 0);
    ck_assert_uint_eq(fake.n, 1);
    make("batch/slurmd/job_2");
    drop("batch/slurmd/job_1");
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_str_eq(unit_of("batch/slurmd/job_2"), "batch/slurmd/job_2");
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_uint_eq(fake.n, 1);
    size_t questions = fake.n_questions;
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_uint_eq(fake.n_questions, questions); /* a number is permanent: the store is not asked at each drain */
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(what_has_no_room_in_the_table_is_counted_and_follows_when_there_is_room)
{
    static const char *const patterns[] = {"*"};
    fake.room = 2;
    make("a");
    make("b");
    make("c");
    follow_with(false, patterns, 1);
    ck_assert_uint_eq(state().cgroups, 2);
    ck_assert_uint_eq(state().left_out, 1);
    static const char *const names[] = {"a", "b", "c"};
    const char *in = NULL, *out = NULL; /* which one it is, the order of the directory decides */
    for (size_t i = 0; i < array_length(names); i++)
        *(*unit_of(names[i]) ? &in : &out) = names[i];
    ck_assert(in && out);
    drop(in);
    take_events();
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_str_eq(unit_of(out), out);
    ck_assert_uint_eq(state().left_out, 0);
}
END_TEST

START_TEST(a_unit_whose_number_cannot_be_had_yet_follows_after_a_drain)
{
    fake.number_error = -EBUSY;
    follow_jobs();
    make("batch/slurmd/job_1");
    take_events();
    ck_assert_uint_eq(fake.n, 0);
    ck_assert_int_eq(state().error, -EBUSY);
    fake.number_error = 0;
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_str_eq(unit_of("batch/slurmd/job_1"), "batch/slurmd/job_1");
    ck_assert_int_eq(state().error, 0);
}
END_TEST

START_TEST(a_tree_that_is_too_deep_is_followed_as_far_as_it_goes)
{
    static const char *const patterns[] = {"d"};
    char path[512] = "d";
    make(path);
    for (int depth = 2; depth <= UNITS_MAX_DEPTH + 3; depth++) {
        strcat(path, "/d");
        make(path);
    }
    fake.room = MAX_ENTRIES;
    follow_with(false, patterns, 1);
    ck_assert_uint_eq(state().cgroups, UNITS_MAX_DEPTH);
    ck_assert_uint_eq(state().too_deep, 1);
}
END_TEST

START_TEST(other_patterns_take_and_give_at_once)
{
    static const char *const first[] = {"a/*"}, *const second[] = {"a", "b"};
    uint64_t *ids;
    size_t n;
    make("a");
    make("a/1");
    make("b");
    follow_with(false, first, 1);
    ck_assert_uint_eq(fake.n, 1);
    ck_assert_int_eq(units_set_patterns(units, second, 2), 0);
    ck_assert_str_eq(unit_of("a/1"), "a");
    ck_assert_str_eq(unit_of("b"), "b");
    ck_assert_uint_eq(fake.n, 3);
    ck_assert_int_eq(units_list(units, &ids, &n), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert(ids[0] < ids[1] && ids[1] < ids[2]);
    free(ids);
    ck_assert_int_eq(units_set_patterns(units, NULL, 0), 0);
    ck_assert_int_eq(units_settle(units), 0);
    ck_assert_uint_eq(fake.n, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_part_of_a_pattern_stands_for_one_directory,
        only_what_matches_the_beginning_of_a_pattern_may_contain_matches,
        a_walk_finds_what_matches_and_all_below_it_and_nothing_else,
        below_two_that_match_a_cgroup_belongs_to_the_nearer,
        files_and_links_are_no_cgroups,
        a_cgroup_that_is_made_is_known_at_once_with_what_is_in_it,
        a_cgroup_that_is_gone_is_removed_after_the_following_drain,
        a_cgroup_of_the_same_name_and_perhaps_number_follows_at_once,
        more_events_than_inotify_keeps_lose_nothing,
        without_inotify_each_drain_finds_what_has_changed,
        what_has_no_room_in_the_table_is_counted_and_follows_when_there_is_room,
        a_unit_whose_number_cannot_be_had_yet_follows_after_a_drain,
        a_tree_that_is_too_deep_is_followed_as_far_as_it_goes,
        other_patterns_take_and_give_at_once,
    };
    Suite *suite = suite_create("units");
    TCase *tcase = tcase_create("units");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
