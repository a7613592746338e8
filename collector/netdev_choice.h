/* Which interfaces are counted: the configuration's names and globs, or "auto". Pure. */
#pragma once

#include "collector/config.h"
#include "collector/netdev.h"

/* Whether a pattern other than "auto" takes it: whoever names an interface wants it watched, whatever that takes. */
bool netdev_is_named(const struct config_texts *patterns, const struct netdev *dev);

/*
 * Whether the patterns take the interface, which is one of all. "auto" takes what carries bytes that no other interface
 * counts too; *ret_why, static text, says why one is left out.
 */
bool netdev_is_chosen(const struct config_texts *patterns, const struct netdev_list *all, const struct netdev *dev,
                      const char **ret_why);
