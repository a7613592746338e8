#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"

/* As the file's author wrote it, or nearly so. Texts are cut: the line must stay readable. */
static char *format_value(const config_setting_t *setting)
{
    char *text = NULL;
    int n = 0;

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        n = asprintf(&text, "%lld", config_setting_get_int64(setting));
        break;
    case CONFIG_TYPE_FLOAT:
        n = asprintf(&text, "%g", config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_STRING:
        n = asprintf(&text, "\"%.200s\"", config_setting_get_string(setting));
        break;
    case CONFIG_TYPE_BOOL:
        return strdup(config_setting_get_bool(setting) ? "true" : "false");
    case CONFIG_TYPE_GROUP:
        return strdup("{ ... }");
    case CONFIG_TYPE_ARRAY:
        return strdup("[ ... ]");
    default:
        return strdup("( ... )");
    }
    return n < 0 ? NULL : text;
}

char *config_setting_path(const config_setting_t *setting)
{
    cleanup_free char *path = strdup("");

    for (const config_setting_t *s = setting; path && !config_setting_is_root(s); s = config_setting_parent(s)) {
        char *longer = NULL;
        const char *dot = *path && *path != '[' ? "." : "";
        int n = config_setting_name(s) ? asprintf(&longer, "%s%s%s", config_setting_name(s), dot, path)
                                       : asprintf(&longer, "[%d]%s%s", config_setting_index(s), dot, path);
        free(path);
        path = n < 0 ? NULL : longer;
    }
    return take_ptr(path);
}

struct config_origin config_setting_origin(const struct config_reader *reader, const config_setting_t *setting)
{
    unsigned line = config_setting_source_line(setting);

    return reader->text ? config_text_origin(reader->text, line) : (struct config_origin){"built-in defaults", line};
}

int config_complain(struct config_reader *reader, const config_setting_t *setting, const char *format, ...)
{
    cleanup_free char *path = config_setting_path(setting), *value = format_value(setting), *reason = NULL;
    struct config_origin at = config_setting_origin(reader, setting);
    va_list args;

    va_start(args, format);
    int n = vasprintf(&reason, format, args);
    va_end(args);
    if (n < 0)
        reason = NULL;
    if (!path || !value || !reason)
        return -ENOMEM;
    return config_complain_line(reader, "%s:%u: key '%.200s': value %s: %s", at.file, at.line, path, value, reason);
}

int config_complain_line(struct config_reader *reader, const char *format, ...)
{
    va_list args;

    if (reader->why)
        return -EINVAL;
    va_start(args, format);
    int n = vasprintf(&reader->why, format, args);
    va_end(args);
    if (n < 0)
        reader->why = NULL;
    return n < 0 ? -ENOMEM : -EINVAL;
}
