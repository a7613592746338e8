#include "sql/viewer.h"

#include "sql/store_internal.h"

int sight_read(struct store *s, const struct store_viewer *viewer, struct sight *ret)
{
    int r;

    ret->viewer = viewer;
    if (!viewer)
        return 0;
    r = picks_add(s, STATEMENT_PICK_OWN, BINDS(BIND_INT(viewer->uid), BIND_TEXT(viewer->name)), &ret->own);
    for (size_t i = 0; i < viewer->projects.n && r >= 0; i++)
        r = picks_add(s, STATEMENT_PICK_PROJECT_NAME, BINDS(BIND_TEXT(viewer->projects.v[i])), &ret->projects);
    picks_sort(&ret->own);
    picks_sort(&ret->projects);
    return r < 0 ? r : 0;
}

void sight_done(struct sight *sight)
{
    picks_done(&sight->own);
    picks_done(&sight->projects);
}

const struct picks *sight_narrow(const struct sight *sight, bool filtered, struct picks *users)
{
    if (!sight->viewer)
        return users;
    if (filtered)
        picks_intersect(users, &sight->own);
    else if (sight->projects.n > 0)
        return users;
    else
        users = (struct picks *)&sight->own;
    return users->n > 0 ? users : NULL;
}

enum sight_of sight_passes(const struct sight *sight, int64_t user, int64_t project)
{
    if (!sight->viewer || picks_have(&sight->own, user))
        return SIGHT_ALL;
    return picks_have(&sight->projects, project) ? SIGHT_NAMELESS : SIGHT_NOTHING;
}
