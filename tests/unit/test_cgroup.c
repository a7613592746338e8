/* Where cgroup v2 is mounted: from the texts that kinds of hosts show, and on this one. */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "collector/cgroup.h"
#include "common/cleanup.h"
#include "tests/support/unit.h"

#define PROC "22 29 0:21 / /proc rw,nosuid shared:13 - proc proc rw\n"
#define PURE                                                                                                           \
    "31 25 0:27 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
#define TMPFS  "30 24 0:26 / /sys/fs/cgroup ro,nosuid shared:8 - tmpfs tmpfs ro,size=4096k,mode=755\n"
#define HYBRID "31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1                                                                                                             \
    "32 30 0:28 / /sys/fs/cgroup/systemd rw shared:10 - cgroup cgroup rw,xattr,name=systemd\n"                         \
    "35 30 0:31 / /sys/fs/cgroup/memory rw shared:15 - cgroup cgroup rw,memory\n"

static void expect_nth(const char *text, size_t nth, const char *expected)
{
    cleanup_free char *path = NULL;
    ck_assert_int_eq(cgroup_parse_mountinfo(text, nth, &path), 0);
    ck_assert_str_eq(path, expected);
}

static void expect_none(const char *text, size_t nth)
{
    char *path = (char *)"untouched";
    ck_assert_int_eq(cgroup_parse_mountinfo(text, nth, &path), -ENOENT);
    ck_assert_str_eq(path, "untouched");
}

START_TEST(pure_v2_is_found_at_sys_fs_cgroup)
{
    expect_nth(PROC PURE, 0, "/sys/fs/cgroup");
    expect_none(PROC PURE, 1);
}
END_TEST

START_TEST(a_hybrid_host_has_it_beside_the_old_controllers)
{
    expect_nth(PROC TMPFS HYBRID V1, 0, "/sys/fs/cgroup/unified");
    expect_nth(PROC TMPFS V1 HYBRID, 0, "/sys/fs/cgroup/unified");
}
END_TEST

START_TEST(a_host_with_version_1_only_has_none)
{
    expect_none(PROC TMPFS V1, 0);
}
END_TEST

START_TEST(a_mount_of_the_root_comes_before_one_of_a_subtree)
{
    static const char subtree[] = "50 40 0:27 /kubepods/pod1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    cleanup_free char *text = NULL;

    ck_assert_int_gt(asprintf(&text, "%s%s", subtree, "51 40 0:27 / /run/cgroup rw - cgroup2 none rw\n"), 0);
    expect_nth(text, 0, "/run/cgroup");
    expect_nth(text, 1, "/sys/fs/cgroup");
    expect_none(text, 2);
    expect_nth(subtree, 0, "/sys/fs/cgroup");
}
END_TEST

START_TEST(a_mount_from_above_a_cgroup_namespace_is_no_root)
{
    expect_nth("50 40 0:27 /../.. /mnt/up rw - cgroup2 cgroup2 rw\n" PURE, 0, "/sys/fs/cgroup");
}
END_TEST

START_TEST(several_mounts_of_the_root_come_in_the_order_of_the_text)
{
    static const char text[] = PURE "90 25 0:27 / /run/cilium/cgroupv2 rw - cgroup2 none rw\n";
    expect_nth(text, 0, "/sys/fs/cgroup");
    expect_nth(text, 1, "/run/cilium/cgroupv2");
    expect_none(text, 2);
}
END_TEST

START_TEST(octal_escapes_in_the_mount_point_are_undone)
{
    expect_nth("31 25 0:27 / /mnt/a\\040b\\011c\\012d\\134e rw - cgroup2 cgroup2 rw\n", 0, "/mnt/a b\tc\nd\\e");
    expect_nth("31 25 0:27 / /mnt/\\04 rw - cgroup2 cgroup2 rw\n", 0, "/mnt/\\04"); /* none of the kernel's */
}
END_TEST

START_TEST(any_number_of_optional_fields_is_skipped)
{
    expect_nth("31 25 0:27 / /a rw - cgroup2 cgroup2 rw\n", 0, "/a");
    expect_nth("31 25 0:27 / /a rw shared:1 master:2 propagate_from:3 unbindable - cgroup2 cgroup2 rw\n", 0, "/a");
}
END_TEST

