/*
 * Any bytes as a name: what each output format makes of them is harmless, has one line, and two names never look the same.
 */
#include "common/escape.h"
#include "tests/fuzz/fuzz.h"

static void require_one_line(const char *text)
{
    assert(text);
    require_harmless(text);
    assert(!strchr(text, '\n') && !strchr(text, '\t'));
}

/* A spreadsheet runs what begins like this. */
static void require_no_formula(const char *text)
{
    const char *first = text + (*text == '"');

    assert(!*first || !strchr("=+-@", *first));
}

/* RFC 4180: a quote stands doubled within a quoted field, or there is none. */
static void require_field(const char *text)
{
    size_t n = strlen(text);

    if (*text != '"') {
        assert(!strpbrk(text, "\",;"));
        return;
    }
    assert(n >= 2 && text[n - 1] == '"');
    for (size_t i = 1; i < n - 1; i++)
        if (text[i] == '"')
            assert(text[++i] == '"' && i < n - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    cleanup_free char *one = take_text(&in), *other = take_text(&in);
    cleanup_free char *terminal = escape_terminal(one), *other_terminal = escape_terminal(other);
    cleanup_free char *csv = escape_csv(one), *tsv = escape_tsv(one), *utf8 = escape_utf8(one);

    require_one_line(terminal);
    require_one_line(other_terminal);
    assert((strcmp(one, other) == 0) == (strcmp(terminal, other_terminal) == 0));
    require_one_line(csv);
    require_no_formula(csv);
    require_field(csv);
    require_one_line(tsv);
    require_no_formula(tsv);
    assert(utf8);
    for (const unsigned char *p = (const unsigned char *)utf8; *p;) {
        uint32_t code;
        size_t n = take_character(p, &code);
        assert(n > 0);
        p += n;
    }
    return 0;
}
