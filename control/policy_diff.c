/* What pdttctl policy apply would change. */
#include "common/cleanup.h"
#include "common/escape.h"
#include "common/log.h"
#include "common/policy_text.h"
#include "control/ask.h"
#include "control/policy.h"

#include <string.h>

enum { DIFFERS = 3 };

/* The name and the words of a policy, sorted by name; both belong to the answer or the file. */
struct named {
    const char *words;
    size_t n_name;
};

static int compare(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    size_t n = x->n_name < y->n_name ? x->n_name : y->n_name;
    int order = memcmp(x->words, y->words, n);

    return order ? order : (x->n_name > y->n_name) - (x->n_name < y->n_name);
}

static void put(struct named *v, size_t *n, const char *words)
{
    if (words)
        v[(*n)++] = (struct named){words, strcspn(words, " ")};
}

/* Of what pdttd has only what was given: the rest no file changes. */
static size_t take_given(const json_t *answer, struct named *v)
{
    const json_t *policies = json_object_get(answer, "policies");
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *policy = json_array_get(policies, i);
        const char *origin = json_string_value(json_object_get(policy, "origin"));

        if (origin && strcmp(origin, "pdttctl") == 0)
            put(v, &n, json_string_value(json_object_get(policy, "words")));
    }
    qsort(v, n, sizeof(*v), compare);
    return n;
}

static size_t take_file(const json_t *words, struct named *v)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(words); i++)
        put(v, &n, json_string_value(json_array_get(words, i)));
    qsort(v, n, sizeof(*v), compare);
    return n;
}

static json_t *compare_lists(const struct named *before, size_t n_before, const struct named *after, size_t n_after)
{
    json_t *removed = json_array(), *added = json_array(), *changed = json_array();
    size_t i = 0, j = 0;

    while (i < n_before || j < n_after) {
        int order = i == n_before ? 1 : j == n_after ? -1 : compare(&before[i], &after[j]);

        if (order < 0)
            json_array_append_new(removed, json_string(before[i].words));
        else if (order > 0)
            json_array_append_new(added, json_string(after[j].words));
        else if (strcmp(before[i].words, after[j].words) != 0)
            json_array_append_new(changed, json_pack("{s:s, s:s}", "before", before[i].words, "after", after[j].words));
        i += order <= 0;
        j += order >= 0;
    }
    return json_pack("{s:o, s:o, s:o}", "removed", removed, "added", added, "changed", changed);
}

/* ---- for people ---- */

static void print_line(const char *sign, const json_t *words)
{
    cleanup_free char *text = escape_terminal(json_string_value(words) ?: "");

    printf("%s %s\n", sign, text ? text : "");
}

static void print_difference(const json_t *d)
{
    const json_t *removed = json_object_get(d, "removed"), *added = json_object_get(d, "added"),
                 *changed = json_object_get(d, "changed");

    for (size_t i = 0; i < json_array_size(removed); i++)
        print_line("-", json_array_get(removed, i));
    for (size_t i = 0; i < json_array_size(changed); i++) {
        print_line("-", json_object_get(json_array_get(changed, i), "before"));
        print_line("+", json_object_get(json_array_get(changed, i), "after"));
    }
    for (size_t i = 0; i < json_array_size(added); i++)
        print_line("+", json_array_get(added, i));
}

static bool is_empty(const json_t *d)
{
    return !json_array_size(json_object_get(d, "removed")) && !json_array_size(json_object_get(d, "added")) &&
           !json_array_size(json_object_get(d, "changed"));
}

static int tell(const struct invocation *in, const json_t *answer, const json_t *words)
{
    cleanup_free struct named *before =
                                  calloc(json_array_size(json_object_get(answer, "policies")) + 1, sizeof(*before)),
                              *after = calloc(json_array_size(words) + 1, sizeof(*after));
    json_t *difference;
    bool same;
    int r;

    if (!before || !after) {
        log_error("%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    size_t n_before = take_given(answer, before), n_after = take_file(words, after);
    difference = compare_lists(before, n_before, after, n_after);
    same = is_empty(difference);
    r = ask_print(in, difference, print_difference);
    return r ? r : same ? EXIT_SUCCESS : DIFFERS;
}

int policy_diff(const struct invocation *in)
{
    json_t *answer = NULL, *words = NULL;
    int r = policy_read_file(in->operands[0], &words);

    if (r == 0)
        r = ask_pdttd(in, "policy list", NULL, &answer);
    if (r == 0)
        r = tell(in, answer, words);
    json_decref(answer);
    json_decref(words);
    return r;
}
