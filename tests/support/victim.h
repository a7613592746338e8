/*
 * A process that works until it is killed. It tells each step that it has done, so that a test kills it after so many
 * steps, and not after a time in which a busy machine may have let it do none.
 */
#pragma once

#include "tests/support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

struct victim {
    pid_t pid;
    int told; /* a byte comes for each step */
};

/*
 * libcheck notes each assertion in a file that parent and child write at one offset. Half a note, of a victim that was killed while
 * it wrote, would end the whole test: from now on those of this process go nowhere.
 */
static inline void victim_notes_nothing(int tell)
{
    DIR *fds = opendir("/proc/self/fd");
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (const struct dirent *e; fds && (e = readdir(fds));) {
        int fd = atoi(e->d_name);
        if (fd > STDERR_FILENO && fd != tell && fd != nowhere && fd != dirfd(fds))
            dup2(nowhere, fd);
    }
    closedir(fds);
}

/* work is called in a process of its own and must not return; it calls victim_tell() after each step. */
static inline struct victim victim_start(void (*work)(int tell, void *userdata), void *userdata)
{
    struct victim v;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    v.pid = fork();
    ck_assert_int_ge(v.pid, 0);
    if (v.pid == 0) {
        close(ends[0]);
        victim_notes_nothing(ends[1]);
        work(ends[1], userdata);
        _exit(1);
    }
    close(ends[1]);
    v.told = ends[0];
    return v;
}

static inline void victim_tell(int tell)
{
    if (write(tell, "", 1) != 1)
        _exit(2);
}

/* Kills it wait_ns after it has told steps of them; the test fails if it ended by itself. */
static inline void victim_kill(struct victim v, int steps, long wait_ns)
{
    char byte;
    int status;

    while (steps-- > 0 && read(v.told, &byte, 1) == 1)
        ;
    nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
    ck_assert_int_eq(kill(v.pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(v.pid, &status, 0), v.pid);
    ck_assert_msg(WIFSIGNALED(status), "the victim ended by itself: %d", WEXITSTATUS(status));
    close(v.told);
}
