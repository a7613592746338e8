/* Which interfaces are counted: the configuration's names and globs, or "auto". Pure. */
#pragma once

#include "collector/config.h"
#include "collector/netdev.h"

/*
 * Whether the patterns take the interface, which is one of all. "auto" takes what carries bytes that no other interface
 * counts too; *ret_why, static text, says why one is left out.
 */
bool netdev_is_chosen(const struct config_texts *patterns, const struct netdev_list *all, const struct netdev *dev,
                      const char **ret_why);
