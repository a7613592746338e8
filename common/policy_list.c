/* Policies as things that are owned: one, and a list of them. */
#include "common/policy_text.h"

#include "common/cleanup.h"

#include <string.h>

void policy_done(struct policy *policy)
{
    free(policy->user);
    free(policy->group);
    free(policy->project);
    free(policy->class_name);
    free(policy->unit);
    free(policy->when_allocation);
    *policy = (struct policy){.protocol = -1};
}

/* Replaces a borrowed text by a copy; true if memory was there. */
static bool own(char **text)
{
    return !*text || (*text = strdup(*text));
}

int policy_copy(const struct policy *policy, struct policy *ret)
{
    struct policy copy = *policy;
    char **texts[] = {&copy.user, &copy.group, &copy.project, &copy.class_name, &copy.unit, &copy.when_allocation};
    bool all = true;

    /* All are tried, so that none is still borrowed when policy_done() frees them. */
    for (size_t i = 0; i < array_length(texts); i++)
        all = own(texts[i]) && all;
    if (!all) {
        policy_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

struct policy *policy_list_find(const struct policy_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i].name, name) == 0)
            return &list->v[i];
    return NULL;
}

static int make_room(struct policy_list *list)
{
    size_t capacity = list->capacity ? list->capacity * 2 : 16;
    struct policy *v;

    if (list->n < list->capacity)
        return 0;
    if (list->n >= POLICIES_MAX)
        return -E2BIG;
    v = reallocarray(list->v, capacity, sizeof(*v));
    if (!v)
        return -ENOMEM;
    list->v = v;
    list->capacity = capacity;
    return 0;
}

int policy_list_add(struct policy_list *list, struct policy *policy)
{
    int r = make_room(list);

    if (r < 0)
        policy_done(policy);
    else
        list->v[list->n++] = *policy;
    return r;
}

void policy_list_remove(struct policy_list *list, const char *name)
{
    struct policy *policy = policy_list_find(list, name);
    size_t i = policy ? (size_t)(policy - list->v) : 0;

    if (!policy)
        return;
    policy_done(policy);
    memmove(policy, policy + 1, (list->n - i - 1) * sizeof(*policy));
    list->n--;
}

int policy_list_copy(const struct policy_list *list, struct policy_list *ret)
{
    struct policy_list copy = {.v = calloc(list->n ? list->n : 1, sizeof(*copy.v)), .capacity = list->n ? list->n : 1};

    if (!copy.v)
        return -ENOMEM;
    for (; copy.n < list->n; copy.n++)
        if (policy_copy(&list->v[copy.n], &copy.v[copy.n]) < 0) {
            policy_list_done(&copy);
            return -ENOMEM;
        }
    *ret = copy;
    return 0;
}

void policy_list_done(struct policy_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        policy_done(&list->v[i]);
    free(list->v);
    *list = (struct policy_list){0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const struct policy *const *)a)->name, (*(const struct policy *const *)b)->name);
}

const struct policy **policy_list_by_name(const struct policy_list *list)
{
    const struct policy **sorted = calloc(list->n ? list->n : 1, sizeof(*sorted));

    for (size_t i = 0; sorted && i < list->n; i++)
        sorted[i] = &list->v[i];
    if (sorted && list->n)
        qsort(sorted, list->n, sizeof(*sorted), compare_names);
    return sorted;
}

int policy_list_find_twice(const struct policy_list *list, const char **ret_name)
{
    cleanup_free const struct policy **sorted = policy_list_by_name(list);

    *ret_name = NULL;
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 1; i < list->n && !*ret_name; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            *ret_name = sorted[i]->name;
    return 0;
}
