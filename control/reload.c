#include "common/cleanup.h"
#include "common/escape.h"
#include "common/json_text.h"
#include "control/ask.h"
#include "control/connection.h"
#include "control/policy.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* longer values are lists, of which nobody sees the difference in a line */

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? value : "";
}

static void print_change(const json_t *change)
{
    cleanup_free char *before = escape_terminal(text(change, "before")),
                      *after = escape_terminal(text(change, "after")),
                      *origin = escape_terminal(text(change, "origin"));

    if (!before || !after || !origin)
        return;
    printf("  %s: ", text(change, "key"));
    if (strcmp(before, after) == 0)
        printf("what its files hold changed");
    else if (strlen(before) + strlen(after) > SHOWN_MAX)
        printf("changed");
    else
        printf("%s -> %s", before, after);
    printf(" (%s)\n", *origin ? origin : "the default again");
}

static void print_reloaded(const json_t *answer)
{
    const json_t *changes = json_object_get(answer, "changes");
    cleanup_free char *path = escape_terminal(text(answer, "configuration"));
    size_t n = json_array_size(changes);

    printf("%s read again: ", path && *path ? path : "the built-in defaults");
    if (n == 0)
        printf("nothing changed\n");
    else
        printf("%zu key%s changed\n", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++)
        print_change(json_array_get(changes, i));
    policy_print_connection(answer);
}

int command_reload(const struct invocation *in)
{
    cleanup_free char *connection = connection_find(), *argument = NULL, *request = NULL;
    json_t *named = connection ? json_pack("{s:o}", "connection", json_text_or_null(connection)) : NULL, *answer;
    int r;

    argument = named ? json_dumps(named, JSON_COMPACT) : NULL;
    json_decref(named);
    if ((connection && !argument) ||
        asprintf(&request, "reload%s%s", argument ? " " : "", argument ? argument : "") < 0)
        return -ENOMEM;
    r = ask_pdttd(in, request, NULL, &answer);

    return r < 0 ? r : ask_print(in, answer, print_reloaded);
}
