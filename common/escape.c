#include "common/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest replacement is \UNNNNNNNN; it stands for at least three bytes, \xNN for one. */
enum { WORST_GROWTH = 4 };

struct range {
    uint32_t first, last;
};

/*
 * Printable or not is asked of this table and not of iswprint(), whose answer depends on the locale: the same name must
 * look the same in every report. Listed is what moves the cursor, reverses the order of text or takes no space and so
 * hides.
 */
static const struct range unprintable[] = {
    {0x0000, 0x001f},   /* C0 controls */
    {0x007f, 0x009f},   /* DEL, C1 controls: U+009B is CSI to many terminals */
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200f},   /* zero width space and joiners, directional marks */
    {0x2028, 0x202e},   /* line and paragraph separator, bidirectional embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, bidirectional isolates */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotation */
    {0xe0000, 0xe0fff}, /* tags and variation selectors, invisible */
};

static bool is_unprintable(uint32_t c)
{
    for (size_t i = 0; i < sizeof(unprintable) / sizeof(unprintable[0]); i++)
        if (c >= unprintable[i].first && c <= unprintable[i].last)
            return true;
    return false;
}

/*
 * Length of the UTF-8 sequence at s (RFC 3629), 0 if there is none: overlong forms, surrogates and what lies above
 * U+10FFFF are refused. Never reads past the terminating NUL, because NUL is not a continuation byte.
 */
static size_t decode(const unsigned char *s, uint32_t *ret_char)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
    uint32_t c = length == 1 ? s[0] : length ? s[0] & (0x7fu >> length) : 0;

    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (length == 0 || c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret_char = c;
    return length;
}

/* Writes the harmless form of the character at *s, advances *s and returns the new end of out. */
static char *put_harmless(char *out, const unsigned char **s)
{
    uint32_t c;
    size_t length = decode(*s, &c);

    if (length == 0) {
        out += sprintf(out, "\\x%02x", **s);
        length = 1;
    } else if (c == '\\') {
        out = stpcpy(out, "\\\\");
    } else if (is_unprintable(c)) {
        out += sprintf(out, c < 0x80 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
    } else {
        out = mempcpy(out, *s, length);
    }
    *s += length;
    return out;
}

char *escape_terminal(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    char *ret = malloc(strlen(text) * WORST_GROWTH + 1);
    char *out = ret;

    if (!ret)
        return NULL;
    while (*s)
        out = put_harmless(out, &s);
    *out = '\0';
    return ret;
}

/* https://owasp.org/www-community/attacks/CSV_Injection: the full-width forms too, which East Asian editions take for
 * the same. */
static bool is_formula(const char *text)
{
    static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"};

    if (*text && strchr("=+-@\t\r\n", *text))
        return true;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (strncmp(text, wide[i], strlen(wide[i])) == 0)
            return true;
    return false;
}

/* As escape_terminal(), with an apostrophe in front of what a spreadsheet would run. */
static char *escape_cell(const char *text)
{
    char *harmless = escape_terminal(text);
    char *ret;

    if (!harmless || !is_formula(text))
        return harmless;
    if (asprintf(&ret, "'%s", harmless) < 0)
        ret = NULL;
    free(harmless);
    return ret;
}

static bool needs_quotes(const char *cell)
{
    size_t length = strlen(cell);

    /* Semicolons: what many European editions of spreadsheets split lines at. */
    return length > 0 && (strpbrk(cell, "\",;") || cell[0] == ' ' || cell[length - 1] == ' ');
}

char *escape_csv(const char *text)
{
    char *cell = escape_cell(text);
    char *ret, *out;

    if (!cell || !needs_quotes(cell))
        return cell;
    ret = out = malloc(strlen(cell) * 2 + 3);
    if (ret) {
        *out++ = '"';
        for (const char *s = cell; *s; s++) {
            if (*s == '"')
                *out++ = '"';
            *out++ = *s;
        }
        strcpy(out, "\"");
    }
    free(cell);
    return ret;
}

/* A spreadsheet takes a leading quote for its own quoting, and what follows for the cell. */
char *escape_tsv(const char *text)
{
    char *cell, *ret;

    if (*text != '"')
        return escape_cell(text);
    cell = escape_terminal(text);
    if (!cell || asprintf(&ret, "'%s", cell) < 0)
        ret = NULL;
    free(cell);
    return ret;
}

char *escape_utf8(const char *text)
{
    static const char replacement[] = "\uFFFD";
    char *ret = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
    char *out = ret;

    if (!ret)
        return NULL;
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        uint32_t c;
        size_t length = decode(s, &c);

        out = length ? mempcpy(out, s, length) : stpcpy(out, replacement);
        s += length ? length : 1;
    }
    *out = '\0';
    return ret;
}

/* Behind the first character of a pair of surrogates comes the second (RFC 8259, section 7). */
static char *put_json_number(char *out, uint32_t c)
{
    if (c < 0x10000)
        return out + sprintf(out, "\\u%04x", (unsigned)c);
    c -= 0x10000;
    return out + sprintf(out, "\\u%04x\\u%04x", 0xd800u + (unsigned)(c >> 10), 0xdc00u + (unsigned)(c & 0x3ff));
}

char *escape_json(const char *document)
{
    enum { LONGEST = 6 }; /* of one byte: DEL; twelve stand for four */
    char *ret = malloc(strlen(document) * LONGEST + 1);
    char *out = ret;

    if (!ret)
        return NULL;
    for (const unsigned char *s = (const unsigned char *)document; *s;) {
        if ((*s >= ' ' && *s < 0x7f) || *s == '\n') { /* nearly all there is */
            *out++ = (char)*s++;
            continue;
        }
        uint32_t c = 0xfffd;
        size_t length = decode(s, &c);

        if (length == 0 || is_unprintable(c))
            out = put_json_number(out, c);
        else
            out = mempcpy(out, s, length);
        s += length ? length : 1;
    }
    *out = '\0';
    return ret;
}
