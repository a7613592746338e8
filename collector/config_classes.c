#include <errno.h>
#include <search.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"

/* While classes are read: they are kept apart from the old ones until all are good. */
struct classes_reader {
    struct config classes; /* only the classes are used */
    size_t n_networks;
    void *tree; /* tsearch(3) of all networks, as struct taken */
};

/* One class on its way. */
struct class_target {
    struct classes_reader *c;
    struct config_class *class;
};

struct taken {
    struct config_network network; /* first: compared as bytes */
    const char *class_name;        /* of the class that has it */
};

_Static_assert(sizeof(struct config_network) == 24, "compared as bytes: no padding");

static int compare_networks(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct config_network));
}

static void cleanup_tree(void **tree)
{
    tdestroy(*tree, free);
}

/* ---- networks, from a list or from a file ---- */

/* Room for one more, grown by doubling. */
static int append_network(struct config_class *class, const struct config_network *network)
{
    size_t n = class->n_networks;

    if ((n & (n - 1)) == 0) {
        struct config_network *larger = reallocarray(class->networks, n ? 2 * n : 1, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        class->networks = larger;
    }
    class->networks[class->n_networks++] = *network;
    return 0;
}

/* 0 and *ret_class NULL, or the name of the class that has the network already. */
static int take_network(struct class_target *t, const struct config_network *network, const char **ret_class)
{
    struct taken *mine = malloc(sizeof(*mine)), **found;

    *ret_class = NULL;
    if (!mine)
        return -ENOMEM;
    *mine = (struct taken){*network, t->class->name};
    found = tsearch(mine, &t->c->tree, compare_networks);
    if (found && *found == mine)
        return append_network(t->class, network);
    *ret_class = found ? (*found)->class_name : NULL;
    free(mine);
    return found ? 0 : -ENOMEM;
}

/* *ret_wrong is NULL or what is wrong with the text, in buf. */
static int add_network(struct class_target *t, const char *text, const char **ret_wrong, char buf[static 256])
{
    struct config_network network;
    const char *other = NULL;

    *ret_wrong = config_parse_network(text, &network, buf);
    if (*ret_wrong)
        return 0;
    if (t->c->n_networks == CONFIG_MAX_NETWORKS) {
        snprintf(buf, 256, "makes more than %d networks in all; join some", CONFIG_MAX_NETWORKS);
        *ret_wrong = buf;
        return 0;
    }
    int r = take_network(t, &network, &other);
    if (r < 0)
        return r;
    t->c->n_networks++;
    if (other) {
        snprintf(buf, 256, "is in class '%s' already; a network belongs to one class, once", other);
        *ret_wrong = buf;
    }
    return 0;
}

static int read_networks(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    int n = config_setting_length(setting);
    int r = config_require_list(reader, setting, "networks", "( \"10.0.0.0/8\", ... )", CONFIG_MAX_NETWORKS);

    if (r == 0 && n == 0)
        return config_complain(reader, setting, "holds no network; name one, or remove the class");
    for (int i = 0; i < n && r == 0; i++) {
        const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        const char *text, *wrong = NULL;
        char buf[256];
        r = config_read_text(reader, element, &text);
        if (r == 0)
            r = add_network(target, text, &wrong, buf);
        if (r == 0 && wrong)
            r = config_complain(reader, element, "%s", wrong);
    }
    return r;
}

/* One line without its newline, which is overwritten: blanks around the network and a comment behind it are cut off. */
static int read_line(struct config_reader *reader, struct class_target *t, const char *file, unsigned line, char *text)
{
    const char *wrong = NULL;
    char buf[256];

    text[strcspn(text, "#")] = '\0';
    text += strspn(text, " \t\r");
    for (size_t n = strlen(text); n > 0 && strchr(" \t\r", text[n - 1]); n--)
        text[n - 1] = '\0';
    int r = *text ? add_network(t, text, &wrong, buf) : 0;
    return wrong ? config_complain_line(reader, "%s:%u: value '%.200s': %s", file, line, text, wrong) : r;
}

static int read_lines(struct config_reader *reader, struct class_target *t, const char *file, char *bytes, size_t n)
{
    unsigned line = 1;
    int r = 0;

    for (char *p = bytes, *end = bytes + n; p < end && r == 0; line++) {
        char *newline = memchr(p, '\n', (size_t)(end - p)) ?: end;
        if (memchr(p, '\0', (size_t)(newline - p)))
            return config_complain_line(reader, "%s:%u: holds a zero byte; name a text file", file, line);
        *newline = '\0';
        r = read_line(reader, t, file, line, p);
        p = newline + 1;
    }
    return r;
}

/* Relative to the file that names it, as with @include. */
static int full_path(const struct config_origin *at, const char *path, char **ret)
{
    const char *slash = path[0] != '/' ? strrchr(at->file, '/') : NULL;
    int n = asprintf(ret, "%.*s%s", slash ? (int)(slash + 1 - at->file) : 0, at->file, path);

    if (n < 0)
        *ret = NULL;
    return n < 0 ? -ENOMEM : 0;
}

static int read_networks_file(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct config_origin at = config_setting_origin(reader, setting);
    cleanup_free char *key = config_setting_path(setting), *path = NULL, *subject = NULL, *bytes = NULL;
    struct class_target *t = target;
    size_t n, before = t->class->n_networks;
    const char *text;
    int r = config_read_text(reader, setting, &text);

    if (r == 0)
        r = full_path(&at, text, &path);
    if (r < 0)
        return r;
    if (!key || asprintf(&subject, "%s:%u: key '%s': value \"%s\"", at.file, at.line, key, path) < 0) {
        subject = NULL;
        return -ENOMEM;
    }
    if (config_text_read_bytes(subject, path, &bytes, &n, &reader->why) < 0)
        return reader->why ? -EINVAL : -ENOMEM;
    r = read_lines(reader, t, path, bytes, n);
    if (r == 0 && t->class->n_networks == before)
        return config_complain(reader, setting, "holds no network; write one on each line, or remove the key");
    return r;
}

/* ---- classes ---- */

static int read_name(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const reserved[] = {"external", "loopback"};
    struct class_target *t = target;
    const char *name;
    int r = config_read_text(reader, setting, &name);

    if (r < 0)
        return r;
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
        return config_complain(reader, setting, "is no name of a class; use only a-z, 0-9, - and _");
    if (strlen(name) > CONFIG_MAX_CLASS_NAME)
        return config_complain(reader, setting, "is longer than %d characters; shorten it", CONFIG_MAX_CLASS_NAME);
    for (size_t i = 0; i < array_length(reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return config_complain(reader, setting, "is a class that always exists; choose another name");
    for (size_t i = 0; i < t->c->classes.n_classes; i++) {
        const char *other = t->c->classes.classes[i].name;
        if (other && strcmp(name, other) == 0)
            return config_complain(reader, setting, "names a second class so; put all its networks into one");
    }
    t->class->name = strdup(name);
    return t->class->name ? 0 : -ENOMEM;
}

static const struct config_member class_members[] = {
    {"name", true, read_name}, /* first: messages about networks name the class */
    {"networks", false, read_networks},
    {"networks_file", false, read_networks_file},
};

static int read_class(struct config_reader *reader, const config_setting_t *setting, struct class_target *t)
{
    int r = config_read_members(reader, setting, "a class", class_members, array_length(class_members), t);

    if (r == 0 && t->class->n_networks == 0)
        return config_complain(reader, setting, "is a class without 'networks'; add it, or 'networks_file'");
    return r;
}

int config_read_classes(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct classes_reader c = {0};
    cleanup(cleanup_tree) void *tree = NULL;
    struct config *config = target;
    int n = config_setting_length(setting);
    int r = config_require_list(reader, setting, "classes", "( { name = ...; networks = ...; } )", CONFIG_MAX_CLASSES);

    if (r < 0)
        return r;
    c.classes.classes = calloc((size_t)n + 1, sizeof(*c.classes.classes));
    if (!c.classes.classes)
        return -ENOMEM;
    for (int i = 0; i < n && r == 0; i++) {
        struct class_target t = {&c, &c.classes.classes[c.classes.n_classes++]};
        r = read_class(reader, config_setting_get_elem(setting, (unsigned)i), &t);
    }
    tree = c.tree;
    if (r < 0) {
        config_free_classes(&c.classes);
        return r;
    }
    config_free_classes(config);
    config->classes = c.classes.classes;
    config->n_classes = c.classes.n_classes;
    return 0;
}

void config_free_classes(struct config *config)
{
    for (size_t i = 0; i < config->n_classes; i++) {
        free(config->classes[i].name);
        free(config->classes[i].networks);
    }
    free(config->classes);
    config->classes = NULL;
    config->n_classes = 0;
}
