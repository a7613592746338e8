#include "common/columns.h"

#include "common/cleanup.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

size_t columns_of(const char *text)
{
    size_t n = mbstowcs(NULL, text, 0);
    wchar_t *wide = n == (size_t)-1 ? NULL : calloc(n + 1, sizeof(*wide));
    int width = -1;

    if (wide && mbstowcs(wide, text, n + 1) != (size_t)-1)
        width = wcswidth(wide, n);
    free(wide);
    return width < 0 ? strlen(text) : (size_t)width;
}

size_t columns_fit(const char *text, size_t width)
{
    mbstate_t state = {0};
    size_t bytes = 0, used = 0, left = strlen(text);

    while (left > 0) {
        wchar_t c;
        size_t length = mbrtowc(&c, text + bytes, left, &state);
        int columns;

        if (length == (size_t)-1 || length == (size_t)-2) { /* counts as in columns_of(): a column for each byte */
            state = (mbstate_t){0};
            length = columns = 1;
        } else {
            columns = wcwidth(c) < 0 ? (int)length : wcwidth(c);
        }
        if (length == 0 || used + columns > width)
            break;
        used += columns;
        bytes += length;
        left -= length;
    }
    return bytes;
}

void columns_put(FILE *out, const char *text, size_t width, bool right)
{
    size_t columns = columns_of(text);
    int padding = width > columns ? (int)(width - columns) : 0;

    if (right)
        fprintf(out, "%*s%s", padding, "", text);
    else
        fprintf(out, "%s%*s", text, padding, "");
}
