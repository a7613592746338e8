/* Which programs a kernel gets, with kernels that are made up: what they refuse is a list of names. */
#include "collector/tiers.h"

#include "common/cleanup.h"
#include "tests/support/unit.h"

#include <string.h>

/* A kernel refuses the programs whose names begin with one of these words, and knows notes or the storage in tracing. */
struct fake_kernel {
    const char *refused[8];
    bool refuses_storage_in_trampolines;
    unsigned asked;
};

static int probe(unsigned program, bool notes, char **ret_why, void *userdata)
{
    struct fake_kernel *kernel = userdata;
    const char *name = program_rows[program].name;
    bool trampoline = program_rows[program].tiers & TIER_BIT(TIER_TRAMPOLINE);

    kernel->asked++;
    if (trampoline && !notes && kernel->refuses_storage_in_trampolines) {
        *ret_why = strdup("no storage");
        return -EINVAL;
    }
    for (size_t i = 0; i < array_length(kernel->refused) && kernel->refused[i]; i++)
        if (strncmp(name, kernel->refused[i], strlen(kernel->refused[i])) == 0) {
            *ret_why = strdup(kernel->refused[i]);
            return -EPERM;
        }
    return 0;
}

static struct tier_choice choose(struct fake_kernel *kernel, bool syscall)
{
    struct tier_wish wish = {.layers_off = syscall ? 0 : 1u << LAYER_SYSCALL, .probe = probe, .userdata = kernel};
    struct tier_choice choice;

    tier_choose(&wish, &choice);
    return choice;
}

static bool wants(const struct tier_choice *choice, const char *name)
{
    return choice->wanted & program_bit(programs_find(name));
}

START_TEST(hope_needs_no_probe_and_takes_the_best_tier)
{
    struct fake_kernel kernel = {};
    struct tier_wish wish = {.probe = probe, .userdata = &kernel};
    struct tier_choice choice;

    tier_hope(&wish, &choice);
    ck_assert_uint_eq(kernel.asked, 0);
    ck_assert_int_eq(choice.tier, TIER_TRACEPOINT);
    ck_assert(wants(&choice, "sock_send_length") && wants(&choice, "adopt_sockets"));
    ck_assert(!wants(&choice, "exit_inet_sendmsg") && !wants(&choice, "kprobe_tcp_sendmsg"));
    ck_assert(!choice.notes && !wants(&choice, "sweep_sockets"));
    tier_forget(&choice);
}
END_TEST

START_TEST(kernel_with_tracepoints_gets_those_alone)
{
    struct fake_kernel kernel = {.refused = {"tcp_sendmsg_locked"}};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert_int_eq(choice.tier, TIER_TRACEPOINT);
    ck_assert(!wants(&choice, "enter_inet_sendmsg") && !wants(&choice, "tcp_sendmsg_locked"));
    ck_assert_ptr_null(tier_layer_missing(&choice, LAYER_SYSCALL));
    tier_forget(&choice);
}
END_TEST

START_TEST(kernel_without_tracepoints_gets_trampolines)
{
    struct fake_kernel kernel = {.refused = {"sock_", "tcp_sendmsg_locked"}};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert_int_eq(choice.tier, TIER_TRAMPOLINE);
    ck_assert(wants(&choice, "enter_inet_sendmsg") && wants(&choice, "exit_inet6_recvmsg"));
    ck_assert(!wants(&choice, "sock_recv_length") && !wants(&choice, "kprobe_udp_sendmsg"));
    ck_assert(!choice.notes);
    tier_forget(&choice);
}
END_TEST

START_TEST(trampolines_without_storage_leave_notes)
{
    struct fake_kernel kernel = {.refused = {"sock_send", "sock_recv", "adopt_sockets"},
                                 .refuses_storage_in_trampolines = true};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert_int_eq(choice.tier, TIER_NOTES);
    ck_assert(choice.notes && wants(&choice, "exit_inet_recvmsg") && wants(&choice, "sweep_sockets"));
    ck_assert_ptr_null(tier_layer_missing(&choice, LAYER_ADOPT));
    tier_forget(&choice);
}
END_TEST

START_TEST(kernel_without_trampolines_gets_the_four_kprobes)
{
    struct fake_kernel kernel = {.refused = {"sock_send", "sock_recv", "enter_", "exit_", "adopt_sockets"}};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert_int_eq(choice.tier, TIER_KPROBE);
    ck_assert(wants(&choice, "kprobe_tcp_sendmsg") && wants(&choice, "kprobe_tcp_cleanup_rbuf"));
    ck_assert(wants(&choice, "kprobe_udp_sendmsg") && wants(&choice, "kprobe_udp_recvmsg"));
    ck_assert(choice.notes && !wants(&choice, "exit_inet_sendmsg"));
    tier_forget(&choice);
}
END_TEST

