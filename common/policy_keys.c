/* The keys of a policy: one row each, with how its values are read and written. */
#include "common/policy_text.h"

#include "common/cleanup.h"
#include "common/escape.h"
#include "common/policy_values.h"
#include "common/units.h"

#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

enum { NAMES_MAX = 255, UNIT_MAX = 1023 }; /* bytes */
enum { LEAST_LAPSE_SEC = 5, MOST_LAPSE_SEC = 30 * 86400 };

#define SAY(...)  (snprintf(buf, POLICY_WHY_MAX, __VA_ARGS__), buf)
#define NO_MEMORY "cannot be kept: out of memory"

/* ---- values ---- */

const char *policy_name_fault(const char *name)
{
    size_t n = strlen(name);

    if (n == 0)
        return "is empty; give the policy a name";
    if (n >= POLICY_NAME_SIZE)
        return "is longer than 63 bytes; choose a shorter name";
    if (!isalnum((unsigned char)*name))
        return "does not begin with a letter or digit; names of letters, digits, - _ and . do";
    for (const char *p = name; *p; p++)
        if (!isascii((unsigned char)*p) || (!isalnum((unsigned char)*p) && !strchr("-_.", *p)))
            return "holds something else than letters, digits, - _ and .; leave it out";
    return NULL;
}

static const char *read_name(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    const char *fault = policy_name_fault(value);

    if (!fault)
        strcpy(target, value);
    return fault;
}

static const char *const action_words[] = {
    [POLICY_ALLOW] = "allow",
    [POLICY_BLOCK] = "block",
    [POLICY_LIMIT] = "limit",
    [POLICY_OBSERVE] = "observe",
};
static const char *const direction_words[] = {[POLICY_BOTH] = "both", [POLICY_IN] = "in", [POLICY_OUT] = "out"};

const char *policy_action_word(enum policy_action action)
{
    return action_words[action];
}

/* The position, -1: none of them. */
static int find_word(const char *value, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(value, words[i]) == 0)
            return (int)i;
    return -1;
}

static const char *read_action(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    int word = find_word(value, action_words, array_length(action_words));

    if (word < 0)
        return SAY("is no action; write allow, block, limit or observe");
    *(enum policy_action *)target = (enum policy_action)word;
    return NULL;
}

static void write_action(FILE *out, const void *member, const struct policy *policy)
{
    fputs(action_words[policy->action], out);
}

static const char *read_direction(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    int word = find_word(value, direction_words, array_length(direction_words));

    if (word < 0)
        return SAY("is no direction; write in, out or both");
    *(enum policy_direction *)target = (enum policy_direction)word;
    return NULL;
}

static void write_direction(FILE *out, const void *member, const struct policy *policy)
{
    if (policy->direction != POLICY_BOTH)
        fputs(direction_words[policy->direction], out);
}

static const char *read_network(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return policy_read_network(value, target, buf);
}

static void write_network(FILE *out, const void *member, const struct policy *policy)
{
    if (((const struct policy_network *)member)->family)
        policy_write_network(out, member);
}

static const char *read_ports(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return policy_read_ports(value, target, buf);
}

bool policy_any_port(const struct policy_ports *ports)
{
    return ports->first == 0 && ports->last == UINT16_MAX;
}

static void write_ports(FILE *out, const void *member, const struct policy *policy)
{
    if (!policy_any_port(member))
        policy_write_ports(out, member);
}

static const char *read_protocol(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return policy_read_protocol(value, target, buf);
}

static void write_protocol(FILE *out, const void *member, const struct policy *policy)
{
    if (policy->protocol >= 0)
        policy_write_protocol(out, policy->protocol);
}

