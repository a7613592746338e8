/* Ownership by scope: what a function opens and does not hand on is released when it returns. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(fn) __attribute__((cleanup(fn)))

static inline void cleanup_free_fn(void *p)
{
    free(*(void **)p);
}

/* Closes fd unless it is negative, keeps errno, and returns -1 so that "fd = close_fd(fd)" reads well. */
static inline int close_fd(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return -1;
}

static inline void cleanup_close_fn(int *fd)
{
    close_fd(*fd);
}

static inline void cleanup_fclose_fn(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define cleanup_free   cleanup(cleanup_free_fn)
#define cleanup_close  cleanup(cleanup_close_fn)
#define cleanup_fclose cleanup(cleanup_fclose_fn)

/* Hands ownership on: yields the pointer (or descriptor) and leaves NULL (or -1) behind. */
#define take_ptr(p)                                                                                                    \
    ({                                                                                                                 \
        __typeof__(p) taken_ = (p);                                                                                    \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })
#define take_fd(fd)                                                                                                    \
    ({                                                                                                                 \
        int taken_ = (fd);                                                                                             \
        (fd) = -1;                                                                                                     \
        taken_;                                                                                                        \
    })

#define array_length(a) (sizeof(a) / sizeof((a)[0]))
