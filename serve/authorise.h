/* Who may ask what: the rule of own rows, as a function of who somebody is and what was asked. Pure. */
#pragma once

#include "report/options.h"

/* Somebody, as the host knows them now. */
struct membership {
    int64_t uid;
    char *name;      /* NULL: the uid has none */
    bool admin;      /* root, or a member of the admin group */
    char **projects; /* that they belong to, by the names that reports show */
    size_t n_projects;
};

/* What is granted: how the question is to be asked. */
struct grant {
    struct store_viewer viewer;
    const char **projects; /* of the viewer; owned */
};

/*
 * Root and admins may ask everything. Everybody else
 * - who names no project, or names themselves, is answered from their own rows, whatever else is asked;
 * - who names projects that they belong to, and no user, is answered from all rows of these, other people being one
 *   nameless user; units of other people's are not told;
 * - with --allocations sees their own and those of their projects;
 * - is refused --audit, which is of the whole host;
 * - is refused whatever names another user, or a project that they do not belong to, whether it exists or not.
 *
 * 0: o is made to ask no more than is granted, and borrows from ret and m, which must outlive it. -EACCES, with
 * *ret_why, malloc'ed: refused. -ENOMEM.
 */
int authorise(const struct membership *m, struct report_options *o, struct grant *ret, char **ret_why);
void grant_done(struct grant *grant);

void membership_done(struct membership *m);
