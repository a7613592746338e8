/* What notifier.c and the process that it forks (notifier_process.c) tell each other: one message is one packet. */
#pragma once

#include "collector/notifier.h"

#include <unistd.h>

/* A question is the id, in eight bytes, and then the words in their order, each with its NUL. */
#define NOTIFIER_QUESTION_MAX 16384

enum notifier_how {
    NOTIFIER_READY,   /* it is the user that it should be */
    NOTIFIER_REFUSED, /* it is not: said tells why */
    NOTIFIER_EXITED,
    NOTIFIER_KILLED,
    NOTIFIER_TIMEOUT,
    NOTIFIER_NOT_RUN,
};

struct notifier_answer {
    uint64_t id;
    uint32_t how;
    int32_t value; /* exit status or signal */
    uint32_t n_said;
    char said[NOTIFIER_SAID_MAX];
};

/* The process; does not return. parent: whose end is its own. */
_Noreturn void notifier_process(const struct config *config, const struct config_notify_user *user, int socket,
                                pid_t parent);
