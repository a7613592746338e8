/* What a function writes to stderr, as a string. Works below stdio too, because it moves the descriptor. */
#pragma once

#include "common/cleanup.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>

struct capture {
    int file, saved;
    char text[4096];
};

static inline void capture_start(struct capture *c)
{
    fflush(stderr);
    c->file = memfd_create("capture", MFD_CLOEXEC);
    c->saved = dup(STDERR_FILENO);
    ck_assert(c->file >= 0 && c->saved >= 0);
    ck_assert(dup2(c->file, STDERR_FILENO) >= 0);
}

/* Returns what was written since capture_start(); it lives in c. */
static inline const char *capture_end(struct capture *c)
{
    ssize_t n;

    fflush(stderr);
    ck_assert(dup2(c->saved, STDERR_FILENO) >= 0);
    n = pread(c->file, c->text, sizeof(c->text) - 1, 0);
    ck_assert(n >= 0);
    c->text[n] = '\0';
    close_fd(c->saved);
    close_fd(c->file);
    return c->text;
}
