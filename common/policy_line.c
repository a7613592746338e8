/* A policy as one line of words: what pdttctl sends and the store keeps. */
#include "common/policy_text.h"

#include "common/cleanup.h"

#include <stdarg.h>
#include <string.h>

static int refuse(char **ret_why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char **ret_why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (vasprintf(ret_why, format, args) < 0)
        *ret_why = NULL;
    va_end(args);
    return *ret_why ? -EINVAL : -ENOMEM;
}

/* The next word, without its quotes, in place; NULL: there are no more. *ret_fault is set where quotes do not end. */
static char *next_word(char **text, const char **ret_fault)
{
    char *from = *text + strspn(*text, " "), *word = from, *to = from;
    bool quoted = false;

    if (!*from)
        return NULL;
    for (; *from && (quoted || *from != ' '); from++) {
        if (*from == '"')
            quoted = !quoted;
        else if (quoted && *from == '\\' && (from[1] == '"' || from[1] == '\\'))
            *to++ = *++from;
        else
            *to++ = *from;
    }
    if (quoted)
        *ret_fault = "a quote is open at the end; close it";
    *text = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

static int take_word(struct policy_words *w, char *word, bool first, char **ret_why)
{
    char *equals = strchr(word, '=');
    cleanup_free char *why = NULL;
    int r;

    if (!equals && !first)
        return refuse(ret_why, "'%.200s': is no KEY=VALUE", word);
    if (equals)
        *equals = '\0';
    r = policy_take(w, equals ? word : "name", equals ? equals + 1 : word, &why);
    if (r == -ENOMEM || r == 0)
        return r;
    return refuse(ret_why, "key '%.200s': value '%.200s': %s", equals ? word : "name", equals ? equals + 1 : word, why);
}

static int take_words(struct policy_words *w, char *text, char **ret_why)
{
    const char *fault = NULL, *key;
    cleanup_free char *why = NULL;
    int r = 0, n = 0;

    for (char *word; r == 0 && (word = next_word(&text, &fault)); n++)
        r = fault ? refuse(ret_why, "%s", fault) : take_word(w, word, n == 0, ret_why);
    if (r < 0)
        return r;
    r = policy_finish(w, &key, &why);
    return r == -EINVAL ? refuse(ret_why, "key '%s': %s", key, why) : r;
}

int policy_parse(const char *text, struct policy *ret, char **ret_why)
{
    cleanup_free char *copy = NULL;
    struct policy_words w;
    int r;

    *ret_why = NULL;
    if (strlen(text) >= POLICY_TEXT_MAX)
        return refuse(ret_why, "is longer than %d bytes", POLICY_TEXT_MAX - 1);
    copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    policy_begin(&w);
    r = take_words(&w, copy, ret_why);
    if (r < 0)
        policy_words_done(&w);
    else
        *ret = w.policy;
    return r;
}

static void write_value(FILE *out, const char *value)
{
    if (!strpbrk(value, " \"\\")) {
        fputs(value, out);
        return;
    }
    fputc('"', out);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

char *policy_format(const struct policy *policy)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    fputs(policy->name, out);
    for (size_t i = 1; policy_key_name(i); i++) {
        cleanup_free char *value = policy_key_value(i, policy);

        if (!value)
            continue;
        fprintf(out, " %s=", policy_key_name(i));
        write_value(out, value);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
