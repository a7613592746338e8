/* What pdttd --check says about one account: which rule matches, and which project results. */
#pragma once

#include "collector/config.h"

/* Names or numbers, as given on the command line; NULL: not given. */
struct explain_question {
    const char *user, *group;
    const char *unit; /* path of a cgroup, below the root or with the cgroup file system's mount in front */
};

/*
 * Prints one line. Without a group that of the user in the user database counts. root is where the cgroups are. Waits
 * for the name services. -ENOENT: a user or group that the host does not know, -EIO the services could not be asked;
 * one line is logged. Users and groups of rules that the host does not know are logged as warnings.
 */
int explain_project(const struct config *config, const char *root, const struct explain_question *question);

/* Only the warnings, also about names in policies and allocations. -ENOMEM. */
int explain_unknown_names(const struct config *config);