static const char *keep_text(char **target, const char *value, size_t most, char buf[static POLICY_WHY_MAX])
{
    cleanup_free char *valid = escape_utf8(value);

    if (!*value)
        return SAY("is empty; leave the key out where any will do");
    if (strlen(value) > most)
        return SAY("is longer than %zu bytes; is it meant?", most);
    for (const char *p = value; *p; p++)
        if (iscntrl((unsigned char)*p))
            return SAY("holds a control character; remove it");
    if (!valid)
        return SAY(NO_MEMORY);
    if (strcmp(valid, value) != 0)
        return SAY("holds bytes that are no UTF-8; give the number instead of the name");
    free(*target);
    *target = take_ptr(valid);
    return NULL;
}

static const char *read_text(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return keep_text(target, value, NAMES_MAX, buf);
}

static const char *read_unit(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return keep_text(target, value, UNIT_MAX, buf);
}

static void write_text(FILE *out, const void *member, const struct policy *policy)
{
    const char *text = *(char *const *)member;

    if (text)
        fputs(text, out);
}

static const char *read_priority(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    uint64_t number;

    if (!policy_read_number(value, UINT16_MAX, &number))
        return SAY("is no priority; write 0 to 65535, the higher goes first");
    *(uint32_t *)target = (uint32_t)number;
    return NULL;
}

static void write_priority(FILE *out, const void *member, const struct policy *policy)
{
    if (policy->priority)
        fprintf(out, "%u", policy->priority);
}

static const char *read_rate(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return policy_read_rate(value, target, buf);
}

static void write_rate(FILE *out, const void *member, const struct policy *policy)
{
    if (policy->action == POLICY_LIMIT)
        policy_write_rate(out, policy->rate);
}

/*
 * What passes at once after a pause: at least one super-packet. What comes in too fast can only be dropped, and TCP that lost all
 * of a window waits for its timer of 200 ms: what it may send afterwards must not have run over meanwhile, or it has half its rate.
 */
enum { MIN_BURST = 1 << 16, LEAST_BURST = 1 << 14 };

uint64_t policy_default_burst(const struct policy *policy)
{
    uint64_t burst = policy->direction == POLICY_OUT ? policy->rate / 10 : policy->rate / 5 * 2;

    return burst > MIN_BURST ? burst : MIN_BURST;
}

static const char *read_burst(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    int64_t bytes;

    if (units_parse_size(value, &bytes) < 0)
        return SAY("is not a size; write one like \"1 MiB\"");
    if (bytes < LEAST_BURST || bytes > INT64_C(1) << 30)
        return SAY("is outside 16 KiB to 1 GiB; leave the key out for what a limit needs");
    *(uint64_t *)target = (uint64_t)bytes;
    return NULL;
}

static void write_burst(FILE *out, const void *member, const struct policy *policy)
{
    uint64_t burst = policy->burst;

    if (policy->action != POLICY_LIMIT || burst == policy_default_burst(policy))
        return;
    if (burst % (1 << 20) == 0)
        fprintf(out, "%lluMiB", (unsigned long long)burst >> 20);
    else if (burst % (1 << 10) == 0)
        fprintf(out, "%lluKiB", (unsigned long long)burst >> 10);
    else
        fprintf(out, "%llu", (unsigned long long)burst);
}

/* target is the whole policy, of which it is two members. */
static const char *read_when(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    struct policy *policy = target;
    const char *whose = NULL, *fault;
    unsigned percent;
    char *copy = NULL;

    fault = policy_read_when(value, &percent, &whose, buf);
    if (fault)
        return fault;
    if (whose && !(copy = strdup(whose)))
        return SAY(NO_MEMORY);
    free(policy->when_allocation);
    policy->when_allocation = copy;
    policy->when_percent = percent;
    return NULL;
}

static void write_when(FILE *out, const void *member, const struct policy *policy)
{
    if (!policy->when_percent)
        return;
    fprintf(out, "allocation of %s ", policy->when_allocation);
    if (policy->when_percent == 100)
        fputs("exceeded", out);
    else
        fprintf(out, "over %u %%", policy->when_percent);
}