/* An incomplete tier would count some calls and not others. */
START_TEST(tier_that_lacks_one_needed_program_is_not_used_at_all)
{
    struct fake_kernel kernel = {.refused = {"sock_send", "sock_recv", "exit_inet6_recvmsg", "kprobe_udp_recvmsg"}};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert_int_eq(choice.tier, TIER_NONE);
    for (unsigned i = 0; i < PROGRAMS; i++)
        ck_assert(!(program_rows[i].tiers && choice.wanted & program_bit(i)));
    ck_assert_str_eq(tier_layer_missing(&choice, LAYER_SYSCALL), "sock_send");
    tier_forget(&choice);
}
END_TEST

START_TEST(nothing_known_of_calls_still_counts_and_sweeps)
{
    struct fake_kernel kernel = {.refused = {"sock_send", "sock_recv", "enter_", "exit_", "kprobe_", "adopt_sockets"}};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert_int_eq(choice.tier, TIER_NONE);
    ck_assert(wants(&choice, "cgroup_skb_ingress") && wants(&choice, "cgroup_skb_egress"));
    ck_assert(choice.notes && wants(&choice, "sweep_sockets"));
    tier_forget(&choice);
}
END_TEST

START_TEST(required_programs_are_wanted_unasked)
{
    struct fake_kernel kernel = {.refused = {"cgroup_skb"}};
    struct tier_choice choice = choose(&kernel, true);

    ck_assert(wants(&choice, "cgroup_skb_ingress"));
    tier_forget(&choice);
}
END_TEST

START_TEST(layer_switched_off_has_no_tier_and_says_so)
{
    struct fake_kernel kernel = {};
    struct tier_choice choice = choose(&kernel, false);

    ck_assert_int_eq(choice.tier, TIER_NONE);
    ck_assert_str_eq(tier_layer_missing(&choice, LAYER_SYSCALL), "switched off in the configuration");
    ck_assert(wants(&choice, "adopt_sockets") && !choice.notes);
    tier_forget(&choice);
}
END_TEST

/* A start that only goes on asks the kernel nothing. */
START_TEST(what_was_chosen_is_recalled_without_asking)
{
    struct fake_kernel kernel = {.refused = {"sock_send", "sock_recv", "adopt_sockets"},
                                 .refuses_storage_in_trampolines = true};
    struct tier_wish wish = {.probe = probe, .userdata = &kernel};
    struct tier_choice choice = choose(&kernel, true), recalled;

    kernel.asked = 0;
    tier_hope(&wish, &recalled);
    tier_recall(&wish, tier_refused(&choice), tier_remember(&choice), &recalled);
    ck_assert_uint_eq(kernel.asked, 0);
    ck_assert(recalled.wanted == choice.wanted && recalled.tier == choice.tier && recalled.notes == choice.notes);
    tier_forget(&choice);
    tier_forget(&recalled);
}
END_TEST

/* Nothing was found out about the tiers of a layer that was off. */
START_TEST(layer_switched_on_again_is_asked_for_anew)
{
    struct fake_kernel kernel = {};
    struct tier_wish wish = {.probe = probe, .userdata = &kernel};
    struct tier_choice choice = choose(&kernel, false), recalled;

    tier_hope(&wish, &recalled);
    tier_recall(&wish, tier_refused(&choice), tier_remember(&choice), &recalled);
    ck_assert_int_eq(recalled.tier, TIER_TRACEPOINT);
    ck_assert(wants(&recalled, "sock_send_length"));
    tier_forget(&choice);
    tier_forget(&recalled);
}
END_TEST

START_TEST(tiers_have_names)
{
    ck_assert_int_eq(tier_by_name("kprobe"), TIER_KPROBE);
    ck_assert_int_eq(tier_by_name("none"), TIER_NONE);
    ck_assert_int_eq(tier_by_name("nonesuch"), -ENOENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tiers");
    TCase *tcase = tcase_create("tiers");

    tcase_add_test(tcase, hope_needs_no_probe_and_takes_the_best_tier);
    tcase_add_test(tcase, kernel_with_tracepoints_gets_those_alone);
    tcase_add_test(tcase, kernel_without_tracepoints_gets_trampolines);
    tcase_add_test(tcase, trampolines_without_storage_leave_notes);
    tcase_add_test(tcase, kernel_without_trampolines_gets_the_four_kprobes);
    tcase_add_test(tcase, tier_that_lacks_one_needed_program_is_not_used_at_all);
    tcase_add_test(tcase, nothing_known_of_calls_still_counts_and_sweeps);
    tcase_add_test(tcase, required_programs_are_wanted_unasked);
    tcase_add_test(tcase, layer_switched_off_has_no_tier_and_says_so);
    tcase_add_test(tcase, what_was_chosen_is_recalled_without_asking);
    tcase_add_test(tcase, layer_switched_on_again_is_asked_for_anew);
    tcase_add_test(tcase, tiers_have_names);
    suite_add_tcase(suite, tcase);
    return unit_main(suite);
}
