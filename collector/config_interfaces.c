/* Keys of the interface layer: which interfaces, by what they are counted, and what is sampled. */
#include "collector/config_keys.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/units.h"

int config_read_xdp(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const words[] = {
        [CONFIG_XDP_AUTO] = "auto",
        [CONFIG_XDP_ON] = "on",
        [CONFIG_XDP_GENERIC] = "generic",
        [CONFIG_XDP_OFF] = "off",
    };
    int word = config_read_word(reader, setting, words, array_length(words));

    if (word < 0)
        return -EINVAL;
    *(enum config_xdp *)target = (enum config_xdp)word;
    return 0;
}

int config_read_tc(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const words[] = {
        [CONFIG_TC_AUTO] = "auto",
        [CONFIG_TC_ON] = "on",
        [CONFIG_TC_CLSACT] = "clsact",
        [CONFIG_TC_OFF] = "off",
    };
    int word = config_read_word(reader, setting, words, array_length(words));

    if (word < 0)
        return -EINVAL;
    *(enum config_tc *)target = (enum config_tc)word;
    return 0;
}

/* What the kernel takes as a name, or a glob on one. */
static int check_name(struct config_reader *reader, const config_setting_t *setting, const char **text)
{
    if (!strpbrk(*text, "*?[") && strlen(*text) >= IFNAMSIZ)
        return config_complain(reader, setting, "is longer than an interface's name can be, which is %d bytes",
                               IFNAMSIZ - 1);
    if (strpbrk(*text, "/ "))
        return config_complain(reader, setting, "cannot be the name of an interface: they hold no blanks and no /");
    return 0;
}

int config_read_interfaces(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_texts texts = {0};
    int r = config_read_texts(reader, setting, &texts, check_name);

    if (r < 0) {
        config_free_texts(&texts);
        return r;
    }
    config_free_texts(target);
    *(struct config_texts *)target = texts;
    return 0;
}

/* ---- samples ---- */

int config_read_samples_rate(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 0, 1000000, target);
}

int config_read_samples_max(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 100, 100000000, target);
}

int config_read_samples_mode(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const words[] = {[CONFIG_SAMPLES_RANDOM] = "random", [CONFIG_SAMPLES_EVERY] = "every"};
    int word = config_read_word(reader, setting, words, array_length(words));

    if (word < 0)
        return -EINVAL;
    *(enum config_samples *)target = (enum config_samples)word;
    return 0;
}

int config_read_samples_buffer(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write 4 KiB to 64 MiB, such as \"1 MiB\"";
    const char *text = config_setting_get_string(setting);
    int64_t bytes;

    if (!text)
        return config_complain(reader, setting, "is not a size in double quotes; %s", remedy);
    if (units_parse_size(text, &bytes) < 0)
        return config_complain(reader, setting, "is not a size with a unit; %s", remedy);
    if (bytes < 4096 || bytes > INT64_C(64) << 20)
        return config_complain(reader, setting, "is out of range; %s", remedy);
    *(int64_t *)target = bytes;
    return 0;
}
