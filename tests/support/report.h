/* Runs pdtt-report without its main() over the database of store.h, and reads what it wrote. */
#pragma once

#include "report/report.h"
#include "tests/support/store.h"

#include <jansson.h>

enum { REPORT_MOST_WORDS = 24 };

struct asked {
    struct store *store;
    const struct calendar *cal;
    int64_t now_sec;
};

/* Runs "pdtt-report LINE", split at blanks, and returns what it wrote; *ret_r is the result, *ret_why what it said. */
static inline char *asked_text(const struct asked *a, const char *line, int *ret_r, char **ret_why)
{
    char *argv[REPORT_MOST_WORDS + 2] = {(char *)"pdtt-report"}, *words = strdup(line), *text = NULL, *rest = NULL;
    int argc = 1;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct report_options o;

    for (char *word = strtok_r(words, " ", &rest); word && argc <= REPORT_MOST_WORDS; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    ck_assert_int_eq(report_options_parse(argc, argv, &(struct report_environment){.database = place_path}, &o), 0);
    *ret_why = NULL;
    *ret_r = o.live ? live_run(a->store, a->cal, &o, out, ret_why)
                    : report_write(a->store, a->cal, a->now_sec, &o, out, ret_why);
    report_options_done(&o);
    fclose(out);
    free(words);
    return text;
}

/* The same, which must succeed. */
static inline char *asked_page(const struct asked *a, const char *line)
{
    cleanup_free char *why = NULL;
    int r;
    char *text = asked_text(a, line, &r, &why);

    ck_assert_msg(r >= 0, "%s: %s", line, why ? why : "?");
    return text;
}

static inline json_t *asked_json(const struct asked *a, const char *line)
{
    cleanup_free char *full = NULL, *text = NULL;
    json_t *root;

    ck_assert_int_ge(asprintf(&full, "-f json %s", line), 0);
    text = asked_page(a, full);
    root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

static inline int64_t json_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static inline const char *json_text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* It must fail with error, say part and write nothing. */
static inline void asked_failure(const struct asked *a, const char *line, int error, const char *part)
{
    cleanup_free char *why = NULL, *text = NULL;
    int r;

    text = asked_text(a, line, &r, &why);
    ck_assert_int_eq(r, error);
    ck_assert_msg(why && strstr(why, part), "\"%s\" does not say \"%s\"", why ? why : "", part);
    ck_assert_str_eq(text, "");
}
