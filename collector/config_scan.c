#include "collector/config_scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '*' || c == '_';
}
static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '*' || c == '_' || c == '-';
}
static bool is_digit(char c)
{
    return isdigit((unsigned char)c) != 0;
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : 99;
}

/* Whether the digits fit into an int, or for "L" into 64 bits; libconfig would take what is left of them. */
static bool digits_fit(const char *digits, size_t n, int base, bool is_long, bool negative)
{
    uint64_t limit = (is_long ? (uint64_t)INT64_MAX : (uint64_t)INT_MAX) + negative;
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t digit = (uint64_t)digit_value(digits[i]);
        if (value > (limit - digit) / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + digit;
    }
    return true;
}

/* p is at a digit or at a sign before one. Returns where the number ends; *ret_fits is true for floating point. */
static const char *scan_number(const char *p, const char *end, bool *ret_fits)
{
    bool negative = *p == '-';
    p += *p == '-' || *p == '+';
    int base = end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? 16 : 10;
    const char *digits = base == 16 ? p + 2 : p;

    for (p = digits; p < end && digit_value(*p) < base; p++)
        ;
    bool is_float = base == 10 && p < end && (*p == '.' || *p == 'e' || *p == 'E');
    bool is_long = p < end && *p == 'L';
    *ret_fits = is_float || digits_fit(digits, (size_t)(p - digits), base, is_long, negative);
    while (p < end && (is_word(*p) || *p == '.' || *p == '+'))
        p++;
    return p;
}

/* Returns where the string or comment ends, or the end of the line when it goes on. */
static const char *scan_open(struct config_scan *scan, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (scan->state == CONFIG_SCAN_STRING && *p == '\\') {
            p += p + 1 < end;
        } else if (scan->state == CONFIG_SCAN_STRING && *p == '"') {
            scan->state = CONFIG_SCAN_CODE;
            return p + 1;
        } else if (scan->state == CONFIG_SCAN_COMMENT && *p == '*' && p + 1 < end && p[1] == '/') {
            scan->state = CONFIG_SCAN_CODE;
            return p + 2;
        }
    }
    return end;
}

/* One token of code; NULL when a number does not fit. */
static const char *scan_code(struct config_scan *scan, const char *p, const char *end, unsigned line_number)
{
    bool two = p + 1 < end;

    if (*p == '#' || (two && p[0] == '/' && p[1] == '/'))
        return end;
    if (*p == '"' || (two && p[0] == '/' && p[1] == '*')) {
        scan->state = *p == '"' ? CONFIG_SCAN_STRING : CONFIG_SCAN_COMMENT;
        scan->opened_line = line_number;
        return p + (*p == '"' ? 1 : 2);
    }
    if (is_word_start(*p)) {
        for (scan->key = p; p < end && is_word(*p); p++)
            ;
        scan->key_len = (size_t)(p - scan->key);
        return p;
    }
    if (is_digit(*p) || (two && (*p == '-' || *p == '+') && is_digit(p[1]))) {
        bool fits;
        const char *after = scan_number(p, end, &fits);
        scan->number = p;
        scan->number_len = (size_t)(after - p);
        return fits ? after : NULL;
    }
    return p + 1;
}

int config_scan_line(struct config_scan *scan, const char *line, size_t n, unsigned line_number)
{
    const char *p = line, *end = line + n;

    while (p < end) {
        p = scan->state == CONFIG_SCAN_CODE ? scan_code(scan, p, end, line_number) : scan_open(scan, p, end);
        if (!p)
            return -ERANGE;
    }
    return 0;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

int config_scan_include(const char *line, size_t n, const char **ret_path, size_t *ret_len)
{
    static const char word[] = "@include";
    const char *end = line + n, *p = skip_blanks(line, end);

    if ((size_t)(end - p) < sizeof(word) - 1 || memcmp(p, word, sizeof(word) - 1) != 0)
        return 0;
    p = skip_blanks(p + sizeof(word) - 1, end);
    const char *path = p + 1, *quote = p < end && *p == '"' ? memchr(path, '"', (size_t)(end - path)) : NULL;
    if (!quote || quote == path)
        return -EINVAL;
    p = skip_blanks(quote + 1, end);
    if (p < end && *p != '#' && !(end - p > 1 && p[0] == '/' && p[1] == '/'))
        return -EINVAL;
    *ret_path = path;
    *ret_len = (size_t)(quote - path);
    return 1;
}
