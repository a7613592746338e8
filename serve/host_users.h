/* The host's users and groups, asked of its services, which may take their time. */
#pragma once

#include "serve/directory.h"

/* -ENOENT: there is no such user; -EAGAIN: the services could not be asked; -ENOMEM. */
int host_find_uid(const char *name, int64_t *ret_uid);

/*
 * A user with all groups; a uid without an entry is somebody too, without a name and groups. identity is
 * host_identity_done()'s also after a failure. -EAGAIN, -ENOMEM.
 */
int host_identify(int64_t uid, struct identity *identity);
void host_identity_done(struct identity *identity);
