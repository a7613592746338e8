#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/units.h"

#define MIN_RETENTION_SEC 3600
#define MIN_QUOTA_BYTES   (INT64_C(16) << 20)

/* A path is refused although the calendar takes it: the database remembers the zone, and reports may run elsewhere. */
int config_read_timezone(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write \"local\", \"UTC\" or a name such as \"Australia/Perth\"";
    struct calendar *calendar;
    const char *text;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    if (text[0] == '/' || text[0] == '.')
        return config_complain(reader, setting, "is a path and no name of a time zone; %s", remedy);
    r = calendar_open(text, &calendar);
    if (r == -ENOMEM)
        return r;
    if (r == -ENOTSUP)
        return config_complain(reader, setting, "counts leap seconds, which the clock does not; %s", remedy);
    if (r < 0)
        return config_complain(reader, setting, "is no time zone of this host (is tzdata installed?); %s", remedy);
    calendar_close(calendar);
    return config_replace_text(target, text);
}

int config_read_retention(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write one like \"2d\" or \"3y\", or \"forever\"";
    int64_t sec;
    int r = config_read_duration(reader, setting, remedy, &sec);

    if (r < 0)
        return r;
    if (sec < MIN_RETENTION_SEC)
        return config_complain(reader, setting, "is less than an hour, the least that can be kept; %s", remedy);
    *(int64_t *)target = sec;
    return 0;
}

int config_read_max_size(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write one like \"2 GiB\", or \"0\" for no limit";
    const char *text = config_setting_get_string(setting);
    int64_t bytes;

    if (!text)
        return config_complain(reader, setting, "is not a size in double quotes; %s", remedy);
    int r = units_parse_size(text, &bytes);
    if (r == -EINVAL)
        return config_complain(reader, setting, "is not a size with a unit; %s", remedy);
    if (r < 0 || (bytes > 0 && bytes < MIN_QUOTA_BYTES))
        return config_complain(reader, setting, "is neither 0 nor 16 MiB or more; %s", remedy);
    *(int64_t *)target = bytes;
    return 0;
}

static int read_log_path(struct config_reader *reader, const config_setting_t *setting, bool is_file, void *target)
{
    const char *text = config_setting_get_string(setting);

    if (text && !*text)
        return config_replace_text(target, text);
    int r = config_read_text(reader, setting, &text);
    if (r < 0)
        return r;
    if (text[0] != '/' || !text[1])
        return config_complain(reader, setting,
                               "is not an absolute path; begin it with / and a name, or leave it empty");
    if (is_file && text[strlen(text) - 1] == '/')
        return config_complain(reader, setting, "names a directory; add the name of the log file");
    if (strlen(text) >= PATH_MAX - NAME_MAX)
        return config_complain(reader, setting, "is longer than %d bytes; choose a shorter path",
                               PATH_MAX - NAME_MAX - 1);
    return config_replace_text(target, text);
}

int config_read_log_file(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return read_log_path(reader, setting, true, target);
}

int config_read_log_prefix(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return read_log_path(reader, setting, false, target);
}

/* What is older than the finest level that still has it is shown at a coarser one, so a coarser one must not end first.
 */
int config_check_retention(struct config_reader *reader, const config_setting_t *root, const struct config *config)
{
    static const char *const names[CONFIG_LEVELS] = {"raw", "five_minute", "hour", "day", "month"};

    for (int level = CONFIG_LEVEL_RAW; level + 1 < CONFIG_LEVELS; level++) {
        if (config->retention_sec[level] <= config->retention_sec[level + 1])
            continue;
        /* The default of one of the two is not wrong, so the complaint is about what stands in the file. */
        const config_setting_t *group = config_setting_get_member(root, "retention");
        const config_setting_t *fine = config_setting_get_member(group, names[level]);
        const config_setting_t *coarse = config_setting_get_member(group, names[level + 1]);
        if (fine)
            return config_complain(reader, fine,
                                   "is longer than retention.%s, the next coarser level; shorten it or lengthen "
                                   "retention.%s",
                                   names[level + 1], names[level + 1]);
        return config_complain(reader, coarse,
                               "is shorter than retention.%s, the next finer level; lengthen it or shorten "
                               "retention.%s",
                               names[level], names[level]);
    }
    return 0;
}
