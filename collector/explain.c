#include "collector/explain.h"

#include "collector/names_nss.h"
#include "collector/projects.h"
#include "common/cleanup.h"
#include "common/escape.h"
#include "common/log.h"

#include <pwd.h>
#include <string.h>

static void cleanup_projects(struct projects **p)
{
    projects_free(*p);
}

/* ---- names, here and now ---- */

static int look_up(enum projects_key key, const char *name, void *userdata)
{
    struct projects *projects = userdata;
    uint32_t id = 0;
    int error = key == PROJECTS_USER ? names_nss_find_uid(name, &id) : names_nss_find_gid(name, &id);

    projects_answer(projects, key, name, error, id, 0);
    return 0;
}

static int read_rules(const struct config *config, struct projects **ret)
{
    struct projects_match match;
    int r = projects_new(config, NULL, ret);

    if (r < 0)
        return r;
    projects_ask(*ret, 0, look_up, *ret);
    while (projects_tell_unknown(*ret, &match))
        log_warning("rule of project '%s': no %s '%s' is known here; the rule matches nobody for it until there is one",
                    match.rule->name, match.key == PROJECTS_USER ? "user" : "group", match.text);
    return 0;
}

/* Services that failed are not asked for each further name: the unit checks before it starts, and they may take minutes to fail. */
static bool is_known(const char *name, int (*find)(const char *name, uint32_t *ret_id))
{
    static bool failed;
    uint32_t id;
    int r = failed || name[strspn(name, "0123456789")] == '\0' ? 0 : find(name, &id);

    failed = failed || (r < 0 && r != -ENOENT);
    return r != -ENOENT;
}

static void warn_of_subject(const struct config *config, const char *what, const char *user, const char *project)
{
    if (user && !is_known(user, names_nss_find_uid))
        log_warning("%s: no user '%s' is known here; it matches nothing until there is one", what, user);
    if (project && !config_has_project(config, project) && !is_known(project, names_nss_find_gid))
        log_warning("%s: no rule and no group here has the name of project '%s'; it matches nothing until one has",
                    what, project);
}

static void warn_of_policy(const struct config *config, const struct policy *policy)
{
    char what[POLICY_NAME_SIZE + sizeof("policy ''")];

    snprintf(what, sizeof(what), "policy '%s'", policy->name);
    warn_of_subject(config, what, policy->user, policy->project);
    if (policy->group && !is_known(policy->group, names_nss_find_gid))
        log_warning("%s: no group '%s' is known here; it matches nothing until there is one", what, policy->group);
}

int explain_unknown_names(const struct config *config)
{
    cleanup(cleanup_projects) struct projects *projects = NULL;
    int r = read_rules(config, &projects);

    for (size_t i = 0; i < config->n_allocations; i++)
        warn_of_subject(config, "an allocation", config->allocations[i].user, config->allocations[i].project);
    for (size_t i = 0; i < config->policies.n; i++)
        warn_of_policy(config, &config->policies.v[i]);
    if (config->policies.n && config->limit_policies == 0)
        log_warning("limits.policies is 0: none of the policies will be in force");
    return r;
}

/* A number is one, known or not: accounts of deleted users have projects too. */
static int find_id(const char *what, const char *text, int (*find)(const char *name, uint32_t *ret_id), int64_t *ret)
{
    size_t n = strspn(text, "0123456789");
    uint32_t id;

    *ret = n > 0 && n <= 10 && !text[n] ? strtoll(text, NULL, 10) : -1;
    if (*ret >= 0 && *ret < UINT32_MAX)
        return 0;
    int r = find(text, &id);
    if (r == -ENOENT)
        log_error("option --%s: '%s': no such %s is known here; name another or give a number", what, text, what);
    else if (r < 0)
        log_error("option --%s: '%s': cannot be looked up: %s; give a number", what, text, strerror(-r));
    else
        *ret = id;
    return r;
}

static int find_gid(const struct explain_question *question, int64_t uid, int64_t *ret_gid)
{
    if (question->group)
        return find_id("group", question->group, names_nss_find_gid, ret_gid);
    const struct passwd *entry = uid >= 0 ? getpwuid((uid_t)uid) : NULL;
    *ret_gid = entry ? (int64_t)entry->pw_gid : -1;
    return 0;
}

/* ---- units ---- */

/* Within PATH's own mount or below the root: "/sys/fs/cgroup/a/b", "/a/b" and "a/b" are the same. */
static const char *path_below(const char *root, const char *path)
{
    size_t n = strlen(root);

    if (strncmp(path, root, n) == 0 && path[n] == '/')
        path += n;
    return path + strspn(path, "/");
}

/* The nearest directory of path that a rule names: what the processes in it belong to. */
static bool find_unit(const struct projects *p, char *path, struct projects_match *ret_match)
{
    for (char *end = path + strlen(path); end; end = strrchr(path, '/')) {
        *end = '\0';
        if (projects_match_unit(p, path, ret_match))
            return true;
    }
    return false;
}

/* ---- the answer ---- */

static void print_group(int64_t gid)
{
    cleanup_free char *name = NULL;

    if (gid < 0) {
        puts("no rule matches, and there is no group: project (none)");
        return;
    }
    int r = names_nss_find_group((uint32_t)gid, &name);
    cleanup_free char *shown = r == 0 ? escape_terminal(name) : NULL;
    if (shown)
        printf("no rule matches: project %s, the name of group %lld\n", shown, (long long)gid);
    else
        printf("no rule matches: project gid %lld, whose name is not known here\n", (long long)gid);
}

static void print_match(const struct projects_match *match, const char *unit)
{
    static const char *const keys[] = {
        [PROJECTS_UNIT] = "units", [PROJECTS_USER] = "users", [PROJECTS_GROUP] = "groups"};
    cleanup_free char *project = escape_terminal(match->rule->name), *text = escape_terminal(match->text);
    cleanup_free char *shown = match->key == PROJECTS_UNIT ? escape_terminal(unit) : NULL;

    if (project && text)
        printf("project %s, by \"%s\" of %s in its rule%s%s\n", project, text, keys[match->key], shown ? ", unit " : "",
               shown ? shown : "");
}

int explain_project(const struct config *config, const char *root, const struct explain_question *question)
{
    cleanup(cleanup_projects) struct projects *projects = NULL;
    cleanup_free char *unit = strdup(question->unit ? path_below(root, question->unit) : "");
    int64_t uid = -1, gid = -1;
    struct projects_match match;
    int r = unit ? read_rules(config, &projects) : -ENOMEM;

    if (r == 0 && question->user)
        r = find_id("user", question->user, names_nss_find_uid, &uid);
    if (r == 0)
        r = find_gid(question, uid, &gid);
    if (r < 0)
        return r;
    if (find_unit(projects, unit, &match) || projects_find(projects, 0, uid, gid, &match))
        print_match(&match, unit);
    else
        print_group(gid);
    return 0;
}
