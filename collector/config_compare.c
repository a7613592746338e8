/* What was written for each key, and in which of them two configurations differ. */
#include "collector/config_keys.h"
#include "common/cleanup.h"

#include <errno.h>
#include <string.h>

/* ---- one setting as one line ---- */

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_setting(FILE *out, const config_setting_t *setting);

/* A list and an array of the same texts are the same to whoever wrote them. */
static void write_elements(FILE *out, const config_setting_t *setting)
{
    bool group = config_setting_is_group(setting);

    fputs(group ? "{ " : "( ", out);
    for (unsigned i = 0; i < (unsigned)config_setting_length(setting); i++) {
        const config_setting_t *element = config_setting_get_elem(setting, i);

        if (i)
            fputs(group ? " " : ", ", out);
        if (group)
            fprintf(out, "%s = ", config_setting_name(element));
        write_setting(out, element);
        if (group)
            fputc(';', out);
    }
    fputs(group ? " }" : " )", out);
}

static void write_setting(FILE *out, const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        write_text(out, config_setting_get_string(setting));
        break;
    case CONFIG_TYPE_BOOL:
        fputs(config_setting_get_bool(setting) ? "true" : "false", out);
        break;
    case CONFIG_TYPE_FLOAT:
        fprintf(out, "%.17g", config_setting_get_float(setting));
        break;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        fprintf(out, "%lld", config_setting_get_int64(setting));
        break;
    default:
        write_elements(out, setting);
    }
}

static char *format_setting(const config_setting_t *setting)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    write_setting(out, setting);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- kept for each key ---- */

int config_keep_value(const struct config_reader *reader, const struct config_key *key, const config_setting_t *setting,
                      struct config *config)
{
    struct config_value *value = &config->values[key - config_keys];
    struct config_origin at = config_setting_origin(reader, setting);
    char *origin = NULL, *text = format_setting(setting);

    if (!text)
        return -ENOMEM;
    if (reader->text && asprintf(&origin, "%s:%u", at.file, at.line) < 0) {
        free(text);
        return -ENOMEM;
    }
    free(value->text);
    free(value->origin);
    *value = (struct config_value){.text = text, .origin = origin};
    return 0;
}

const char *config_origin_of(const struct config *config, const char *key)
{
    return config->values[config_key_find(key) - config_keys].origin;
}

void config_free_values(struct config *config)
{
    for (size_t i = 0; config->values && i < config_n_keys; i++) {
        free(config->values[i].text);
        free(config->values[i].origin);
    }
    free(config->values);
}

/* ---- comparing ---- */

/* The files of networks may say something else under the same names. */
static bool same_classes(const struct config *a, const struct config *b)
{
    bool same = a->n_classes == b->n_classes;

    for (size_t i = 0; same && i < a->n_classes; i++) {
        const struct config_class *x = &a->classes[i], *y = &b->classes[i];

        same = strcmp(x->name, y->name) == 0 && x->n_networks == y->n_networks;
        for (size_t j = 0; same && j < x->n_networks; j++) {
            const struct config_network *m = &x->networks[j], *n = &y->networks[j];

            same = m->family == n->family && m->prefix_len == n->prefix_len &&
                   memcmp(m->address, n->address, sizeof(m->address)) == 0;
        }
    }
    return same;
}

int config_compare(const struct config *a, const struct config *b,
                   int (*fn)(const struct config_change *change, void *userdata), void *userdata)
{
    for (size_t i = 0; i < config_n_keys; i++) {
        struct config_change change = {.key = config_keys[i].path,
                                       .before = a->values[i].text,
                                       .after = b->values[i].text,
                                       .origin = b->values[i].origin};
        bool same = strcmp(change.before, change.after) == 0;
        int r;

        if (same && strcmp(change.key, "classes") == 0)
            same = same_classes(a, b);
        r = same ? 0 : fn(&change, userdata);
        if (r < 0)
            return r;
    }
    return 0;
}
