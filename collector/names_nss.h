/* Lookups in the name services of the host (nsswitch.conf(5)). They may take as long as a directory server likes. */
#pragma once

#include <stdint.h>

/* 0 and a malloc'ed name; -ENOENT the id has no entry; another negative errno: the services could not be asked. */
int names_nss_find_user(uint32_t uid, char **ret_name);
int names_nss_find_group(uint32_t gid, char **ret_name);

/* 0 and the id; -ENOENT there is no such name; another negative errno as above. */
int names_nss_find_uid(const char *name, uint32_t *ret_uid);
int names_nss_find_gid(const char *name, uint32_t *ret_gid);
