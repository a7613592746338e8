/* What somebody who may not see all sees, as ids. The last place that a row passes, whatever was asked and how. */
#pragma once

#include "sql/picks.h"

/* All zero, with viewer NULL, sees all. */
struct sight {
    const struct store_viewer *viewer;
    struct picks own;      /* the persons that the viewer is */
    struct picks projects; /* of which the viewer sees all rows */
};

int sight_read(struct store *s, const struct store_viewer *viewer, struct sight *ret);
void sight_done(struct sight *sight);

/*
 * The users to ask for, narrowed to those whose rows the viewer may have with their names; filtered: users is a filter.
 * NULL: nobody, there is nothing to ask for. An empty list asks for everybody, and is only returned where
 * sight_passes() picks the rows of projects out of all, or for who sees all.
 */
const struct picks *sight_narrow(const struct sight *sight, bool filtered, struct picks *users);

/* What becomes of a row: not to be seen, seen without who it is, or seen as it is. */
enum sight_of { SIGHT_NOTHING, SIGHT_NAMELESS, SIGHT_ALL };
enum sight_of sight_passes(const struct sight *sight, int64_t user, int64_t project);
