/* A policy in words: what is taken, what is refused and with which line, and that text and policy say the same. */
#include "common/cleanup.h"
#include "common/policy_text.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct policy policy;

static void parse(const char *text)
{
    cleanup_free char *why = NULL;

    policy_done(&policy);
    ck_assert_msg(policy_parse(text, &policy, &why) == 0, "%s: %s", text, why);
}

static void tear_down(void)
{
    policy_done(&policy);
}

START_TEST(every_key_is_taken)
{
    uint8_t network[16] = {203, 0, 113}, local[16] = {10, 1, 2, 3};

    parse("scan action=limit direction=in remote=203.0.113.0/24 remote_ports=1024-65535 local=10.1.2.3 local_ports=22 "
          "protocol=tcp user=alice group=staff project=physics class=external unit=*/job_* priority=10 "
          "rate=\"200 Mbit/s\" burst=\"1 MiB\" when=\"allocation of project over 80 %\" lapse=90s");
    ck_assert_str_eq(policy.name, "scan");
    ck_assert_int_eq(policy.action, POLICY_LIMIT);
    ck_assert_int_eq(policy.direction, POLICY_IN);
    ck_assert_int_eq(policy.remote.family, AF_INET);
    ck_assert_int_eq(policy.remote.prefix, 24);
    ck_assert_mem_eq(policy.remote.address, network, 16);
    ck_assert_int_eq(policy.local.prefix, 32);
    ck_assert_mem_eq(policy.local.address, local, 16);
    ck_assert_int_eq(policy.remote_ports.first, 1024);
    ck_assert_int_eq(policy.remote_ports.last, 65535);
    ck_assert_int_eq(policy.local_ports.first, 22);
    ck_assert_int_eq(policy.local_ports.last, 22);
    ck_assert_int_eq(policy.protocol, IPPROTO_TCP);
    ck_assert_str_eq(policy.user, "alice");
    ck_assert_str_eq(policy.group, "staff");
    ck_assert_str_eq(policy.project, "physics");
    ck_assert_str_eq(policy.class_name, "external");
    ck_assert_str_eq(policy.unit, "*/job_*");
    ck_assert_uint_eq(policy.priority, 10);
    ck_assert_uint_eq(policy.rate, 25000000);
    ck_assert_uint_eq(policy.burst, 1048576);
    ck_assert_uint_eq(policy.when_percent, 80);
    ck_assert_str_eq(policy.when_allocation, "project");
    ck_assert_uint_eq(policy.lapse_sec, 90);
}
END_TEST

START_TEST(what_is_left_open_is_any)
{
    parse("all action=observe");
    ck_assert_int_eq(policy.direction, POLICY_BOTH);
    ck_assert_int_eq(policy.remote.family, 0);
    ck_assert_int_eq(policy.local.family, 0);
    ck_assert_int_eq(policy.remote_ports.first, 0);
    ck_assert_int_eq(policy.remote_ports.last, 65535);
    ck_assert_int_eq(policy.protocol, -1);
    ck_assert_ptr_null(policy.user);
    ck_assert_uint_eq(policy.when_percent, 0);
}
END_TEST

static const struct {
    const char *text;
    uint64_t bytes;
} rates[] = {
    {"8 kbit/s", 1000},          {"200 Mbit/s", 25000000}, {"200Mbit/s", 25000000}, {"1.5 Gbit/s", 187500000},
    {"25 MB/s", 25000000},       {"1 MiB/s", 1048576},     {"1.5 MiB/s", 1572864},  {"10 Tbit/s", 1250000000000},
    {"0.008 Mbit/s", 1000},      {"1000 B/s", 1000},       {"2 GiB/s", 2147483648}, {"12345 bit/s", 1543},
    {"1.125 Gbit/s", 140625000},
};

START_TEST(rates_are_bits_or_bytes)
{
    cleanup_free char *text = NULL, *again = NULL;

    ck_assert_int_gt(asprintf(&text, "a action=limit rate=\"%s\"", rates[_i].text), 0);
    parse(text);
    ck_assert_uint_eq(policy.rate, rates[_i].bytes);
    again = policy_format(&policy);
    parse(again);
    ck_assert_uint_eq(policy.rate, rates[_i].bytes);
}
END_TEST

START_TEST(a_burst_is_by_default_by_the_direction_and_a_super_packet_at_least)
{
    parse("a action=limit direction=out rate=\"100 Mbit/s\"");
    ck_assert_uint_eq(policy.burst, 1250000);
    parse("a action=limit direction=in rate=\"100 Mbit/s\"");
    ck_assert_uint_eq(policy.burst, 5000000);
    parse("a action=limit rate=\"100 Mbit/s\"");
    ck_assert_uint_eq(policy.burst, 5000000);
    parse("a action=limit rate=\"100 kbit/s\"");
    ck_assert_uint_eq(policy.burst, 65536);
}
END_TEST

