/* Keeps the kernel's class tables (two longest-prefix tries) equal to the configuration. */
#pragma once

#include "collector/config.h"

#include <stdint.h>

/*
 * Makes the tries hold exactly the networks of the classes; ids[i] is the id of classes[i]. ret_flags: PDTT_EPOCH_CLASSES_*.
 * Lookups go on meanwhile; the caller raises the generation afterwards. -ENOSPC: more networks than the tries take.
 */
int classes_apply(int fd_v4, int fd_v6, const struct config_class *classes, const int64_t *ids, size_t n,
                  uint32_t *ret_flags);

/* The id under which the tries hold a class, as its first network that they know says; 0: they know none. */
int64_t classes_find(int fd_v4, int fd_v6, const struct config_class *class);
