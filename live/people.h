/* The names of users and groups, asked of this host once a minute each. Not for several threads. */
#pragma once

#include <stdint.h>

struct people;

struct people *people_new(void);
struct people *people_free(struct people *p);

/* "uid 1234", "gid 1234" where the host knows no name, "(none)" below 0; never NULL. They live until the same is asked for again. */
const char *people_user(struct people *p, int64_t uid);
const char *people_group(struct people *p, int64_t gid);
