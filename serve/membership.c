#include "serve/directory.h"

#include "common/cleanup.h"

#include <string.h>

static bool is_text_of(const char *text, const char *name, int64_t number)
{
    size_t n = strspn(text, "0123456789");

    if (name && strcmp(text, name) == 0)
        return true;
    return n > 0 && n <= 10 && !text[n] && strtoll(text, NULL, 10) == number;
}

static bool names_user(const struct config_texts *users, const struct identity *i)
{
    for (size_t k = 0; k < users->n; k++)
        if (is_text_of(users->v[k], i->name, i->uid))
            return true;
    return false;
}

static bool is_group_of(const char *text, const struct identity *i)
{
    for (size_t k = 0; k < i->n_groups; k++)
        if (is_text_of(text, i->groups[k].name, i->groups[k].gid))
            return true;
    return false;
}

static bool names_group(const struct config_texts *groups, const struct identity *i)
{
    for (size_t k = 0; k < groups->n; k++)
        if (is_group_of(groups->v[k], i))
            return true;
    return false;
}

/* What stands in parentheses is nobody's project: "(none)" holds all that has no group. */
static int add_project(struct membership *m, const char *name)
{
    char **v;

    if (*name == '(')
        return 0;
    for (size_t i = 0; i < m->n_projects; i++)
        if (strcmp(m->projects[i], name) == 0)
            return 0;
    v = reallocarray(m->projects, m->n_projects + 1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    m->projects = v;
    v[m->n_projects] = strdup(name);
    if (!v[m->n_projects])
        return -ENOMEM;
    m->n_projects++;
    return 0;
}

static int add_projects(const struct config *config, const struct identity *identity, struct membership *m)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->n_projects; i++) {
        const struct config_project *rule = &config->projects[i];

        if (names_user(&rule->users, identity) || names_group(&rule->groups, identity))
            r = add_project(m, rule->name);
    }
    for (size_t i = 0; r == 0 && i < identity->n_groups; i++)
        if (identity->groups[i].name)
            r = add_project(m, identity->groups[i].name);
    return r;
}

int membership_decide(const struct config *config, const struct identity *identity, struct membership *ret)
{
    const char *admins = config->serve_admin_group;
    struct membership m = {.uid = identity->uid};
    int r;

    m.admin = m.uid == 0 || (*admins && is_group_of(admins, identity));
    m.name = identity->name ? strdup(identity->name) : NULL;
    r = identity->name && !m.name ? -ENOMEM : add_projects(config, identity, &m);
    if (r < 0)
        membership_done(&m);
    else
        *ret = m;
    return r;
}
