#include "serve/directory.h"

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "serve/host_users.h"

#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

/* Short, because a membership that has ended should soon show nothing; some, because a page asks often. */
#define BELIEVED_NS (10 * NSEC_PER_SEC)

enum { REMEMBERED = 256 };

struct remembered {
    struct membership membership;
    int64_t until_ns; /* by the boot-time clock; 0: free */
};

struct directory {
    pthread_mutex_t lock; /* of all below; never held while the host's services are asked */
    char *path;           /* NULL: where pdttd looks */
    struct config *config;
    struct stat file; /* that was read */
    struct claim_rules rules;
    struct stat tokens_file; /* that was read */
    struct remembered remembered[REMEMBERED];
};

/* ---- the configuration ---- */

static const char *path_of(const struct directory *d)
{
    return d->path ? d->path : CONFIG_DEFAULT_PATH;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void forget_all(struct directory *d)
{
    for (size_t i = 0; i < REMEMBERED; i++) {
        membership_done(&d->remembered[i].membership);
        d->remembered[i].until_ns = 0;
    }
}

/* ---- tokens and the proxy ---- */

static int64_t uid_of_proxy(const char *name)
{
    const struct passwd *pw = *name ? getpwnam(name) : NULL;
    char *end;
    unsigned long number = strtoul(name, &end, 10);

    if (pw)
        return pw->pw_uid;
    if (*name && !*end && number < UINT32_MAX)
        return (int64_t)number;
    if (*name)
        log_warning("serve.proxy_user: this host has no user '%s', so no proxy is believed", name);
    return -1;
}

/* What cannot be read opens to nobody; a line that is wrong leaves the tokens as they were. */
static void read_tokens(struct directory *d)
{
    cleanup_fclose FILE *in = *d->config->serve_tokens ? fopen(d->config->serve_tokens, "re") : NULL;
    cleanup_free char *why = NULL;
    struct tokens tokens = {0};
    int r = 0;

    if (!in && *d->config->serve_tokens)
        log_warning("serve.tokens: %s: %s; no token is known", d->config->serve_tokens, strerror(errno));
    if (in)
        r = tokens_read(in, d->config->serve_tokens, &tokens, &why);
    if (r < 0) {
        log_warning("%s; going on with the tokens as they were", why ? why : "out of memory");
        return;
    }
    tokens_done(&d->rules.tokens);
    d->rules.tokens = tokens;
}

static void refresh_tokens(struct directory *d)
{
    struct stat now = {0};

    if (!*d->config->serve_tokens || stat(d->config->serve_tokens, &now) < 0)
        now = (struct stat){0};
    if (is_same_file(&now, &d->tokens_file))
        return;
    d->tokens_file = now;
    read_tokens(d);
}

static void apply_config(struct directory *d, struct config *config)
{
    config_free(d->config);
    d->config = config;
    d->rules.proxy_uid = uid_of_proxy(config->serve_proxy_user);
    d->tokens_file = (struct stat){.st_size = -1};
    refresh_tokens(d);
}

/* Looks whether the files are others than those that were read. */
static void refresh(struct directory *d)
{
    cleanup_free char *why = NULL;
    struct config *config = NULL;
    struct stat now = {0};

    if (stat(path_of(d), &now) < 0)
        now = (struct stat){0};
    refresh_tokens(d);
    if (is_same_file(&now, &d->file))
        return;
    d->file = now; /* a bad one is told once */
    if (config_load_named(d->path, &config, &why) < 0) {
        log_warning("%s; going on with the configuration as it was", why ? why : "out of memory");
        return;
    }
    apply_config(d, config);
    forget_all(d);
}

int directory_open(const char *path, struct directory **ret_directory, char **ret_why)
{
    struct directory *d = calloc(1, sizeof(*d));
    struct config *config = NULL;
    int r;

    if (!d)
        return -ENOMEM;
    pthread_mutex_init(&d->lock, NULL);
    d->path = path ? strdup(path) : NULL;
    if (stat(path_of(d), &d->file) < 0)
        d->file = (struct stat){0};
    r = path && !d->path ? -ENOMEM : config_load_named(d->path, &config, ret_why);
    if (r < 0) {
        directory_close(d);
        return r;
    }
    apply_config(d, config);
    *ret_directory = d;
    return 0;
}

struct directory *directory_close(struct directory *d)
{
    if (!d)
        return NULL;
    forget_all(d);
    config_free(d->config);
    tokens_done(&d->rules.tokens);
    pthread_mutex_destroy(&d->lock);
    free(d->path);
    free(d);
    return NULL;
}

static char *path_in_config(struct directory *d, size_t offset)
{
    char *path;

    pthread_mutex_lock(&d->lock);
    refresh(d);
    path = strdup(*(char **)((char *)d->config + offset));
    pthread_mutex_unlock(&d->lock);
    return path;
}

char *directory_database(struct directory *d)
{
    return path_in_config(d, offsetof(struct config, database));
}

char *directory_control(struct directory *d)
{
    return path_in_config(d, offsetof(struct config, control));
}

size_t directory_metrics_users(struct directory *d)
{
    size_t n;

    pthread_mutex_lock(&d->lock);
    refresh(d);
    n = d->config->serve_metrics_users;
    pthread_mutex_unlock(&d->lock);
    return n;
}

int directory_claim(struct directory *d, struct evidence evidence, directory_header_fn header, void *request,
                    struct claim *ret, const char **ret_why)
{
    int r;

    pthread_mutex_lock(&d->lock);
    refresh(d);
    evidence.authorization = header(request, "Authorization");
    evidence.user = header(request, d->config->serve_user_header);
    r = claim_decide(&d->rules, &evidence, ret, ret_why);
    pthread_mutex_unlock(&d->lock);
    return r;
}

bool directory_trusts(struct directory *d, int64_t uid)
{
    bool ret;

    pthread_mutex_lock(&d->lock);
    ret = d->rules.proxy_uid >= 0 && d->rules.proxy_uid == uid;
    pthread_mutex_unlock(&d->lock);
    return ret;
}

/* ---- what is remembered ---- */

static int copy_membership(const struct membership *from, struct membership *ret)
{
    struct membership copy = {.uid = from->uid, .admin = from->admin};

    copy.name = from->name ? strdup(from->name) : NULL;
    copy.projects = calloc(from->n_projects + 1, sizeof(*copy.projects));
    while (copy.projects && copy.n_projects < from->n_projects &&
           (copy.projects[copy.n_projects] = strdup(from->projects[copy.n_projects])))
        copy.n_projects++;
    if ((from->name && !copy.name) || !copy.projects || copy.n_projects < from->n_projects) {
        membership_done(&copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

static bool is_claimed(const struct claim *claim, const struct membership *m)
{
    if (claim->kind == CLAIM_NAME)
        return m->name && strcmp(m->name, claim->name) == 0;
    return m->uid == claim->uid;
}

static struct remembered *recall(struct directory *d, const struct claim *claim)
{
    int64_t now = clock_boottime_ns();

    for (size_t i = 0; i < REMEMBERED; i++)
        if (d->remembered[i].until_ns > now && is_claimed(claim, &d->remembered[i].membership))
            return &d->remembered[i];
    return NULL;
}

/* In the place of the one that is forgotten first. What cannot be copied is asked for again. */
static void remember(struct directory *d, const struct membership *m)
{
    struct remembered *place = &d->remembered[0];

    for (size_t i = 1; i < REMEMBERED; i++)
        if (d->remembered[i].until_ns < place->until_ns)
            place = &d->remembered[i];
    membership_done(&place->membership);
    place->until_ns = copy_membership(m, &place->membership) < 0 ? 0 : clock_boottime_ns() + BELIEVED_NS;
}

/* Whom no service need be asked for: root sees all, even when none answers, and so does who has such a token. */
static bool is_known_to_all(const struct claim *claim)
{
    return claim->kind == CLAIM_ADMIN || claim->kind == CLAIM_METRICS || (claim->kind == CLAIM_UID && claim->uid == 0);
}

bool directory_must_ask(struct directory *d, const struct claim *claim)
{
    bool ret;

    pthread_mutex_lock(&d->lock);
    refresh(d);
    ret = !is_known_to_all(claim) && !recall(d, claim);
    pthread_mutex_unlock(&d->lock);
    return ret;
}

static int decide(struct directory *d, const struct claim *claim, struct membership *ret)
{
    cleanup(host_identity_done) struct identity identity = {.uid = claim->uid};
    int64_t uid = claim->uid;
    int r = claim->kind == CLAIM_NAME ? host_find_uid(claim->name, &uid) : 0;

    if (r == -ENOENT)
        return -EACCES;
    identity.uid = uid;
    if (r == 0 && !is_known_to_all(claim))
        r = host_identify(uid, &identity);
    if (r < 0)
        return r;
    pthread_mutex_lock(&d->lock);
    r = membership_decide(d->config, &identity, ret);
    if (r == 0)
        remember(d, ret);
    pthread_mutex_unlock(&d->lock);
    return r;
}

static int name_holder(const struct claim *claim, struct membership *ret)
{
    *ret = (struct membership){.uid = -1, .admin = claim->kind == CLAIM_ADMIN, .name = strdup(claim->name)};
    return ret->name ? 0 : -ENOMEM;
}

int directory_find(struct directory *d, const struct claim *claim, struct membership *ret)
{
    const struct remembered *known;
    int r = -ENOENT;

    if (claim->kind == CLAIM_ADMIN || claim->kind == CLAIM_METRICS)
        return name_holder(claim, ret);
    pthread_mutex_lock(&d->lock);
    known = recall(d, claim);
    if (known)
        r = copy_membership(&known->membership, ret);
    pthread_mutex_unlock(&d->lock);
    return known ? r : decide(d, claim, ret);
}
