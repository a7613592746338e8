#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"

/* "" is nobody but root. */
int config_read_admin_group(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text = config_setting_get_string(setting);

    if (text && !*text)
        return config_replace_text(target, text);
    int r = config_read_text(reader, setting, &text);
    if (r < 0)
        return r;
    if (strpbrk(text, " \t:,"))
        return config_complain(reader, setting, "is no name of a group; write one, such as \"pdtt\"");
    return config_replace_text(target, text);
}