/* Each text is that of the policy which it was read as. */
static const char *const canonical[] = {
    "scan action=block remote=203.0.113.0/24",
    "a action=allow",
    "a.b-c_1 action=observe direction=out remote=2001:db8::/32 protocol=udp",
    "a action=block direction=in remote=203.0.113.7 remote_ports=1024-65535 local=10.0.0.0/8 local_ports=22 "
    "protocol=tcp",
    "a action=block user=\"DOMAIN\\\\bob smith\" unit=\"user.slice/a \\\"b\\\"\"",
    "a action=block user=\"b\xc3\xa4rbel mu\"",
    "a action=limit rate=200Mbit/s burst=1MiB",
    "a action=limit rate=1MiB/s",
    "a action=limit project=physics priority=65535 rate=1Gbit/s when=\"allocation of project over 80 %\"",
    "a action=block user=alice when=\"allocation of user exceeded\"",
    "a action=block protocol=132 local_ports=0",
    "a action=block remote=0.0.0.0/0",
    "a action=block lapse=never",
    "a action=block user=alice when=\"allocation of user exceeded\" lapse=5min",
    "a action=block lapse=90s",
    "a action=limit rate=1MiB/s lapse=30d",
};

START_TEST(text_and_policy_say_the_same)
{
    cleanup_free char *text = NULL;

    parse(canonical[_i]);
    text = policy_format(&policy);
    if (strstr(canonical[_i], "132")) /* which has a name */
        ck_assert_str_eq(text, "a action=block local_ports=0 protocol=sctp");
    else
        ck_assert_str_eq(text, canonical[_i]);
}
END_TEST

static const struct {
    const char *text, *why; /* why: a part of the line */
} bad[] = {
    {"", "key 'name': is missing"},
    {"a", "key 'action': is missing; write action = allow"},
    {"a action=blok", "key 'action': value 'blok': is no action; write allow"},
    {"a acton=block", "key 'acton': value 'block': is an unknown key; did you mean 'action'?"},
    {"a action=block xyzzy=1", "is an unknown key; pdttctl policy --help"},
    {"a action=block action=block", "is the second 'action'"},
    {"a name=b action=block", "is the second 'name'"},
    {"a action=block lapse=4s", "key 'lapse': value '4s': is not 5s to 30d; write one like"},
    {"a action=block lapse=31d", "is not 5s to 30d"},
    {"a action=block lapse=forever", "is not 5s to 30d"},
    {"a action=block lapse=10", "is not 5s to 30d"},
    {"a action=observe lapse=1min", "key 'lapse': belongs to the actions block and limit alone"},
    {"a action=allow lapse=never", "belongs to the actions block and limit alone"},
    {"a action=block user=", "is empty; leave the key out"},
    {"a action=block bare", "'bare': is no KEY=VALUE"},
    {".a action=block", "does not begin with a letter"},
    {"a/b action=block", "holds something else"},
    {"\xc3\xa4 action=block", "does not begin with"},
    {"a123456789012345678901234567890123456789012345678901234567890123 action=block", "longer than 63 bytes"},
    {"a action=block direction=rx", "is no direction; write in, out or both"},
    {"a action=block remote=203.0.113.7/24", "has bits set behind the prefix; write 203.0.113.0/24"},
    {"a action=block remote=203.0.113.0/33", "has a bad prefix length; write a number from 0 to 32"},
    {"a action=block remote=203.0.113.0/024", "has a bad prefix length"},
    {"a action=block remote=203.0.113.0/", "has a bad prefix length"},
    {"a action=block remote=example.org", "is not a network"},
    {"a action=block remote=::ffff:1.2.3.4", "is IPv4 written as IPv6; write 1.2.3.4/32"},
    {"a action=block remote=10.0.0.0/8 local=2001:db8::/32", "key 'local': is of another family"},
    {"a action=block local_ports=65536", "is no port"},
    {"a action=block local_ports=22-", "is no port"},
    {"a action=block local_ports=-22", "is no port"},
    {"a action=block local_ports=90-80", "ends before it begins; write 80-90"},
    {"a action=block protocol=icmp local_ports=22", "key 'local_ports': is given with a protocol that has no ports"},
    {"a action=block protocol=icmp remote=2001:db8::/32", "key 'protocol': is not of the family"},
    {"a action=block protocol=256", "is no protocol"},
    {"a action=block protocol=TCP", "is no protocol"},
    {"a action=block priority=-1", "is no priority"},
    {"a action=block priority=65536", "is no priority"},
    {"a action=block rate=\"1 Mbit/s\"", "key 'rate': belongs to the action limit alone"},
    {"a action=block burst=\"1 MiB\"", "key 'burst': belongs to the action limit alone"},
    {"a action=limit", "needs a rate"},
    {"a action=limit rate=200", "is no rate; write one like"},
    {"a action=limit rate=200M", "is no rate"},
    {"a action=limit rate=200mbit/s", "is no rate"},
    {"a action=limit rate=1.2345Mbit/s", "is no rate"},
    {"a action=limit rate=.5Mbit/s", "is no rate"},
    {"a action=limit rate=1..5Mbit/s", "is no rate"},
    {"a action=limit rate=0Mbit/s", "is outside 8 kbit/s to 10 Tbit/s"},
    {"a action=limit rate=11Tbit/s", "is outside"},
    {"a action=limit rate=99999999999999999999999Tbit/s", "is no rate"},
    {"a action=limit rate=-1Mbit/s", "is no rate"},
    {"a action=limit rate=1Mbit/s burst=1", "is outside 16 KiB to 1 GiB"},
    {"a action=limit rate=1Mbit/s burst=1M", "is not a size"},
    {"a action=block when=\"allocation exceeded\"", "does not say whose allocation"},
    {"a action=block user=a project=b when=\"allocation exceeded\"", "does not say whose allocation"},
    {"a action=block user=a when=\"allocation of project exceeded\"", "the policy names none; add project"},
    {"a action=block user=a when=\"allocation over 0 %\"", "is no condition"},
    {"a action=block user=a when=\"allocation over 1001 %\"", "is no condition"},
    {"a action=block user=a when=\"allocation over 80\"", "is no condition"},
    {"a action=block user=a when=\"allocation of group exceeded\"", "is no condition"},
    {"a action=block user=a when=\"full moon\"", "is no condition"},
    {"a action=block user=\"open", "a quote is open at the end"},
    {"a action=block user=\x01", "holds a control character"},
    {"a action=block user=\xff", "holds bytes that are no UTF-8"},
};

