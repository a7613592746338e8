/* Sizes and durations as people write them. Pure: no locale, no allocation, no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "2 GiB", "10TB", "512" (bytes), "512 B", "1.5 MiB" -> bytes. IEC (KiB, MiB, ...) are powers of 1024, SI (kB, MB, ...)
 * powers of 1000; case of the letters is free except that a lone "b" is refused (bits), and so is "10G", which hides
 * which of the two is meant. Up to six decimals, rounded to the nearest byte. -EINVAL not a size, -ERANGE over
 * INT64_MAX or negative.
 */
int units_parse_size(const char *text, int64_t *ret_bytes);

/*
 * "10s", "5min", "5m", "2h", "14d", "2w", "3M" or "3 months" (30 days each), "3y" (365 days each) -> seconds; a bare
 * number is refused because it hides its unit, and so is a fraction that makes no whole second. "forever" -> INT64_MAX.
 * -EINVAL not a duration, -ERANGE too long or negative.
 */
int units_parse_duration(const char *text, int64_t *ret_sec);

enum units_style { UNITS_AUTO /* IEC: 1.50 GiB */, UNITS_SI /* 1.61 GB */, UNITS_BYTES /* 1610612736 */ };

/* "auto", "si", "bytes", as options name the styles; static text. */
const char *units_style_word(enum units_style style);

/* By word; false: there is none of it. */
bool units_style_find(const char *word, enum units_style *ret_style);

#define UNITS_TEXT_MAX 32

/* Writes bytes (negative too) into buf and returns it: three significant digits, four where IEC has them ("1020 MiB"),
 * never "1024 MiB". */
char *units_format_bytes(char buf[static UNITS_TEXT_MAX], int64_t bytes, enum units_style style);
