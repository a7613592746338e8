/* Policies as groups of libconfig: those of the configuration, and those of a file for pdttctl policy apply. */
#include "collector/config_keys.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

/* Numbers without quotes are as good as with them. */
static int text_of(struct config_reader *reader, const config_setting_t *setting, char buf[static 32],
                   const char **ret_text)
{
    int type = config_setting_type(setting);

    *ret_text = config_setting_get_string(setting);
    if (*ret_text)
        return 0;
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return config_complain(reader, setting, "is neither a text nor a number; write it in double quotes");
    snprintf(buf, 32, "%lld", config_setting_get_int64(setting));
    *ret_text = buf;
    return 0;
}

static int take_members(struct config_reader *reader, const config_setting_t *group, struct policy_words *w)
{
    int r = 0;

    for (int i = 0; i < config_setting_length(group) && r == 0; i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        cleanup_free char *why = NULL;
        const char *text;
        char buf[32];

        r = text_of(reader, s, buf, &text);
        if (r < 0)
            break;
        r = policy_take(w, config_setting_name(s), text, &why);
        if (r < 0 && r != -ENOMEM)
            r = config_complain(reader, s, "%s", why);
    }
    return r;
}

static int read_policy(struct config_reader *reader, const config_setting_t *group, struct policy_words *w)
{
    cleanup_free char *why = NULL;
    const char *key;
    int r;

    if (!config_setting_is_group(group))
        return config_complain(reader, group, "is no policy; write { name = \"NAME\"; action = \"block\"; ... }");
    r = take_members(reader, group, w);
    if (r == 0)
        r = policy_finish(w, &key, &why);
    if (r < 0 && why) {
        const config_setting_t *s = config_setting_get_member(group, key);

        r = s ? config_complain(reader, s, "%s", why) : config_complain(reader, group, "its '%s' %s", key, why);
    }
    return r;
}

static int refuse_twice(struct config_reader *reader, const config_setting_t *setting, const struct policy_list *list)
{
    const char *twice;
    int r = policy_list_find_twice(list, &twice), last = -1;

    if (r < 0 || !twice)
        return r;
    for (int i = 0; i < (int)list->n; i++)
        if (strcmp(list->v[i].name, twice) == 0)
            last = i;
    setting = config_setting_get_member(config_setting_get_elem(setting, (unsigned)last), "name");
    return config_complain(reader, setting, "is the name of an earlier policy too; give each its own");
}

static int read_list(struct config_reader *reader, const config_setting_t *setting, struct policy_list *list)
{
    int r = config_require_list(reader, setting, "policies", "( { name = \"scan\"; action = \"block\"; ... } )",
                                POLICIES_MAX);

    for (int i = 0; i < config_setting_length(setting) && r == 0; i++) {
        struct policy_words w;

        policy_begin(&w);
        r = read_policy(reader, config_setting_get_elem(setting, (unsigned)i), &w);
        if (r == 0)
            r = policy_list_add(list, &w.policy);
        else
            policy_words_done(&w);
    }
    return r < 0 ? r : refuse_twice(reader, setting, list);
}

int config_read_policies(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct policy_list list = {0};
    int r = read_list(reader, setting, &list);

    if (r < 0) {
        policy_list_done(&list);
        return r;
    }
    policy_list_done(target);
    *(struct policy_list *)target = list;
    return 0;
}

/* ---- against the rest of the file ---- */

/* A class is nowhere but in this file; what is given by pdttctl may wait for one. */
int config_check_policies(struct config_reader *reader, const config_setting_t *root, const struct config *config)
{
    const config_setting_t *policies = config_setting_get_member(root, "policies");

    for (size_t i = 0; policies && i < config->policies.n; i++) {
        const char *name = config->policies.v[i].class_name;

        if (name && !config_has_class(config, name))
            return config_complain(reader,
                                   config_setting_get_member(config_setting_get_elem(policies, (unsigned)i), "class"),
                                   CONFIG_NO_CLASS);
    }
    return 0;
}

/* ---- a file that holds policies alone ---- */

static int read_file(struct config_reader *reader, config_t *parsed, struct policy_list *ret)
{
    const config_setting_t *root, *setting;

    if (config_read_string(parsed, reader->text->text) != CONFIG_TRUE)
        return config_complain_syntax(reader, parsed);
    root = config_root_setting(parsed);
    for (int i = 0; i < config_setting_length(root); i++) {
        setting = config_setting_get_elem(root, (unsigned)i);
        if (strcmp(config_setting_name(setting), "policies") != 0)
            return config_complain(reader, setting, "does not belong here; a file of policies holds 'policies' alone");
    }
    setting = config_setting_get_member(root, "policies");
    if (!setting)
        return config_complain_line(reader,
                                    "%s: holds no policies; write policies = ( { ... } ), or policies = () for none",
                                    reader->text->files[0]);
    return config_read_policies(reader, setting, ret);
}

int config_load_policies(const char *path, struct policy_list *ret, char **ret_why)
{
    cleanup(config_text_free) struct config_text text = {0};
    cleanup(config_destroy) config_t parsed;
    struct config_reader reader = {.text = &text};
    int r;

    config_init(&parsed);
    *ret_why = NULL;
    r = config_text_read(path, &text, ret_why);
    if (r == 0) {
        r = read_file(&reader, &parsed, ret);
        *ret_why = reader.why;
    }
    config_one_line(*ret_why);
    return r;
}

/* ---- when they lapse ---- */

int config_read_policy_lapse(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text, *fault;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    fault = policy_read_lapse(text, target);
    return fault ? config_complain(reader, setting, "%s", fault) : 0;
}

/* ---- what they tell ---- */

int config_read_policy_events_rate(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 0, 1000, target);
}

int config_read_policy_events_max(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 100, 100000000, target);
}
