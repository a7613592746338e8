#include "common/units.h"

#include "common/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

__extension__ typedef __int128 int128; /* the product of any int64_t and any unit fits */

/* A decimal number as it was written: digits / 10^decimals. Floating point would turn 0.1 TB into a byte more or less.
 */
struct decimal {
    int64_t digits;
    int decimals;
};

enum { MAX_DECIMALS = 6 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* Parses digits[.digits]; the unit follows at *ret_rest. A minus sign is -ERANGE, so that the user hears what is wrong.
 */
static int parse_decimal(const char *text, struct decimal *ret, const char **ret_rest)
{
    struct decimal d = {0};
    const char *s = skip_blanks(text);

    if (*s == '-' && is_digit(s[1]))
        return -ERANGE;
    if (!is_digit(*s))
        return -EINVAL;
    for (bool point = false; is_digit(*s) || (!point && *s == '.' && is_digit(s[1])); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        if (point && ++d.decimals > MAX_DECIMALS)
            return -EINVAL;
        if (__builtin_mul_overflow(d.digits, 10, &d.digits) || __builtin_add_overflow(d.digits, *s - '0', &d.digits))
            return -ERANGE;
    }
    *ret = d;
    *ret_rest = skip_blanks(s);
    return 0;
}

static int64_t power_of_ten(int exponent)
{
    int64_t p = 1;

    while (exponent-- > 0)
        p *= 10;
    return p;
}

/* Compares the unit with word, blanks at the end of the unit aside. */
static bool is_word(const char *unit, const char *word, bool fold_case)
{
    size_t n = strlen(word);

    return (fold_case ? strncasecmp(unit, word, n) : strncmp(unit, word, n)) == 0 && *skip_blanks(unit + n) == '\0';
}

/* One row per step of both series; EiB and EB are the largest that fit into 63 bits. */
static const struct {
    const char *iec, *si;
    int64_t iec_bytes, si_bytes;
} sizes[] = {
    {"B", "B", INT64_C(1), INT64_C(1)},
    {"KiB", "kB", INT64_C(1) << 10, INT64_C(1000)},
    {"MiB", "MB", INT64_C(1) << 20, INT64_C(1000000)},
    {"GiB", "GB", INT64_C(1) << 30, INT64_C(1000000000)},
    {"TiB", "TB", INT64_C(1) << 40, INT64_C(1000000000000)},
    {"PiB", "PB", INT64_C(1) << 50, INT64_C(1000000000000000)},
    {"EiB", "EB", INT64_C(1) << 60, INT64_C(1000000000000000000)},
};

enum { N_SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static int64_t size_unit(const char *unit)
{
    if (*unit == '\0' || is_word(unit, "B", false))
        return 1;
    for (size_t i = 1; i < N_SIZES; i++) {
        if (is_word(unit, sizes[i].iec, true))
            return sizes[i].iec_bytes;
        if (is_word(unit, sizes[i].si, true))
            return sizes[i].si_bytes;
    }
    return 0;
}

int units_parse_size(const char *text, int64_t *ret_bytes)
{
    struct decimal d;
    const char *unit;
    int64_t scale, unit_bytes;
    int128 bytes;
    int r = parse_decimal(text, &d, &unit);

    if (r < 0)
        return r;
    unit_bytes = size_unit(unit);
    if (unit_bytes == 0 || (unit_bytes == 1 && d.decimals > 0))
        return -EINVAL;
    scale = power_of_ten(d.decimals);
    bytes = ((int128)d.digits * unit_bytes + scale / 2) / scale;
    if (bytes > INT64_MAX)
        return -ERANGE;
    *ret_bytes = (int64_t)bytes;
    return 0;
}

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Single letters keep their case, because m and M differ; words do not. */
static const struct {
    const char *letter, *words[4];
    int64_t sec;
} durations[] = {
    {"s", {"sec", "secs", "second", "seconds"}, 1},
    {"m", {"min", "mins", "minute", "minutes"}, MINUTE},
    {"h", {"hr", "hrs", "hour", "hours"}, HOUR},
    {"d", {"day", "days"}, DAY},
    {"w", {"week", "weeks"}, 7 * DAY},
    {"M", {"mon", "month", "months"}, 30 * DAY},
    {"y", {"yr", "year", "years"}, 365 * DAY},
};

static int64_t duration_unit(const char *unit)
{
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        if (is_word(unit, durations[i].letter, false))
            return durations[i].sec;
        for (size_t w = 0; w < 4 && durations[i].words[w]; w++)
            if (is_word(unit, durations[i].words[w], true))
                return durations[i].sec;
    }
    return 0;
}

int units_parse_duration(const char *text, int64_t *ret_sec)
{
    struct decimal d;
    const char *unit;
    int64_t scale, unit_sec;
    int128 scaled;
    int r;

    if (is_word(skip_blanks(text), "forever", true)) {
        *ret_sec = INT64_MAX;
        return 0;
    }
    r = parse_decimal(text, &d, &unit);
    if (r < 0)
        return r;
    unit_sec = duration_unit(unit);
    scale = power_of_ten(d.decimals);
    scaled = (int128)d.digits * unit_sec;
    if (unit_sec == 0 || scaled % scale != 0)
        return -EINVAL;
    if (scaled / scale >= INT64_MAX) /* INT64_MAX itself is "forever" and nothing else */
        return -ERANGE;
    *ret_sec = (int64_t)(scaled / scale);
    return 0;
}

/* magnitude / unit in units of 1/parts, rounded half up. */
static uint64_t rounded(uint64_t magnitude, int64_t unit, unsigned parts)
{
    return (uint64_t)(((int128)magnitude * parts + unit / 2) / unit);
}

char *units_format_bytes(char buf[static UNITS_TEXT_MAX], int64_t bytes, enum units_style style)
{
    uint64_t magnitude = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    const char *sign = bytes < 0 ? "-" : "", *name;
    bool si = style == UNITS_SI;
    size_t i = 0;
    int64_t unit;

    if (style == UNITS_BYTES) {
        snprintf(buf, UNITS_TEXT_MAX, "%s%llu", sign, (unsigned long long)magnitude);
        return buf;
    }
    /* The step is chosen by the rounded number, so that 1048575 KiB is 1.00 GiB and not 1024 MiB. */
    while (i + 1 < N_SIZES && rounded(magnitude, si ? sizes[i].si_bytes : sizes[i].iec_bytes, 1) >= (si ? 1000 : 1024))
        i++;
    unit = si ? sizes[i].si_bytes : sizes[i].iec_bytes;
    name = si ? sizes[i].si : sizes[i].iec;
    uint64_t hundredths = rounded(magnitude, unit, 100), tenths = rounded(magnitude, unit, 10);

    if (i == 0 || tenths >= 1000)
        snprintf(buf, UNITS_TEXT_MAX, "%s%llu %s", sign, (unsigned long long)rounded(magnitude, unit, 1), name);
    else if (hundredths >= 1000)
        snprintf(buf, UNITS_TEXT_MAX, "%s%llu.%llu %s", sign, (unsigned long long)(tenths / 10),
                 (unsigned long long)(tenths % 10), name);
    else
        snprintf(buf, UNITS_TEXT_MAX, "%s%llu.%02llu %s", sign, (unsigned long long)(hundredths / 100),
                 (unsigned long long)(hundredths % 100), name);
    return buf;
}

/* ---- words ---- */

static const char *const style_words[] = {[UNITS_AUTO] = "auto", [UNITS_SI] = "si", [UNITS_BYTES] = "bytes"};

const char *units_style_word(enum units_style style)
{
    return style_words[style];
}

bool units_style_find(const char *word, enum units_style *ret_style)
{
    for (size_t i = 0; i < array_length(style_words); i++)
        if (strcmp(style_words[i], word) == 0) {
            *ret_style = (enum units_style)i;
            return true;
        }
    return false;
}
