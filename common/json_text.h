/* Texts from outside in JSON. For programs that link jansson. */
#pragma once

#include <jansson.h>

#include "common/cleanup.h"
#include "common/escape.h"

/* As valid UTF-8 (escape_utf8()); null for NULL, and where there was no memory. */
static inline json_t *json_text_or_null(const char *text)
{
    cleanup_free char *valid = text ? escape_utf8(text) : NULL;

    return valid ? json_string(valid) : json_null();
}
