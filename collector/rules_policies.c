/* The units and members that policies mean. */
#include "collector/rules_internal.h"

#include "common/cleanup.h"

#include <string.h>

/* Whether path or a directory above it matches. */
static bool is_within(const char *pattern, const char *path)
{
    cleanup_free char *copy = strdup(path);

    for (char *slash; copy && *copy; *slash = '\0') {
        if (units_matches(pattern, copy))
            return true;
        slash = strrchr(copy, '/');
        if (!slash)
            break;
    }
    return false;
}

int rules_note_policy_unit(struct rules_policy_unit *u, const char *path, uint32_t number, bool *ret_new)
{
    uint32_t *numbers;

    if (!is_within(u->pattern, path))
        return 0;
    for (size_t i = 0; i < u->n; i++)
        if (u->numbers[i] == number)
            return 0;
    numbers = reallocarray(u->numbers, u->n + 1, sizeof(*numbers));
    if (!numbers)
        return -ENOMEM;
    u->numbers = numbers;
    numbers[u->n++] = number;
    *ret_new = true;
    return 0;
}

void rules_free_policy_units(struct rules_policy_unit *units, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(units[i].pattern);
        free(units[i].numbers);
    }
    free(units);
}

int rules_each_unit(const struct rules *r, const char *pattern, int (*fn)(uint32_t unit, void *userdata),
                    void *userdata)
{
    int error = 0;

    for (size_t i = 0; i < r->n_policy_units; i++)
        for (size_t k = 0; k < r->policy_units[i].n && error == 0 && strcmp(r->policy_units[i].pattern, pattern) == 0;
             k++)
            error = fn(r->policy_units[i].numbers[k], userdata);
    return error;
}

bool rules_policy_units_changed(struct rules *r)
{
    bool changed = r->policy_units_changed;

    r->policy_units_changed = false;
    return changed;
}

int rules_each_member(const struct rules *r, projects_member_fn fn, void *userdata)
{
    return projects_each_member(r->projects, fn, userdata);
}

static bool same_policy_units(const struct rules *r, const char *const *patterns, size_t n)
{
    bool same = r->n_policy_units == n;

    for (size_t i = 0; i < n && same; i++)
        same = strcmp(r->policy_units[i].pattern, patterns[i]) == 0;
    return same;
}

int rules_follow_policy_units(struct rules *r, const char *const *patterns, size_t n)
{
    struct rules_policy_unit *units, *before = r->policy_units;
    size_t n_before = r->n_policy_units, n_all = 0;
    const char **all;
    bool copied = true;

    if (same_policy_units(r, patterns, n))
        return 0;
    units = calloc(n + 1, sizeof(*units));
    for (size_t i = 0; units && i < n; i++)
        copied &= (units[i].pattern = strdup(patterns[i])) != NULL;
    all = units && copied ? rules_list_patterns(r->projects, units, n, &n_all) : NULL;
    if (!all) {
        rules_free_policy_units(units, units ? n : 0);
        return -ENOMEM;
    }
    r->policy_units = units;
    r->n_policy_units = n;
    rules_use_patterns(r, all, n_all);
    rules_free_policy_units(before, n_before);
    return 0;
}
