/*
 * The process that runs the command of notices. pdttd may run nothing once it counts, so this one is forked before: it becomes the
 * configured user, has no capability, and runs one command at a time, for whoever holds the other end of its socket.
 */
#pragma once

#include "collector/config.h"
#include "collector/notice_words.h"

#include <stdint.h>

struct notifier;

/*
 * Forks it and waits until it is what it should be; before the first thread, and before pdttd gives up its privileges. The
 * configuration must have a command. -EINVAL and what else fails; ret_why: one line, malloc'ed.
 */
int notifier_start(const struct config *config, struct notifier **ret, char **ret_why);

/* A command that runs is ended. NULL is a no-op; returns NULL. */
struct notifier *notifier_stop(struct notifier *n);

int notifier_fd(const struct notifier *n); /* readable when there is something to take */

/* Has it run the command with these words. Never waits. -EPIPE: the process is gone; -EMSGSIZE. */
int notifier_ask(struct notifier *n, uint64_t id, const char *const words[NOTICE_WORDS]);

#define NOTIFIER_SAID_MAX 512

/* How a command ended: bytes of somebody else, to be escaped. */
struct notifier_outcome {
    uint64_t id;
    bool told;                        /* exit status 0 */
    char how[64];                     /* "exit status 3", "took longer than 10 s" */
    char said[NOTIFIER_SAID_MAX + 1]; /* the beginning of what it wrote, or why it could not be run */
};

/* 1: there is one; 0: not yet; -EPIPE: the process is gone. */
int notifier_take(struct notifier *n, struct notifier_outcome *ret);
