/* Which interfaces are counted. */
#include "collector/netdev_choice.h"
#include "tests/support/unit.h"

#include <string.h>

static const struct netdev host[] = {
    {.ifindex = 1, .name = "lo", .flags = IFF_UP | IFF_LOOPBACK},
    {.ifindex = 2, .name = "eth0", .flags = IFF_UP},
    {.ifindex = 3, .name = "eth1", .flags = 0},
    {.ifindex = 4, .name = "br0", .kind = "bridge", .flags = IFF_UP},
    {.ifindex = 5, .name = "eth2", .flags = IFF_UP, .master = 4},
    {.ifindex = 6, .name = "bond0", .kind = "bond", .flags = IFF_UP},
    {.ifindex = 7, .name = "eth3", .flags = IFF_UP, .master = 6},
    {.ifindex = 8, .name = "veth1234", .kind = "veth", .flags = IFF_UP, .master = 4},
    {.ifindex = 9, .name = "eth0.100", .kind = "vlan", .flags = IFF_UP},
    {.ifindex = 10, .name = "wg0", .kind = "wireguard", .flags = IFF_UP},
    {.ifindex = 11, .name = "enP1", .flags = IFF_UP, .master = 2},
};
static const struct netdev_list all = {(struct netdev *)host, sizeof(host) / sizeof(host[0])};

/* The names that the patterns take, separated by blanks. */
static const char *chosen(const char *const *patterns, size_t n)
{
    static char names[256];
    const struct config_texts texts = {(char **)patterns, n};
    const char *why;

    names[0] = '\0';
    for (size_t i = 0; i < all.n; i++)
        if (netdev_is_chosen(&texts, &all, &host[i], &why)) {
            strcat(names, names[0] ? " " : "");
            strcat(names, host[i].name);
        }
    return names;
}

START_TEST(auto_counts_each_byte_on_one_interface)
{
    ck_assert_str_eq(chosen((const char *[]){"auto"}, 1), "eth0 eth2 eth3");
}
END_TEST

START_TEST(what_is_named_is_counted_whatever_it_is)
{
    ck_assert_str_eq(chosen((const char *[]){"wg0", "lo"}, 2), "lo wg0");
    ck_assert_str_eq(chosen((const char *[]){"eth?", "auto"}, 2), "eth0 eth1 eth2 eth3");
    ck_assert_str_eq(chosen((const char *[]){"eth0"}, 1), "eth0");
    ck_assert_str_eq(chosen(NULL, 0), "");
}
END_TEST

START_TEST(auto_names_nobody)
{
    const char *patterns[] = {"auto", "eth2"};
    const struct config_texts texts = {(char **)patterns, 2};

    ck_assert(!netdev_is_named(&texts, &host[1]));
    ck_assert(netdev_is_named(&texts, &host[4]));
}
END_TEST

START_TEST(who_is_left_out_learns_why)
{
    const char *patterns[] = {"auto"}, *why = NULL;
    const struct config_texts texts = {(char **)patterns, 1};

    ck_assert(!netdev_is_chosen(&texts, &all, &host[5], &why));
    ck_assert_str_eq(why, "its bytes are counted on its members");
    ck_assert(!netdev_is_chosen(&texts, &all, &host[9], &why));
    ck_assert(strstr(why, "virtual"));
    ck_assert(!netdev_is_chosen(&texts, &all, &host[2], &why));
    ck_assert_str_eq(why, "it is down");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netdev_choice");
    TCase *tcase = tcase_create("netdev_choice");

    tcase_add_test(tcase, auto_counts_each_byte_on_one_interface);
    tcase_add_test(tcase, what_is_named_is_counted_whatever_it_is);
    tcase_add_test(tcase, auto_names_nobody);
    tcase_add_test(tcase, who_is_left_out_learns_why);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
