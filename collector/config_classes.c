#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"
#include "common/options.h"

/* While classes are read: they are kept apart from the old ones until all are good. */
struct classes_reader {
    struct config_reader *reader;
    struct config classes; /* only the classes are used */
    size_t n_networks;
    void *tree; /* tsearch(3) of all networks */
};

static int compare_networks(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct config_network));
}
static void keep_network(void *network) {}

_Static_assert(sizeof(struct config_network) == 24, "compared as bytes: no padding");

static const char *class_of_network(const struct config *config, const struct config_network *network)
{
    for (size_t i = 0; i < config->n_classes; i++) {
        const struct config_class *c = &config->classes[i];
        if (network >= c->networks && network < c->networks + c->n_networks)
            return c->name;
    }
    return "?";
}

static int add_to_tree(struct classes_reader *c, const config_setting_t *setting, struct config_network *network)
{
    struct config_network **found = tsearch(network, &c->tree, compare_networks);

    if (!found)
        return -ENOMEM;
    if (*found == network)
        return 0;
    return config_complain(c->reader, setting, "is in class '%s' already; a network belongs to one class, once",
                           class_of_network(&c->classes, *found));
}

/* Digits only, no sign, no leading zero; -1 if it is no prefix length of the family. */
static int parse_prefix_len(const char *text, int max)
{
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 3 || text[n] || (n > 1 && text[0] == '0'))
        return -1;
    int len = atoi(text);
    return len <= max ? len : -1;
}

/* The network that the address lies in: what its writer may have meant. */
static struct config_network clear_host_bits(struct config_network network)
{
    for (unsigned bit = network.prefix_len; bit < sizeof(network.address) * 8; bit++)
        network.address[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    return network;
}

/* Kernel programs see the packets of such a socket as IPv4, so a network of this kind would never match. */
static bool is_mapped(const struct config_network *network)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return network->family == AF_INET6 && network->prefix_len >= 96 &&
           memcmp(network->address, prefix, sizeof(prefix)) == 0;
}

static int check_network(struct config_reader *reader, const config_setting_t *setting,
                         const struct config_network *network)
{
    struct config_network clear = clear_host_bits(*network);
    char text[INET6_ADDRSTRLEN] = "";

    if (is_mapped(network)) {
        inet_ntop(AF_INET, clear.address + 12, text, sizeof(text));
        return config_complain(reader, setting, "is IPv4 written as IPv6; write \"%s/%u\"", text,
                               network->prefix_len - 96);
    }
    if (memcmp(&clear, network, sizeof(clear)) != 0) {
        inet_ntop(network->family, clear.address, text, sizeof(text));
        return config_complain(reader, setting, "has bits set behind the prefix; write \"%s/%u\"", text,
                               network->prefix_len);
    }
    return 0;
}

static int read_network(struct config_reader *reader, const config_setting_t *setting,
                        struct config_network *ret_network)
{
    struct config_network network = {0};
    char address[INET6_ADDRSTRLEN] = "";
    const char *text, *slash;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    network.family = strchr(text, ':') ? AF_INET6 : AF_INET;
    int max = network.family == AF_INET ? 32 : 128;
    slash = strchrnul(text, '/');
    if ((size_t)(slash - text) < sizeof(address))
        memcpy(address, text, (size_t)(slash - text));
    if (inet_pton(network.family, address, network.address) != 1)
        return config_complain(reader, setting, "is not a network; write it like \"10.0.0.0/8\" or \"fd00::/8\"");
    if (!*slash)
        return config_complain(reader, setting, "has no prefix length; for this one address write \"%s/%d\"", text,
                               max);
    int prefix_len = parse_prefix_len(slash + 1, max);
    if (prefix_len < 0)
        return config_complain(reader, setting, "has a bad prefix length; write a number from 0 to %d behind the /",
                               max);
    network.prefix_len = (unsigned)prefix_len;
    r = check_network(reader, setting, &network);
    if (r == 0)
        *ret_network = network;
    return r;
}

