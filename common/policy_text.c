#include "common/policy_text.h"

#include "common/cleanup.h"
#include "common/options.h"
#include "common/policy_values.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

static int find_key(const char *name)
{
    for (size_t i = 0; i < policy_n_keys; i++)
        if (strcmp(policy_keys[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Whether that key was given. */
static bool is_given(const struct policy_words *w, const char *key)
{
    return w->given & 1u << find_key(key);
}

void policy_begin(struct policy_words *w)
{
    *w = (struct policy_words){
        .policy = {.remote_ports = {0, UINT16_MAX}, .local_ports = {0, UINT16_MAX}, .protocol = -1},
    };
}

void policy_words_done(struct policy_words *w)
{
    policy_done(&w->policy);
}

static int refuse(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int refuse(char **ret_why, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    return *ret_why ? error : -ENOMEM;
}

static int refuse_unknown(const char *key, char **ret_why)
{
    const char *names[POLICY_KEYS_MAX], *nearest;

    for (size_t i = 0; i < policy_n_keys; i++)
        names[i] = policy_keys[i].name;
    nearest = options_nearest(key, names, policy_n_keys);
    if (nearest)
        return refuse(ret_why, -ENOENT, "is an unknown key; did you mean '%s'?", nearest);
    return refuse(ret_why, -ENOENT, "is an unknown key; pdttctl policy --help lists those there are");
}

int policy_take(struct policy_words *w, const char *key, const char *value, char **ret_why)
{
    char buf[POLICY_WHY_MAX];
    const char *fault;
    int i = find_key(key);

    *ret_why = NULL;
    if (i < 0)
        return refuse_unknown(key, ret_why);
    if (w->given & 1u << i)
        return refuse(ret_why, -EEXIST, "is the second '%s'; remove one of them", key);
    fault = policy_keys[i].read((char *)&w->policy + policy_keys[i].offset, value, buf);
    if (fault)
        return refuse(ret_why, -EINVAL, "%s", fault);
    w->given |= 1u << i;
    return 0;
}

/* ---- the whole ---- */

static bool has_ports(int protocol)
{
    return protocol < 0 || protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static const char *check_action(const struct policy_words *w, const char **ret_key)
{
    bool limit = w->policy.action == POLICY_LIMIT, rate = is_given(w, "rate"), burst = is_given(w, "burst");

    *ret_key = "action";
    if (!is_given(w, "action"))
        return "is missing; write action = allow, block, limit or observe";
    if (limit && !rate)
        return "needs a rate; add one, such as rate = \"200 Mbit/s\"";
    *ret_key = rate ? "rate" : "burst";
    if (!limit && (rate || burst))
        return "belongs to the action limit alone; remove it, or write action = limit";
    *ret_key = "lapse";
    if (!limit && w->policy.action != POLICY_BLOCK && is_given(w, "lapse"))
        return "belongs to the actions block and limit alone, since the others hold nothing up; remove it";
    return NULL;
}

/* What could never match is a mistake. */
static const char *check_match(const struct policy *p, const char **ret_key)
{
    int family = p->remote.family ? p->remote.family : p->local.family;

    *ret_key = "local";
    if (p->remote.family && p->local.family && p->remote.family != p->local.family)
        return "is of another family than remote, so nothing would match; write both as IPv4 or as IPv6";
    *ret_key = policy_any_port(&p->remote_ports) ? "local_ports" : "remote_ports";
    if (!has_ports(p->protocol) && !(policy_any_port(&p->remote_ports) && policy_any_port(&p->local_ports)))
        return "is given with a protocol that has no ports, so nothing would match; remove one of the two";
    *ret_key = "protocol";
    if ((p->protocol == IPPROTO_ICMP && family == AF_INET6) || (p->protocol == IPPROTO_ICMPV6 && family == AF_INET))
        return "is not of the family of the networks, so nothing would match; IPv4 has icmp, IPv6 has icmp6";
    return NULL;
}

/* Whose allocation: of the user or project that is named, where only one is. */
static const char *check_when(struct policy *p, const char **ret_key, bool *ret_no_memory)
{
    *ret_key = "when";
    if (!p->when_percent)
        return NULL;
    if (!p->when_allocation) {
        if (!p->user == !p->project)
            return "does not say whose allocation; name a user or a project, or write \"allocation of project ...\"";
        p->when_allocation = strdup(p->user ? "user" : "project");
        *ret_no_memory = !p->when_allocation;
        return NULL;
    }
    if (!(strcmp(p->when_allocation, "user") == 0 ? p->user : p->project))
        return strcmp(p->when_allocation, "user") == 0 ? "is about a user, and the policy names none; add user"
                                                       : "is about a project, and the policy names none; add project";
    return NULL;
}

int policy_finish(struct policy_words *w, const char **ret_key, char **ret_why)
{
    const char *fault = NULL;
    bool no_memory = false;

    *ret_why = NULL;
    *ret_key = "name";
    if (!is_given(w, "name"))
        fault = "is missing; give the policy a name";
    if (!fault)
        fault = check_action(w, ret_key);
    if (!fault)
        fault = check_match(&w->policy, ret_key);
    if (!fault)
        fault = check_when(&w->policy, ret_key, &no_memory);
    if (no_memory)
        return -ENOMEM;
    if (fault)
        return refuse(ret_why, -EINVAL, "%s", fault);
    if (w->policy.action == POLICY_LIMIT && !w->policy.burst)
        w->policy.burst = policy_default_burst(&w->policy);
    return 0;
}
