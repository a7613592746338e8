/* What the fuzzers share: taking values out of any bytes, and what must hold of every text that a person or program reads. */
#pragma once

#include "common/cleanup.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct input {
    const uint8_t *data;
    size_t size;
};

/* The next n bytes (at most 8) as a number, 0 where the input ends. */
static inline uint64_t take_number(struct input *in, size_t n)
{
    uint64_t value = 0;

    for (; n > 0 && in->size > 0; n--, in->size--)
        value = value << 8 | *in->data++;
    return value;
}

/* What stands before the next zero, malloc'ed; "" where the input ends. */
static inline char *take_text(struct input *in)
{
    const uint8_t *zero = memchr(in->data, 0, in->size);
    size_t n = zero ? (size_t)(zero - in->data) : in->size;
    char *text = strndup((const char *)in->data, n);

    assert(text);
    in->data += n + (zero ? 1 : 0);
    in->size -= n + (zero ? 1 : 0);
    return text;
}

/* One character of well-formed UTF-8 (RFC 3629) at p; its length, or 0. */
static inline size_t take_character(const unsigned char *p, uint32_t *ret_code)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t n = 0; n < array_length(forms); n++) {
        uint32_t code = p[0] & (unsigned char)~forms[n].mask;
        if ((p[0] & forms[n].mask) != forms[n].lead)
            continue;
        for (size_t i = 1; i <= n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (p[i] & 0x3f);
        }
        *ret_code = code;
        return code < forms[n].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : n + 1;
    }
    return 0;
}

/* Nothing in it moves a cursor, hides or turns text around, and it is UTF-8; newline and tab are the format's own. */
static inline void require_harmless(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t code;
        size_t n = take_character(p, &code);
        assert(n > 0);
        assert(code >= 0x20 || code == '\n' || code == '\t');
        assert(code < 0x7f || code > 0x9f);
        assert(code != 0x061c && !(code >= 0x200b && code <= 0x200f));
        assert(!(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff);
        p += n;
    }
}

/* The reason of a failure: there is one. Whoever prints it escapes it, which makes it one line. */
static inline void require_reason(const char *why)
{
    assert(why && *why);
}
