/* The host's users, for pdtt-serve, where the name services answer as those of a large host do: these functions stand for theirs. */
#include "serve/host_users.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

enum { ALICE = 7001, STUDENTS = 7100, PHYSICS = 7101 };

static size_t needed; /* bytes for the entry of a group */
static int failure;   /* of all questions */

static int answer_passwd(bool known, struct passwd *entry, struct passwd **ret)
{
    *entry = (struct passwd){.pw_name = "alice", .pw_uid = ALICE, .pw_gid = STUDENTS};
    *ret = known && !failure ? entry : NULL;
    return failure;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t n, struct passwd **ret)
{
    return answer_passwd(strcmp(name, "alice") == 0, entry, ret);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t n, struct passwd **ret)
{
    return answer_passwd(uid == ALICE, entry, ret);
}

int getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t n, struct group **ret)
{
    *ret = NULL;
    if (n < needed)
        return ERANGE;
    entry->gr_name = strcpy(buffer, gid == STUDENTS ? "students" : "physics");
    *ret = entry;
    return 0;
}

int getgrouplist(const char *name, gid_t primary, gid_t *groups, int *n)
{
    ck_assert_str_eq(name, "alice");
    ck_assert_int_ge(*n, 2);
    groups[0] = primary;
    groups[1] = PHYSICS;
    *n = 2;
    return 2;
}

START_TEST(a_user_has_the_groups_of_the_whole_university)
{
    struct identity i = {0};

    needed = (size_t)3 << 20;
    ck_assert_int_eq(host_identify(ALICE, &i), 0);
    ck_assert_str_eq(i.name, "alice");
    ck_assert_int_eq(i.n_groups, 2);
    ck_assert_str_eq(i.groups[0].name, "students");
    ck_assert_str_eq(i.groups[1].name, "physics");
    host_identity_done(&i);
}
END_TEST

START_TEST(a_uid_without_an_entry_is_somebody_without_a_name)
{
    struct identity i = {0};
    int64_t uid;

    ck_assert_int_eq(host_identify(4711, &i), 0);
    ck_assert_ptr_null(i.name);
    ck_assert_int_eq(i.n_groups, 0);
    ck_assert_int_eq(host_find_uid("nobody_here", &uid), -ENOENT);
    ck_assert_int_eq(host_find_uid("alice", &uid), 0);
    ck_assert_int_eq(uid, ALICE);
}
END_TEST

/* getpwuid_r(3): which errors say that there is no entry. */
START_TEST(services_that_fail_are_not_an_entry_that_is_not_there)
{
    static const int none[] = {ENOENT, ESRCH, EBADF, EPERM}, failed[] = {EIO, EINTR, EMFILE, ERANGE, ETIMEDOUT};
    int64_t uid;

    for (size_t k = 0; k < sizeof(none) / sizeof(*none); k++) {
        failure = none[k];
        ck_assert_int_eq(host_find_uid("alice", &uid), -ENOENT);
    }
    for (size_t k = 0; k < sizeof(failed) / sizeof(*failed); k++) {
        failure = failed[k];
        ck_assert_int_eq(host_find_uid("alice", &uid), -EAGAIN);
    }
    failure = ENOMEM;
    ck_assert_int_eq(host_find_uid("alice", &uid), -ENOMEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_users");
    TCase *c = tcase_create("users");

    tcase_add_test(c, a_user_has_the_groups_of_the_whole_university);
    tcase_add_test(c, a_uid_without_an_entry_is_somebody_without_a_name);
    tcase_add_test(c, services_that_fail_are_not_an_entry_that_is_not_there);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