START_TEST(a_file_system_that_only_looks_like_it_is_none)
{
    expect_none("31 25 0:27 / /cgroup2 rw - cgroup cgroup2 rw\n", 0);
    expect_none("31 25 0:27 / /a rw - cgroup22 cgroup2 rw\n", 0);
    expect_none("31 25 0:27 / /a rw cgroup2 - tmpfs cgroup2 rw\n", 0);
}
END_TEST

START_TEST(broken_lines_are_passed_over)
{
    expect_none("", 0);
    expect_none("\n\n", 0);
    expect_none("31 25 0:27 / /a rw", 0);
    expect_none("31 25 0:27 / /a rw -", 0);
    expect_nth("garbage\n31 25 0:27\n\n" PURE, 0, "/sys/fs/cgroup");
    expect_nth("31 25 0:27 / /end-without-newline rw - cgroup2 cgroup2 rw", 0, "/end-without-newline");
}
END_TEST

START_TEST(what_is_found_on_this_host_is_cgroup2)
{
    cleanup_free char *path = NULL, *why = NULL, *again = NULL;
    struct statfs fs;
    int r = cgroup_find_root("auto", &path, &why);

    if (r == -ENOENT) {
        ck_assert_ptr_nonnull(strstr(why, "mount -t cgroup2"));
        return;
    }
    ck_assert_msg(r == 0, "%s", why);
    ck_assert_int_eq(statfs(path, &fs), 0);
    ck_assert_uint_eq((unsigned)fs.f_type, CGROUP2_SUPER_MAGIC);
    ck_assert_int_eq(cgroup_find_root(path, &again, &why), 0);
    ck_assert_str_eq(path, again);
}
END_TEST

static void refuse(const char *configured, int error, const char *expected)
{
    cleanup_free char *path = NULL, *why = NULL;

    ck_assert_int_eq(cgroup_find_root(configured, &path, &why), error);
    ck_assert_ptr_null(path);
    ck_assert_msg(strstr(why, expected) && strstr(why, configured), "\"%s\" lacks \"%s\"", why, expected);
}

START_TEST(a_configured_path_must_be_a_directory_of_cgroup2)
{
    cleanup_free char *root = NULL, *why = NULL, *file = NULL;

    refuse("/proc", -EMEDIUMTYPE, "is no directory of a cgroup v2 file system; set it to \"auto\"");
    refuse("/no/such/path", -ENOENT, "No such file or directory; set it to \"auto\"");
    if (cgroup_find_root(NULL, &root, &why) < 0)
        return;
    ck_assert_int_gt(asprintf(&file, "%s/cgroup.procs", root), 0);
    refuse(file, -EMEDIUMTYPE, "is no directory");
}
END_TEST

START_TEST(a_directory_with_the_file_cgroup_type_is_not_the_root)
{
    char dir[] = "/tmp/pdtt-cgroup-XXXXXX";
    cleanup_free char *file = NULL;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_gt(asprintf(&file, "%s/cgroup.type", dir), 0);
    ck_assert(cgroup_is_host_root(dir));
    cleanup_fclose FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert(!cgroup_is_host_root(dir));
    unlink(file);
    rmdir(dir);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pure_v2_is_found_at_sys_fs_cgroup,
        a_hybrid_host_has_it_beside_the_old_controllers,
        a_host_with_version_1_only_has_none,
        a_mount_of_the_root_comes_before_one_of_a_subtree,
        a_mount_from_above_a_cgroup_namespace_is_no_root,
        several_mounts_of_the_root_come_in_the_order_of_the_text,
        octal_escapes_in_the_mount_point_are_undone,
        any_number_of_optional_fields_is_skipped,
        a_file_system_that_only_looks_like_it_is_none,
        broken_lines_are_passed_over,
        what_is_found_on_this_host_is_cgroup2,
        a_configured_path_must_be_a_directory_of_cgroup2,
        a_directory_with_the_file_cgroup_type_is_not_the_root,
    };
    Suite *suite = suite_create("cgroup");
    TCase *tcase = tcase_create("cgroup");

    for (size_t i = 0; i < array_length(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
