/* Lookups in the name services of the host (nsswitch.conf(5)). They may take as long as a directory server likes. */
#pragma once

#include <stdint.h>

/* 0 and a malloc'ed name; -ENOENT the id has no entry; another negative errno: the services could not be asked. */
int names_nss_find_user(uint32_t uid, char **ret_name);
int names_nss_find_group(uint32_t gid, char **ret_name);
