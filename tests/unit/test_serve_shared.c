/* One answer for all who ask the same: what is the same, and how often it is made. */
#include "serve/edition.h"
#include "serve/shared.h"
#include "tests/support/store.h"
#include "tests/support/unit.h"

#include "common/clock.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

enum { ASKERS = 8 };

static struct directory *directory;
static struct shared *shared;
static atomic_uint made;

/* A test within a second would fail at its end. */
static void wait_for_a_new_second(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    usleep((useconds_t)((1000000000 - now.tv_nsec) / 1000));
}

static void set_up(void)
{
    cleanup_free char *why = NULL;
    cleanup_fclose FILE *config = NULL;

    place_make();
    store_close(open_store(STORE_WRITE));
    config = fopen(place_beside(".conf"), "we");
    ck_assert_ptr_nonnull(config);
    fprintf(config, "database = \"%s\";\n", place_path);
    fflush(config);
    ck_assert_int_eq(directory_open(place_beside(".conf"), &directory, &why), 0);
    shared = shared_new();
    ck_assert_ptr_nonnull(shared);
}

static void tear_down(void)
{
    shared_free(shared);
    directory_close(directory);
    place_remove();
}

/* ---- the same question ---- */

static char *alices[] = {"physics", "art"};
static const struct membership alice = {.uid = 1000, .name = "alice", .projects = alices, .n_projects = 2};
static const struct membership root = {.uid = 0, .name = "root"};
static const struct membership admin = {.uid = 1001, .name = "carol", .admin = true};

static void expect_same(const char *target, const struct membership *m, const char *other, const struct membership *n,
                        bool same)
{
    struct request one, two;
    cleanup_free char *why = NULL, *first = NULL, *second = NULL;

    ck_assert_int_eq(request_parse(target, &one, &why), 0);
    ck_assert_int_eq(request_parse(other, &two, &why), 0);
    first = shared_question(&one, m);
    second = shared_question(&two, n);
    ck_assert_msg((strcmp(first, second) == 0) == same, "%s beside %s", first, second);
    request_done(&one);
    request_done(&two);
}

START_TEST(who_sees_everything_asks_the_same)
{
    expect_same("/a?by=user", &root, "/a?by=user", &admin, true);
    expect_same("/a?by=user", &root, "/a?by=user", &alice, false);
}
END_TEST

START_TEST(another_person_name_or_project_is_another_question)
{
    char *one[] = {"physics"}, *glued[] = {"physics3:art"};
    struct membership m = alice;

    expect_same("/a", &alice, "/a", &m, true);
    m.uid = 1002;
    expect_same("/a", &alice, "/a", &m, false);
    m = alice;
    m.name = "bob";
    expect_same("/a", &alice, "/a", &m, false);
    m.name = NULL;
    expect_same("/a", &alice, "/a", &m, false);
    m = alice;
    m.projects = one;
    m.n_projects = 1;
    expect_same("/a", &alice, "/a", &m, false);
    m.projects = glued;
    expect_same("/a", &alice, "/a", &m, false);
}
END_TEST

START_TEST(another_path_or_parameter_is_another_question)
{
    expect_same("/a?by=user", &root, "/b?by=user", &root, false);
    expect_same("/a?by=user", &root, "/a?by=class", &root, false);
    expect_same("/a?by=user", &root, "/a?by=user&top=1", &root, false);
    expect_same("/a?by=user&top=1", &root, "/a?by=user%2C3%3Atop%2C1&x=1", &root, false);
    expect_same("/a?by=user", &root, "/a?by=%75ser", &root, true);
}
END_TEST

/* ---- the same database ---- */

static struct edition_number look(struct edition *e)
{
    struct edition_number number;

    ck_assert(edition_look(e, place_path, &number));
    return number;
}

static bool is_same(struct edition_number a, struct edition_number b)
{
    return a.opened == b.opened && a.committed == b.committed;
}

