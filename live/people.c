#include "live/people.h"

#include "common/cleanup.h"
#include "common/clock.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <search.h>

enum { BELIEVED_SEC = 60 };

enum id_kind { ID_USER, ID_GROUP };

struct person {
    enum id_kind kind;
    int64_t id;
    char *name;
    int64_t asked_ns;
};

struct people {
    void *tree; /* of struct person */
};

static int compare(const void *left, const void *right)
{
    const struct person *a = left, *b = right;

    if (a->kind != b->kind)
        return (int)a->kind - (int)b->kind;
    return (a->id > b->id) - (a->id < b->id);
}

struct people *people_new(void)
{
    return calloc(1, sizeof(struct people));
}

static void person_free(void *node)
{
    struct person *person = node;

    free(person->name);
    free(person);
}

struct people *people_free(struct people *p)
{
    if (p)
        tdestroy(p->tree, person_free);
    free(p);
    return NULL;
}

static char *look_up(enum id_kind kind, int64_t id)
{
    const struct passwd *user = kind == ID_USER ? getpwuid((uid_t)id) : NULL;
    const struct group *group = kind == ID_GROUP ? getgrgid((gid_t)id) : NULL;
    char *name = NULL;

    if (asprintf(&name, "%s", user ? user->pw_name : group ? group->gr_name : "") < 0)
        return NULL;
    if (*name)
        return name;
    free(name);
    return asprintf(&name, "%s %" PRId64, kind == ID_USER ? "uid" : "gid", id) < 0 ? NULL : name;
}

static const char *name_of(struct people *p, enum id_kind kind, int64_t id)
{
    const struct person key = {.kind = kind, .id = id};
    struct person *const *found = tfind(&key, &p->tree, compare);
    int64_t now_ns = clock_boottime_ns();
    struct person *person;

    if (id < 0)
        return "(none)";
    if (found && now_ns - (*found)->asked_ns < BELIEVED_SEC * NSEC_PER_SEC)
        return (*found)->name;
    if (found) {
        person = *found;
        tdelete(person, &p->tree, compare);
        person_free(person);
    }
    person = calloc(1, sizeof(*person));
    if (!person)
        return "?";
    *person = (struct person){.kind = kind, .id = id, .name = look_up(kind, id), .asked_ns = now_ns};
    if (person->name && tsearch(person, &p->tree, compare))
        return person->name;
    person_free(person);
    return "?";
}

const char *people_user(struct people *p, int64_t uid)
{
    return name_of(p, ID_USER, uid);
}

const char *people_group(struct people *p, int64_t gid)
{
    return name_of(p, ID_GROUP, gid);
}
