#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"

int config_read_metrics_users(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 0, 1000, target);
}

/* "" is nobody. */
static int read_name(struct config_reader *reader, const config_setting_t *setting, const char *what,
                     const char *example, void *target)
{
    const char *text = config_setting_get_string(setting);

    if (text && !*text)
        return config_replace_text(target, text);
    int r = config_read_text(reader, setting, &text);
    if (r < 0)
        return r;
    if (strpbrk(text, " \t:,"))
        return config_complain(reader, setting, "is no name of a %s; write one, such as \"%s\"", what, example);
    return config_replace_text(target, text);
}

int config_read_admin_group(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return read_name(reader, setting, "group", "pdtt", target);
}

int config_read_proxy_user(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return read_name(reader, setting, "user", "www-data", target);
}

static bool is_address(const char *text, size_t length)
{
    cleanup_free char *copy = strndup(text, length);
    unsigned char address[16];

    if (copy && length > 2 && *copy == '[' && copy[length - 1] == ']') {
        copy[length - 1] = '\0';
        return inet_pton(AF_INET6, copy + 1, address) == 1;
    }
    return copy && inet_pton(AF_INET, copy, address) == 1;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && !text[digits] && atoi(text) >= 1 && atoi(text) <= 65535;
}

int config_read_listen(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text = config_setting_get_string(setting), *colon;

    if (text && !*text)
        return config_replace_text(target, text);
    int r = config_read_text(reader, setting, &text);
    if (r < 0)
        return r;
    colon = strrchr(text, ':');
    if (!colon || !is_address(text, (size_t)(colon - text)) || !is_port(colon + 1))
        return config_complain(reader, setting,
                               "is no address with a port; write such as \"127.0.0.1:8080\" or \"[::1]:8080\"");
    return config_replace_text(target, text);
}

int config_read_user_header(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    for (const char *s = text; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '-')
            return config_complain(reader, setting,
                                   "is no name of a header; write letters, digits and dashes, such as "
                                   "\"X-Remote-User\"");
    return config_replace_text(target, text);
}
