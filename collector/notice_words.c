#include "collector/notice_words.h"

#include "common/cleanup.h"

#include <ctype.h>
#include <string.h>

const char *const notice_word_names[NOTICE_WORDS] = {
    [NOTICE_KIND] = "kind",
    [NOTICE_NAME] = "name",
    [NOTICE_THRESHOLD] = "threshold",
    [NOTICE_PERCENT] = "percent",
    [NOTICE_USED_BYTES] = "used_bytes",
    [NOTICE_LIMIT_BYTES] = "limit_bytes",
    [NOTICE_PERIOD] = "period",
    [NOTICE_DIRECTION] = "direction",
    [NOTICE_CLASSES] = "classes",
    [NOTICE_SINCE_SEC] = "since_sec",
    [NOTICE_UNTIL_SEC] = "until_sec",
};

/* The length of a "{word}" at text, 0: there is none. */
static size_t braces(const char *text)
{
    size_t n = *text == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;

    return n && text[n + 1] == '}' ? n + 2 : 0;
}

/* Which word it is, or -1. */
static int find(const char *text, size_t length)
{
    for (int i = 0; i < NOTICE_WORDS; i++)
        if (strlen(notice_word_names[i]) == length - 2 && strncmp(notice_word_names[i], text + 1, length - 2) == 0)
            return i;
    return -1;
}

const char *notice_unknown_word(const char *argument, size_t *ret_length)
{
    for (; *argument; argument++) {
        size_t length = braces(argument);
        if (!length || find(argument, length) >= 0)
            continue;
        *ret_length = length;
        return argument;
    }
    return NULL;
}

char *notice_fill_in(const char *argument, const char *const words[NOTICE_WORDS])
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    while (*argument) {
        size_t length = braces(argument);
        int word = length ? find(argument, length) : -1;
        if (word >= 0)
            fputs(words[word], out);
        else
            fputc(*argument, out);
        argument += word >= 0 ? length : 1;
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

char *notice_variable(enum notice_word word, const char *value)
{
    char *text;

    if (asprintf(&text, "PDTT_%s=%s", notice_word_names[word], value) < 0)
        return NULL;
    for (char *p = text; *p && *p != '='; p++)
        *p = (char)toupper((unsigned char)*p);
    return text;
}