static int read_networks(struct classes_reader *c, const config_setting_t *setting, struct config_class *class)
{
    int n = config_setting_length(setting);

    if (!config_setting_is_list(setting) && !config_setting_is_array(setting))
        return config_complain(c->reader, setting, "is not a list; write ( \"10.0.0.0/8\", ... )");
    if (n == 0)
        return config_complain(c->reader, setting, "holds no network; name one, or remove the class");
    c->n_networks += (size_t)n;
    if (c->n_networks > CONFIG_MAX_NETWORKS)
        return config_complain(c->reader, setting, "makes more than %d networks in all; join some",
                               CONFIG_MAX_NETWORKS);
    class->networks = calloc((size_t)n, sizeof(*class->networks));
    if (!class->networks)
        return -ENOMEM;
    class->n_networks = (size_t)n; /* before they are read: class_of_network() looks for them */
    for (int i = 0; i < n; i++) {
        const config_setting_t *element = config_setting_get_elem(setting, (unsigned)i);
        int r = read_network(c->reader, element, &class->networks[i]);
        if (r == 0)
            r = add_to_tree(c, element, &class->networks[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_name(struct classes_reader *c, const config_setting_t *setting, struct config_class *class)
{
    static const char *const reserved[] = {"external", "loopback"};
    const char *name;
    int r = config_read_text(c->reader, setting, &name);

    if (r < 0)
        return r;
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
        return config_complain(c->reader, setting, "is no name of a class; use only a-z, 0-9, - and _");
    if (strlen(name) > CONFIG_MAX_CLASS_NAME)
        return config_complain(c->reader, setting, "is longer than %d characters; shorten it", CONFIG_MAX_CLASS_NAME);
    for (size_t i = 0; i < array_length(reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return config_complain(c->reader, setting, "is a class that always exists; choose another name");
    for (size_t i = 0; i < c->classes.n_classes; i++) {
        const char *other = c->classes.classes[i].name;
        if (other && strcmp(name, other) == 0)
            return config_complain(c->reader, setting, "names a second class so; put all its networks into one");
    }
    class->name = strdup(name);
    return class->name ? 0 : -ENOMEM;
}

static const struct class_key {
    const char *name;
    int (*read)(struct classes_reader *c, const config_setting_t *setting, struct config_class *class);
} class_keys[] = {
    {"name", read_name}, /* first: messages about networks name the class */
    {"networks", read_networks},
};

static int refuse_unknown_keys(struct config_reader *reader, const config_setting_t *group)
{
    const char *names[array_length(class_keys)];

    for (size_t i = 0; i < array_length(class_keys); i++)
        names[i] = class_keys[i].name;
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(s);
        bool known = false;
        for (size_t k = 0; k < array_length(names); k++)
            known = known || strcmp(name, names[k]) == 0;
        const char *nearest = known ? NULL : options_nearest(name, names, array_length(names));
        if (nearest)
            return config_complain(reader, s, "is an unknown key; did you mean '%s'?", nearest);
        if (!known)
            return config_complain(reader, s, "is an unknown key; a class has 'name' and 'networks' only");
    }
    return 0;
}

static int read_class(struct classes_reader *c, const config_setting_t *setting, struct config_class *class)
{
    if (!config_setting_is_group(setting))
        return config_complain(c->reader, setting,
                               "is not a class; write { name = \"internal\"; networks = ( \"10.0.0.0/8\" ); }");
    int r = refuse_unknown_keys(c->reader, setting);
    for (size_t i = 0; i < array_length(class_keys) && r == 0; i++) {
        const config_setting_t *s = config_setting_get_member(setting, class_keys[i].name);
        r = s ? class_keys[i].read(c, s, class)
              : config_complain(c->reader, setting, "is a class without '%s'; add it", class_keys[i].name);
    }
    return r;
}

int config_read_classes(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct classes_reader c = {.reader = reader};
    struct config *config = target;
    int n = config_setting_length(setting), r = 0;

    if (!config_setting_is_list(setting) && !(config_setting_is_array(setting) && n == 0))
        return config_complain(reader, setting, "is not a list of classes; write ( { name = ...; networks = ...; } )");
    if (n > CONFIG_MAX_CLASSES)
        return config_complain(reader, setting, "holds %d classes, more than %d; join some", n, CONFIG_MAX_CLASSES);
    c.classes.classes = calloc((size_t)n + 1, sizeof(*c.classes.classes));
    if (!c.classes.classes)
        return -ENOMEM;
    for (int i = 0; i < n && r == 0; i++)
        r = read_class(&c, config_setting_get_elem(setting, (unsigned)i), &c.classes.classes[c.classes.n_classes++]);
    tdestroy(c.tree, keep_network);
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
