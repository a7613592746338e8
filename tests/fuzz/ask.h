/* One report over the pattern's copy, and what must hold of whatever it printed. */
#pragma once

#include "report/report.h"
#include "tests/fuzz/pattern.h"

#include <jansson.h>

/* What report_write() made of these options; NULL where it failed. */
static inline char *ask_page(struct store *s, const struct calendar *cal, const struct report_options *o)
{
    cleanup_free char *why = NULL;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int r;

    assert(out);
    r = report_write(s, cal, PLACE_NOW, o, out, &why);
    assert(fclose(out) == 0);
    if (r >= 0)
        return text;
    free(text);
    if (why) /* a log escapes it; it is one line of bytes */
        assert(*why);
    return NULL;
}

static inline void ask(struct store *s, const struct calendar *cal, const struct report_options *o)
{
    cleanup_free char *text = ask_page(s, cal, o);

    if (!text)
        return;
    require_harmless(text);
    if (o->output == &output_json) {
        json_t *root = json_loads(text, 0, NULL);
        assert(root);
        json_decref(root);
    }
}

/* The arguments must outlive the options. -1 where they are refused. */
static inline int ask_with(struct store *s, const struct calendar *cal, int argc, char **argv)
{
    const struct report_environment environment = {.database = place_path};
    struct report_options o;
    int r = report_options_parse(argc, argv, &environment, &o);

    if (r == 0 && !o.help && !o.version && !o.live)
        ask(s, cal, &o);
    report_options_done(&o);
    return r;
}