const char *policy_read_lapse(const char *text, uint32_t *ret_sec)
{
    int64_t sec;

    if (strcmp(text, "never") == 0) {
        *ret_sec = POLICY_LAPSE_NEVER;
        return NULL;
    }
    if (units_parse_duration(text, &sec) < 0 || sec < LEAST_LAPSE_SEC || sec > MOST_LAPSE_SEC)
        return "is not 5s to 30d; write one like \"5min\", or \"never\"";
    *ret_sec = (uint32_t)sec;
    return NULL;
}

uint32_t policy_lapse_sec(const struct policy *policy, const struct policy_lapses *lapses)
{
    if (policy->lapse_sec)
        return policy->lapse_sec;
    if (policy->action != POLICY_BLOCK && policy->action != POLICY_LIMIT)
        return POLICY_LAPSE_NEVER;
    return policy->when_percent ? lapses->when_sec : lapses->others_sec;
}

static const char *read_lapse(void *target, const char *value, char buf[static POLICY_WHY_MAX])
{
    return policy_read_lapse(value, target);
}

static void write_lapse(FILE *out, const void *member, const struct policy *policy)
{
    static const struct {
        uint32_t sec;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;

    if (!policy->lapse_sec)
        return;
    if (policy->lapse_sec == POLICY_LAPSE_NEVER) {
        fputs("never", out);
        return;
    }
    while (policy->lapse_sec % units[i].sec)
        i++;
    fprintf(out, "%u%s", policy->lapse_sec / units[i].sec, units[i].name);
}

/* ---- the table ---- */

#define AT(member) offsetof(struct policy, member)

const struct policy_key policy_keys[] = {
    {"name", "letters, digits, - _ and .", AT(name), read_name, NULL},
    {"action", "allow, block, limit or observe", AT(action), read_action, write_action},
    {"direction", "in, out or both", AT(direction), read_direction, write_direction},
    {"remote", "a network or address of the other end", AT(remote), read_network, write_network},
    {"remote_ports", "22 or 1024-65535", AT(remote_ports), read_ports, write_ports},
    {"local", "a network or address of this host", AT(local), read_network, write_network},
    {"local_ports", "22 or 1024-65535", AT(local_ports), read_ports, write_ports},
    {"protocol", "tcp, udp, icmp, icmp6, ... or a number", AT(protocol), read_protocol, write_protocol},
    {"user", "name or number", AT(user), read_text, write_text},
    {"group", "name or number", AT(group), read_text, write_text},
    {"project", "name", AT(project), read_text, write_text},
    {"class", "name", AT(class_name), read_text, write_text},
    {"unit", "path or glob of a cgroup", AT(unit), read_unit, write_text},
    {"priority", "0 to 65535, the higher goes first", AT(priority), read_priority, write_priority},
    {"rate", "of action=limit: 200 Mbit/s, 25 MB/s", AT(rate), read_rate, write_rate},
    {"burst", "of action=limit: 1 MiB", AT(burst), read_burst, write_burst},
    {"when", "allocation exceeded, allocation of project over 80 %", 0, read_when, write_when},
    {"lapse", "of block and limit: how long it stays without pdttd, 5min, or never", AT(lapse_sec), read_lapse,
     write_lapse},
};

const size_t policy_n_keys = array_length(policy_keys);

const char *policy_key_name(size_t i)
{
    return i < policy_n_keys ? policy_keys[i].name : NULL;
}

const char *policy_key_values(size_t i)
{
    return policy_keys[i].values;
}

char *policy_key_value(size_t i, const struct policy *policy)
{
    char *text = NULL;
    size_t size;
    FILE *out;

    if (!policy_keys[i].write)
        return strdup(policy->name);
    out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    policy_keys[i].write(out, (const char *)policy + policy_keys[i].offset, policy);
    if (fclose(out) != 0 || size == 0) {
        free(text);
        return NULL;
    }
    return text;
}
