#include <errno.h>
#include <search.h>
#include <string.h>

#include "collector/config_keys.h"
#include "common/cleanup.h"

/* While rules are read. The tree holds every name, group, user and unit that a rule has taken, as "KIND:TEXT". */
struct projects_reader {
    struct config rules; /* only the projects are used */
    size_t n_texts;
    void *tree;
};

struct rule_target {
    struct projects_reader *p;
    struct config_project *rule;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void cleanup_tree(void **tree)
{
    tdestroy(*tree, free);
}

/* Which of two rules would get what both claim is nothing that an order in a file should decide. */
static int take_text(struct config_reader *reader, const config_setting_t *setting, struct projects_reader *p,
                     const char *kind, const char *text)
{
    cleanup_free char *mine = NULL;

    if (asprintf(&mine, "%s:%s", kind, text) < 0) {
        mine = NULL;
        return -ENOMEM;
    }
    char **found = tsearch(mine, &p->tree, compare_texts);
    if (!found)
        return -ENOMEM;
    if (*found != mine)
        return config_complain(reader, setting, "is the %s of a rule already; each may stand in one rule, once", kind);
    mine = NULL; /* the tree's */
    return ++p->n_texts <= CONFIG_MAX_RULE_TEXTS
               ? 0
               : config_complain(reader, setting,
                                 "makes more than %d names in all rules; write groups instead of users",
                                 CONFIG_MAX_RULE_TEXTS);
}

static int take_texts(struct config_reader *reader, const config_setting_t *setting, struct rule_target *t,
                      const char *kind, const struct config_texts *texts)
{
    int r = 0;

    for (size_t i = 0; i < texts->n && r == 0; i++)
        r = take_text(reader, config_setting_get_elem(setting, (unsigned)i), t->p, kind, texts->v[i]);
    return r;
}

/* Names in brackets are the store's own: "(none)", "(overflow)". */
int config_read_project_name(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    if (text[0] == '(')
        return config_complain(reader, setting, "begins with a bracket, as PDTT's own names do; choose another name");
    if (strlen(text) > CONFIG_MAX_PROJECT_NAME)
        return config_complain(reader, setting, "is longer than %d bytes; shorten it", CONFIG_MAX_PROJECT_NAME);
    return config_replace_text(target, text);
}

static int read_name(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct rule_target *t = target;
    int r = config_read_project_name(reader, setting, &t->rule->name);

    return r < 0 ? r : take_text(reader, setting, t->p, "name", t->rule->name);
}

static int read_groups(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct rule_target *t = target;
    int r = config_read_texts(reader, setting, &t->rule->groups, NULL);

    return r < 0 ? r : take_texts(reader, setting, t, "group", &t->rule->groups);
}

static int read_users(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct rule_target *t = target;
    int r = config_read_texts(reader, setting, &t->rule->users, NULL);

    return r < 0 ? r : take_texts(reader, setting, t, "user", &t->rule->users);
}

/* Each part of a pattern stands for one directory, so what could never match one is a slip. */
static int check_unit(struct config_reader *reader, const config_setting_t *setting, const char **text)
{
    const char *p = *text + (**text == '/');

    *text = p;
    do {
        size_t n = strcspn(p, "/");
        if (n == 0)
            return config_complain(reader, setting, "has an empty part; write a path like \"*/slurm*/job_*\"");
        if (n <= 2 && strncmp(p, "..", n) == 0)
            return config_complain(reader, setting, "has a part that no cgroup is called; leave . and .. out");
        p += n;
    } while (*p++ == '/');
    return 0;
}

static int read_units(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct rule_target *t = target;
    int r = config_read_texts(reader, setting, &t->rule->units, check_unit);

    return r < 0 ? r : take_texts(reader, setting, t, "unit", &t->rule->units);
}

static int read_allocation(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct rule_target *t = target;

    return config_read_rule_allocation(reader, setting, &t->rule->allocation);
}

static const struct config_member members[] = {
    {"name", true, read_name},    {"groups", false, read_groups},         {"users", false, read_users},
    {"units", false, read_units}, {"allocation", false, read_allocation},
};

static int read_rule(struct config_reader *reader, const config_setting_t *setting, struct rule_target *t)
{
    int r = config_read_members(reader, setting, "a rule", members, array_length(members), t);

    if (r == 0 && t->rule->groups.n + t->rule->users.n + t->rule->units.n == 0)
        return config_complain(reader, setting,
                               "is a rule that nothing can match; add groups, users or units, or write its allocation "
                               "below 'allocations'");
    return r;
}

int config_read_projects(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    struct projects_reader p = {0};
    cleanup(cleanup_tree) void *tree = NULL;
    struct config *config = target;
    int n = config_setting_length(setting);
    int r = config_require_list(reader, setting, "rules", "( { name = \"pawsey0001\"; groups = ( \"pawsey0001\" ); } )",
                                CONFIG_MAX_PROJECTS);

    if (r < 0)
        return r;
    p.rules.projects = calloc((size_t)n + 1, sizeof(*p.rules.projects));
    if (!p.rules.projects)
        return -ENOMEM;
    for (int i = 0; i < n && r == 0; i++) {
        struct rule_target t = {&p, &p.rules.projects[p.rules.n_projects++]};
        r = read_rule(reader, config_setting_get_elem(setting, (unsigned)i), &t);
    }
    tree = p.tree;
    if (r < 0) {
        config_free_projects(&p.rules);
        return r;
    }
    config_free_projects(config);
    config->projects = p.rules.projects;
    config->n_projects = p.rules.n_projects;
    return 0;
}

void config_free_projects(struct config *config)
{
    for (size_t i = 0; i < config->n_projects; i++) {
        struct config_project *p = &config->projects[i];
        free(p->name);
        config_free_texts(&p->groups);
        config_free_texts(&p->users);
        config_free_texts(&p->units);
        config_free_allocation(p->allocation);
    }
    free(config->projects);
    config->projects = NULL;
    config->n_projects = 0;
}

bool config_has_project(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_projects; i++)
        if (strcmp(config->projects[i].name, name) == 0)
            return true;
    return false;
}