static void commit_something(void)
{
    struct store *s = open_store(STORE_WRITE);

    ck_assert_int_eq(sqlite3_exec(s->db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    store_close(s);
}

START_TEST(a_commit_or_another_file_is_another_edition)
{
    struct edition e = {0};
    struct edition_number first = look(&e), second, third;

    ck_assert(is_same(first, look(&e)));
    commit_something();
    second = look(&e);
    ck_assert(!is_same(first, second));
    ck_assert(is_same(second, look(&e)));
    ck_assert_int_eq(rename(place_path, place_beside("-aside")), 0);
    ck_assert(!edition_look(&e, place_path, &third));
    store_close(open_store(STORE_WRITE));
    third = look(&e);
    ck_assert(!is_same(second, third) && !is_same(first, third));
    edition_done(&e);
}
END_TEST

/* ---- made once ---- */

static int make(struct work *w, struct answer *ret)
{
    unsigned n = ++made;

    usleep(20000); /* so that others come meanwhile */
    if (strcmp(w->request->path, "/fails") == 0) {
        w->why = strdup("because");
        return -EINVAL;
    }
    *ret = (struct answer){.status = 200, .media_type = "text/plain"};
    ret->size = (size_t)asprintf(&ret->body, "answer %u", n);
    return 0;
}

static void *ask(void *target)
{
    char *text = calloc(1, 64), *why = NULL;
    struct request request;
    struct answer answer = {0};
    int r;

    ck_assert_int_eq(request_parse(target, &request, &why), 0);
    struct work w = {.directory = directory, .request = &request, .membership = root};
    r = shared_answer(shared, &w, make, &answer);
    snprintf(text, 64, "%d %.*s%s", r, (int)answer.size, answer.body ? answer.body : "", w.why ? w.why : "");
    answer_done(&answer);
    free(w.why);
    request_done(&request);
    return text;
}

static void expect_answer(const char *target, const char *expected)
{
    cleanup_free char *text = ask((char *)target);

    ck_assert_str_eq(text, expected);
}

static void ask_at_once(const char *target, const char *expected)
{
    pthread_t threads[ASKERS];

    for (int i = 0; i < ASKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, (char *)target), 0);
    for (int i = 0; i < ASKERS; i++) {
        char *text;

        pthread_join(threads[i], (void **)&text);
        ck_assert_str_eq(text, expected);
        free(text);
    }
}

START_TEST(those_who_ask_the_same_within_a_second_get_one_answer)
{
    wait_for_a_new_second();
    ask_at_once("/a", "0 answer 1");
    expect_answer("/a", "0 answer 1");
    expect_answer("/b", "0 answer 2");
    wait_for_a_new_second();
    expect_answer("/a", "0 answer 3");
}
END_TEST

START_TEST(what_was_booked_is_in_the_next_answer)
{
    wait_for_a_new_second();
    expect_answer("/a", "0 answer 1");
    commit_something();
    expect_answer("/a", "0 answer 2");
}
END_TEST

START_TEST(what_fails_is_told_to_who_waits_and_tried_again)
{
    wait_for_a_new_second();
    ask_at_once("/fails", "-22 because");
    ck_assert_uint_eq(made, 1);
    expect_answer("/fails", "-22 because");
    ck_assert_uint_eq(made, 2);
}
END_TEST

static bool has_open(const char *path)
{
    DIR *fds = opendir("/proc/self/fd");
    bool found = false;

    for (const struct dirent *e; fds && (e = readdir(fds));) {
        char target[PATH_MAX] = "";

        found =
            found || (readlinkat(dirfd(fds), e->d_name, target, sizeof(target) - 1) > 0 && strcmp(target, path) == 0);
    }
    closedir(fds);
    return found;
}

START_TEST(when_nobody_asks_the_database_is_closed)
{
    wait_for_a_new_second();
    expect_answer("/a", "0 answer 1");
    shared_rest(shared, clock_boottime_ns());
    ck_assert(has_open(place_path));
    expect_answer("/a", "0 answer 1");
    shared_rest(shared, clock_boottime_ns() + SHARED_IDLE_SEC * NSEC_PER_SEC);
    ck_assert(!has_open(place_path));
    expect_answer("/a", "0 answer 2");
}
END_TEST

START_TEST(without_a_database_each_is_answered)
{
    ck_assert_int_eq(unlink(place_path), 0);
    expect_answer("/a", "0 answer 1");
    expect_answer("/a", "0 answer 2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_shared");
    TCase *tests = tcase_create("shared");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, who_sees_everything_asks_the_same);
    tcase_add_test(tests, another_person_name_or_project_is_another_question);
    tcase_add_test(tests, another_path_or_parameter_is_another_question);
    tcase_add_test(tests, a_commit_or_another_file_is_another_edition);
    tcase_add_test(tests, those_who_ask_the_same_within_a_second_get_one_answer);
    tcase_add_test(tests, what_was_booked_is_in_the_next_answer);
    tcase_add_test(tests, what_fails_is_told_to_who_waits_and_tried_again);
    tcase_add_test(tests, when_nobody_asks_the_database_is_closed);
    tcase_add_test(tests, without_a_database_each_is_answered);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
