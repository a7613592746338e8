/* A thread that appends texts to files. Inside collector/textlog*.c only. All functions are for one thread, the
 * starter. */
#pragma once

#include <stddef.h>

struct textlog_writer;

int textlog_writer_start(struct textlog_writer **ret);

/* Waits up to two seconds for what is queued; a write that hangs is left behind. NULL is a no-op; returns NULL. */
struct textlog_writer *textlog_writer_stop(struct textlog_writer *w);

/*
 * Queues an append; takes path and text (malloc'ed), whatever happens. The file is made with mode 0640, must be a
 * regular one and no link; a text that does not fit on the disk is taken back as a whole. -ENOBUFS: 64 MiB wait
 * already.
 */
int textlog_writer_put(struct textlog_writer *w, char *path, char *text);

/* As textlog_take_complaint(). Equal failures in a row are told once, and so is their end. */
char *textlog_writer_take_complaint(struct textlog_writer *w);
