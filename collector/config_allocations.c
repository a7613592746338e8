#include <errno.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"
#include "common/units.h"

static int read_period(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const words[] = {
        [CONFIG_PERIOD_MONTH] = "month",
        [CONFIG_PERIOD_QUARTER] = "quarter",
        [CONFIG_PERIOD_YEAR] = "year",
    };
    struct config_allocation *a = target;
    int word = config_read_word(reader, setting, words, array_length(words));

    if (word < 0)
        return reader->why ? -EINVAL : -ENOMEM;
    a->period = (enum config_period)word;
    return 0;
}

static int read_direction(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const words[] = {
        [CONFIG_DIRECTION_BOTH] = "both",
        [CONFIG_DIRECTION_RX] = "rx",
        [CONFIG_DIRECTION_TX] = "tx",
    };
    struct config_allocation *a = target;
    int word = config_read_word(reader, setting, words, array_length(words));

    if (word < 0)
        return reader->why ? -EINVAL : -ENOMEM;
    a->direction = (enum config_direction)word;
    return 0;
}

static int read_limit(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write one like \"10 TiB\"";
    struct config_allocation *a = target;
    const char *text = config_setting_get_string(setting);

    if (!text)
        return config_complain(reader, setting, "is not a size in double quotes; %s", remedy);
    int r = units_parse_size(text, &a->limit_bytes);
    if (r == -EINVAL)
        return config_complain(reader, setting, "is not a size with a unit; %s", remedy);
    if (r < 0 || a->limit_bytes == 0)
        return config_complain(reader, setting, "is no size above 0 that can be counted up to; %s", remedy);
    return 0;
}

static int read_billing_day(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_allocation *a = target;
    long long day = config_setting_get_int64(setting);

    if (!config_setting_is_number(setting) || config_setting_type(setting) == CONFIG_TYPE_FLOAT || day < 1 || day > 28)
        return config_complain(reader, setting, "is no day that every month has; write 1 to 28 without quotes");
    a->billing_day = (unsigned)day;
    return 0;
}

static int read_classes(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_allocation *a = target;

    return config_read_texts(reader, setting, &a->classes, NULL);
}

static int read_user(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_allocation *a = target;
    const char *text;
    int r = config_read_text(reader, setting, &text);

    return r < 0 ? r : config_replace_text(&a->user, text);
}

static int read_project(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_allocation *a = target;

    return config_read_project_name(reader, setting, &a->project);
}

#define COMMON_MEMBERS                                                                                                 \
    {"period", true, read_period}, {"limit", true, read_limit}, {"classes", false, read_classes},                      \
        {"direction", false, read_direction},                                                                          \
    {                                                                                                                  \
        "billing_day", false, read_billing_day                                                                         \
    }

static const struct config_member members[] = {
    {"user", false, read_user},
    {"project", false, read_project},
    COMMON_MEMBERS,
};
static const struct config_member rule_members[] = {
    COMMON_MEMBERS,
};

static void free_contents(struct config_allocation *a)
{
    free(a->user);
    free(a->project);
    config_free_texts(&a->classes);
}

struct config_allocation *config_free_allocation(struct config_allocation *a)
{
    if (a)
        free_contents(a);
    free(a);
    return NULL;
}

int config_read_rule_allocation(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_allocation *a = calloc(1, sizeof(*a)), **ret = target;

    if (!a)
        return -ENOMEM;
    *ret = a;
    a->billing_day = 1;
    return config_read_members(reader, setting, "an allocation", rule_members, array_length(rule_members), a);
}

static int read_allocation(struct config_reader *reader, const config_setting_t *setting, struct config_allocation *a)
{
    a->billing_day = 1;
    int r = config_read_members(reader, setting, "an allocation", members, array_length(members), a);

    if (r == 0 && !a->user == !a->project)
        return config_complain(reader, setting, "must name either a 'user' or a 'project'; add one, or divide it");
    return r;
}

int config_read_allocations(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config *config = target, read = {0};
    int n = config_setting_length(setting);
    int r =
        config_require_list(reader, setting, "allocations",
                            "( { user = \"NAME\"; period = \"month\"; limit = \"1 TiB\"; } )", CONFIG_MAX_RULE_TEXTS);

    if (r < 0)
        return r;
    read.allocations = calloc((size_t)n + 1, sizeof(*read.allocations));
    if (!read.allocations)
        return -ENOMEM;
    for (int i = 0; i < n && r == 0; i++)
        r = read_allocation(reader, config_setting_get_elem(setting, (unsigned)i),
                            &read.allocations[read.n_allocations++]);
    if (r < 0) {
        config_free_allocations(&read);
        return r;
    }
    config_free_allocations(config);
    config->allocations = read.allocations;
    config->n_allocations = read.n_allocations;
    return 0;
}

void config_free_allocations(struct config *config)
{
    for (size_t i = 0; i < config->n_allocations; i++)
        free_contents(&config->allocations[i]);
    free(config->allocations);
    config->allocations = NULL;
    config->n_allocations = 0;
}

/* ---- against the rest of the file ---- */

bool config_has_class(const struct config *config, const char *name)
{
    if (strcmp(name, "external") == 0 || strcmp(name, "loopback") == 0)
        return true;
    for (size_t i = 0; i < config->n_classes; i++)
        if (strcmp(config->classes[i].name, name) == 0)
            return true;
    return false;
}

static int check_classes(struct config_reader *reader, const config_setting_t *allocation, const struct config *config)
{
    const config_setting_t *classes = allocation ? config_setting_get_member(allocation, "classes") : NULL;

    for (int i = 0; classes && i < config_setting_length(classes); i++) {
        const config_setting_t *element = config_setting_get_elem(classes, (unsigned)i);
        if (!config_has_class(config, config_setting_get_string(element)))
            return config_complain(reader, element, CONFIG_NO_CLASS);
        for (int k = 0; k < i; k++)
            if (strcmp(config_setting_get_string(element),
                       config_setting_get_string(config_setting_get_elem(classes, (unsigned)k))) == 0)
                return config_complain(reader, element, "is in this list already; remove one of them");
    }
    return 0;
}

int config_check_allocations(struct config_reader *reader, const config_setting_t *root, const struct config *config)
{
    const config_setting_t *projects = config_setting_get_member(root, "projects");
    const config_setting_t *allocations = config_setting_get_member(root, "allocations");
    int r = 0;

    for (int i = 0; projects && i < config_setting_length(projects) && r == 0; i++)
        r = check_classes(
            reader, config_setting_get_member(config_setting_get_elem(projects, (unsigned)i), "allocation"), config);
    for (int i = 0; allocations && i < config_setting_length(allocations) && r == 0; i++)
        r = check_classes(reader, config_setting_get_elem(allocations, (unsigned)i), config);
    return r;
}
