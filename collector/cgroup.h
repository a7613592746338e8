/* Where this host keeps cgroup v2: the place at which the packet programs are attached. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The directory to attach to, malloc'ed. configured is "auto" (or NULL): the mount of cgroup2 in /proc/self/mountinfo;
 * or an absolute path, which must lie in a cgroup2 file system. Errors: -ENOENT no cgroup2 mounted, or no such path;
 * -EMEDIUMTYPE the path is no directory of cgroup2; -ENOMEM, -EACCES, -EIO. *ret_why is one malloc'ed line that names
 * value and remedy, set only on failure, NULL only when memory is out.
 */
int cgroup_find_root(const char *configured, char **ret_path, char **ret_why);

/*
 * The pure part: the nth candidate (from 0) in the text of a mountinfo file (proc(5)). Mounts whose root is "/" come
 * before those that show only a subtree; among equals in the order of the text. There may be several: container tools
 * mount their own, and another mount may hide one. -ENOENT no more cgroup2 in the text, -ENOMEM.
 */
int cgroup_parse_mountinfo(const char *text, size_t nth, char **ret_path);

/*
 * False where path is below the root of the host's hierarchy (a container's cgroup namespace, a subtree): only part of
 * the host's sockets would be counted there. The root alone has no file "cgroup.type" (Linux 4.14,
 * Documentation/admin-guide/cgroup-v2.rst).
 */
bool cgroup_is_host_root(const char *path);

#define CGROUP_WARNING_MAX 4352

/* The line that warns of such a place, written to buf, which is returned. */
const char *cgroup_partial_warning(const char *path, char buf[static CGROUP_WARNING_MAX]);
