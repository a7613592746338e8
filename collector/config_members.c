#include <errno.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"
#include "common/options.h"

#define MAX_MEMBERS 16

/* "'a', 'b' and 'c'"; cut when it does not fit, which no table comes near. */
static void list_words(char *buf, size_t size, const char *quote, const char *const *words, size_t n, const char *last)
{
    size_t used = 0;

    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s%s%s",
                                 i == 0       ? ""
                                 : i + 1 == n ? last
                                              : ", ",
                                 quote, words[i], quote);
}

static int refuse_unknown(struct config_reader *reader, const config_setting_t *group, const char *what,
                          const char *const *names, size_t n)
{
    char all[256] = "";

    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(s);
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known = known || strcmp(name, names[k]) == 0;
        if (known)
            continue;
        const char *nearest = options_nearest(name, names, n);
        if (nearest)
            return config_complain(reader, s, "is an unknown key; did you mean '%s'?", nearest);
        list_words(all, sizeof(all), "'", names, n, " and ");
        return config_complain(reader, s, "is an unknown key; %s has %s only", what, all);
    }
    return 0;
}

int config_read_members(struct config_reader *reader, const config_setting_t *setting, const char *what,
                        const struct config_member *members, size_t n, void *target)
{
    const char *names[MAX_MEMBERS];

    for (size_t i = 0; i < n; i++)
        names[i] = members[i].name;
    int r = config_setting_is_group(setting)
                ? refuse_unknown(reader, setting, what, names, n)
                : config_complain(reader, setting, "is not %s; write { %s = ...; }, see pdtt.conf(5)", what, names[0]);
    for (size_t i = 0; i < n && r == 0; i++) {
        const config_setting_t *s = config_setting_get_member(setting, members[i].name);
        if (s)
            r = members[i].read(reader, s, target);
        else if (members[i].required)
            r = config_complain(reader, setting, "is %s without '%s'; add it", what, members[i].name);
    }
    return r;
}

int config_read_word(struct config_reader *reader, const config_setting_t *setting, const char *const *words, size_t n)
{
    const char *text = config_setting_get_string(setting);
    char all[256] = "";

    for (size_t i = 0; text && i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return (int)i;
    list_words(all, sizeof(all), "\"", words, n, " or ");
    config_complain(reader, setting, "is not one of the words there are; write %s", all);
    return -1;
}

int config_require_list(struct config_reader *reader, const config_setting_t *setting, const char *what,
                        const char *example, int max)
{
    int n = config_setting_length(setting);

    if (!config_setting_is_list(setting) && !config_setting_is_array(setting))
        return config_complain(reader, setting, "is not a list of %s; write %s", what, example);
    return n <= max ? 0 : config_complain(reader, setting, "holds %d %s, more than %d; join some", n, what, max);
}

int config_read_texts(struct config_reader *reader, const config_setting_t *setting, struct config_texts *ret,
                      int (*check)(struct config_reader *reader, const config_setting_t *setting, const char **text))
{
    int n = config_setting_length(setting);
    int r = config_require_list(reader, setting, "texts", "( \"NAME\", ... )", CONFIG_MAX_RULE_TEXTS);

    if (r < 0 || n == 0)
        return r;
    ret->v = calloc((size_t)n, sizeof(*ret->v));
    if (!ret->v)
        return -ENOMEM;
    for (int i = 0; i < n && r == 0; i++) {
        const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        const char *text = NULL;
        r = config_read_text(reader, element, &text);
        if (r == 0 && check)
            r = check(reader, element, &text);
        if (r == 0 && !(ret->v[ret->n++] = strdup(text)))
            r = -ENOMEM;
    }
    return r;
}

void config_free_texts(struct config_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->v[i]);
    free(texts->v);
    *texts = (struct config_texts){0};
}
