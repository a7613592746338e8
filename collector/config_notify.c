/* Keys of notices: what is run, as whom, for how long and at which thresholds. */
#include "collector/config_keys.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "collector/notice_words.h"
#include "common/cleanup.h"

static int check_argument(struct config_reader *reader, const config_setting_t *setting, const char **text)
{
    size_t length;
    const char *unknown = notice_unknown_word(*text, &length);

    if (unknown)
        return config_complain(reader, setting,
                               "holds %.*s, which stands for nothing; pdtt.conf(5) lists what does, such as {name}",
                               (int)length, unknown);
    return 0;
}

int config_read_notify_command(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_texts texts = {0};
    int r = config_require_list(reader, setting, "arguments", "( \"/usr/local/sbin/pdtt-notice\", \"{name}\" )",
                                CONFIG_MAX_ARGUMENTS);

    if (r == 0)
        r = config_read_texts(reader, setting, &texts, check_argument);
    if (r == 0 && texts.n && (texts.v[0][0] != '/' || strlen(texts.v[0]) >= PATH_MAX))
        r = config_complain(reader, config_setting_get_elem(setting, 0),
                            "is not the absolute path of a command; begin it with /, such as "
                            "\"/usr/local/sbin/pdtt-notice\"");
    if (r < 0) {
        config_free_texts(&texts);
        return r;
    }
    config_free_texts(target);
    *(struct config_texts *)target = texts;
    return 0;
}

int config_read_notify_user(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    if (strpbrk(text, " \t:,"))
        return config_complain(reader, setting, "is no name of a user; write one, such as \"nobody\"");
    if (strcmp(text, "root") == 0 || strspn(text, "0") == strlen(text))
        return config_complain(reader, setting,
                               "is root, as whom no command is run; name another user, such as "
                               "\"nobody\"");
    return config_replace_text(target, text);
}

int config_read_notify_timeout(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write 1s to 5min, such as \"10s\"";
    int64_t sec;
    int r = config_read_duration(reader, setting, remedy, &sec);

    if (r < 0)
        return r;
    if (sec < 1 || sec > 300)
        return config_complain(reader, setting, "is outside 1s to 5min; %s", remedy);
    *(unsigned *)target = (unsigned)sec;
    return 0;
}

int config_read_notify_at(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config *config = target;
    unsigned at[CONFIG_MAX_THRESHOLDS];
    size_t n = (size_t)config_setting_length(setting);
    int r = config_require_list(reader, setting, "percentages", "( 80, 90, 100 )", CONFIG_MAX_THRESHOLDS);

    if (r == 0 && n == 0)
        r = config_complain(reader, setting,
                            "holds no threshold; write such as ( 80, 90, 100 ), or leave it out and "
                            "set notify.command to ()");
    for (size_t i = 0; i < n && r == 0; i++) {
        const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        r = config_read_count(reader, element, 1, 1000, &at[i]);
        if (r == 0 && i && at[i] <= at[i - 1])
            r = config_complain(reader, element,
                                "is not above the one before it; write the lowest first and each once");
    }
    if (r < 0)
        return r;
    memcpy(config->notify_at, at, n * sizeof(*at));
    config->n_notify_at = n;
    return 0;
}
