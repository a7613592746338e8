/*
 * One answer for all who ask the same. A report is a function of the question, of who asks as far as that matters, of the
 * database and of the second in which it is asked: where all of these are the same the answer is, and it is made once.
 * Dashboards are many, and ask for the same each second.
 */
#pragma once

#include "serve/work.h"

enum {
    SHARED_ANSWERS = 256, /* that are known at a time */
    SHARED_BYTES =
        16 << 20, /* of those that are kept together; what does not fit is for those who wait for it already */
};

struct shared;

struct shared *shared_new(void);    /* NULL: no memory */
void shared_free(struct shared *s); /* when nobody is in shared_answer() */

typedef int (*shared_make_fn)(struct work *w, struct answer *ret);

/*
 * Answers w by make, or as somebody else was answered; who asks for what is being made waits for it. Any number of threads
 * may call it. Returns what make does, with w->why.
 */
int shared_answer(struct shared *s, struct work *w, shared_make_fn make, struct answer *ret);

/*
 * Lets go of the answers and of the database when nobody has asked for SHARED_IDLE_SEC: a file that somebody deleted takes
 * its room on the disk as long as it is open.
 */
enum { SHARED_IDLE_SEC = 5 };
void shared_rest(struct shared *s, int64_t now_ns);

/* ---- pure ---- */

/* What an answer depends on besides the database and the second, as text: malloc'ed, or NULL when memory is out. */
char *shared_question(const struct request *request, const struct membership *membership);
