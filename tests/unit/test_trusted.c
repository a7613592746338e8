/* Which directories may hold what root writes: walked as they are given, with links made by root and by others. */
#include "common/cleanup.h"
#include "common/trusted.h"
#include "tests/support/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>

#define NOBODY 65534

static char top[64];

static const char *below(const char *name)
{
    static char paths[4][192];
    static unsigned next;
    char *path = paths[next++ % array_length(paths)];

    snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

static void set_up(void)
{
    strcpy(top, "/tmp/pdtt-trusted-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    ck_assert_int_eq(chmod(top, 0755), 0);
    ck_assert_int_eq(mkdir(below("a"), 0755), 0);
    ck_assert_int_eq(mkdir(below("a/b"), 0755), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static void tear_down(void)
{
    nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void expect_opened(const char *path, const char *directory)
{
    cleanup_close int fd = -1;
    cleanup_free char *why = NULL;
    int r = trusted_open_directory(path, &fd, &why);
    struct stat found, wanted;

    ck_assert_msg(r == 0, "%s: %d: %s", path, r, why ? why : "");
    ck_assert(fstat(fd, &found) == 0 && stat(directory, &wanted) == 0);
    ck_assert(found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev);
}

static void expect_refused(const char *path, int error, const char *part)
{
    cleanup_free char *why = NULL;
    int fd = -1, r = trusted_open_directory(path, &fd, &why);

    ck_assert_int_eq(r, error);
    ck_assert_int_eq(fd, -1);
    ck_assert_msg(why && strstr(why, part) && !strchr(why, '\n'), "\"%s\" does not say \"%s\"", why ? why : "", part);
}

START_TEST(a_directory_of_ones_own_is_opened_however_it_is_spelt)
{
    expect_opened(below("a/b"), below("a/b"));
    expect_opened(below("a//b/"), below("a/b"));
    expect_opened(below("a/../a/./b"), below("a/b"));
    expect_opened("/", "/");
}
END_TEST

START_TEST(links_of_root_are_followed_wherever_they_lead)
{
    ck_assert_int_eq(symlink("b", below("a/relative")), 0);
    ck_assert_int_eq(symlink(below("a"), below("absolute")), 0);
    expect_opened(below("absolute/relative"), below("a/b"));
}
END_TEST

START_TEST(what_a_link_leads_through_is_looked_at_as_well)
{
    ck_assert_int_eq(mkdir(below("open"), 0755), 0);
    ck_assert_int_eq(symlink(below("a/b"), below("open/link")), 0);
    ck_assert_int_eq(chmod(below("open"), 0777), 0);
    ck_assert_int_eq(symlink("open/link", below("into")), 0);
    expect_refused(below("into"), -EPERM, "/open (mode 0777)");
}
END_TEST

START_TEST(links_in_a_circle_end)
{
    ck_assert_int_eq(symlink("circle", below("circle")), 0);
    expect_refused(below("circle"), -ELOOP, "circle");
}
END_TEST

START_TEST(a_directory_that_others_may_write_to_is_refused_on_the_way_and_at_the_end)
{
    ck_assert_int_eq(chmod(below("a"), 0777), 0);
    expect_refused(below("a/b"), -EPERM, "others may write to the directory");
    expect_refused(below("a"), -EPERM, "chmod go-w it");
}
END_TEST

START_TEST(a_sticky_directory_may_be_passed_but_not_be_the_last)
{
    ck_assert_int_eq(chmod(below("a"), 01777), 0);
    expect_opened(below("a/b"), below("a/b"));
    expect_refused(below("a"), -EPERM, "mode 1777");
}
END_TEST

START_TEST(what_is_missing_or_no_directory_is_said)
{
    cleanup_close int fd = open(below("a/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    expect_refused(below("a/nowhere"), -ENOENT, "nowhere: No such file");
    expect_refused(below("a/file/x"), -ENOTDIR, "file in it is no directory");
}
END_TEST

START_TEST(what_belongs_to_another_user_is_refused)
{
    ck_assert_int_eq(chown(below("a"), NOBODY, NOBODY), 0);
    expect_refused(below("a/b"), -EPERM, "belongs to user 65534, who could exchange what is in it");
}
END_TEST

START_TEST(a_link_of_another_user_is_not_followed)
{
    ck_assert_int_eq(symlink("a", below("link")), 0);
    ck_assert_int_eq(lchown(below("link"), NOBODY, NOBODY), 0);
    expect_refused(below("link/b"), -EPERM, "link in it is a symbolic link of user 65534");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trusted");
    TCase *c = tcase_create("trusted");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_directory_of_ones_own_is_opened_however_it_is_spelt);
    tcase_add_test(c, links_of_root_are_followed_wherever_they_lead);
    tcase_add_test(c, what_a_link_leads_through_is_looked_at_as_well);
    tcase_add_test(c, links_in_a_circle_end);
    tcase_add_test(c, a_directory_that_others_may_write_to_is_refused_on_the_way_and_at_the_end);
    tcase_add_test(c, a_sticky_directory_may_be_passed_but_not_be_the_last);
    tcase_add_test(c, what_is_missing_or_no_directory_is_said);
    if (geteuid() == 0) { /* only root can give something away */
        tcase_add_test(c, what_belongs_to_another_user_is_refused);
        tcase_add_test(c, a_link_of_another_user_is_not_followed);
    }
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