START_TEST(what_is_wrong_is_said_in_one_line)
{
    cleanup_free char *why = NULL;
    struct policy p;

    ck_assert_int_eq(policy_parse(bad[_i].text, &p, &why), -EINVAL);
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s: '%s' is not '%s'", bad[_i].text, why, bad[_i].why);
}
END_TEST

START_TEST(a_text_without_end_is_refused)
{
    char text[POLICY_TEXT_MAX + 1];
    cleanup_free char *why = NULL;
    struct policy p;

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(policy_parse(text, &p, &why), -EINVAL);
}
END_TEST

START_TEST(the_longest_policy_is_read_again)
{
    char backslashes[1024], *text = NULL;
    cleanup_free char *shown = NULL, *again = NULL;

    memset(backslashes, '\\', sizeof(backslashes) - 1);
    backslashes[sizeof(backslashes) - 1] = '\0';
    ck_assert_int_gt(asprintf(&text, "a action=block user=%.255s group=%.255s project=%.255s class=%.255s unit=%s",
                              backslashes, backslashes, backslashes, backslashes, backslashes),
                     0);
    parse(text);
    free(text);
    shown = policy_format(&policy);
    ck_assert_uint_gt(strlen(shown), 4000);
    parse(shown);
    again = policy_format(&policy);
    ck_assert_str_eq(shown, again);
}
END_TEST

START_TEST(a_list_holds_as_many_as_there_may_be_and_tells_what_is_twice)
{
    struct policy_list list = {0}, copy;
    struct policy p = {.protocol = -1};
    const char *twice = "";

    for (int i = 0; i < POLICIES_MAX; i++) {
        snprintf(p.name, sizeof(p.name), "policy-%d", i * 7919 % POLICIES_MAX);
        ck_assert_int_eq(policy_list_add(&list, &p), 0);
        p.protocol = -1;
    }
    ck_assert_int_eq(policy_list_add(&list, &p), -E2BIG);
    ck_assert_int_eq(policy_list_find_twice(&list, &twice), 0);
    ck_assert_ptr_null(twice);
    strcpy(list.v[5].name, list.v[4711].name);
    ck_assert_int_eq(policy_list_find_twice(&list, &twice), 0);
    ck_assert_str_eq(twice, list.v[4711].name);
    ck_assert_int_eq(policy_list_copy(&list, &copy), 0);
    ck_assert_uint_eq(copy.n, POLICIES_MAX);
    policy_list_remove(&copy, "policy-7919");
    ck_assert_uint_eq(copy.n, POLICIES_MAX - 1);
    ck_assert_ptr_null(policy_list_find(&copy, "policy-7919"));
    policy_list_done(&copy);
    policy_list_done(&list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_text");
    TCase *words = tcase_create("words");

    tcase_add_checked_fixture(words, NULL, tear_down);
    tcase_add_test(words, every_key_is_taken);
    tcase_add_test(words, what_is_left_open_is_any);
    tcase_add_loop_test(words, rates_are_bits_or_bytes, 0, (int)array_length(rates));
    tcase_add_test(words, a_burst_is_by_default_by_the_direction_and_a_super_packet_at_least);
    tcase_add_loop_test(words, text_and_policy_say_the_same, 0, (int)array_length(canonical));
    tcase_add_loop_test(words, what_is_wrong_is_said_in_one_line, 0, (int)array_length(bad));
    tcase_add_test(words, a_text_without_end_is_refused);
    tcase_add_test(words, the_longest_policy_is_read_again);
    tcase_add_test(words, a_list_holds_as_many_as_there_may_be_and_tells_what_is_twice);
    suite_add_tcase(suite, words);
    return unit_main(suite);
}
