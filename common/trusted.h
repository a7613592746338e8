/*
 * Places that root writes to and that somebody else may have prepared: a link in place of the file, a second name for it, a
 * directory in which it can be exchanged. What others could choose or change is refused, with a line that says what to do.
 */
#pragma once

#include <sys/stat.h>

/*
 * Opens a directory (O_PATH) to find files in. All directories on the way there belong to root or to this process's user,
 * and nobody else may write to them; one that all may write to but where each owns what is his (/tmp) may be passed through
 * but not be the last. Symbolic links are followed if they belong to the same. -EPERM: others could change what is found
 * there; else the errno of looking. ret_why: one line, malloc'ed, on any failure.
 */
int trusted_open_directory(const char *path, int *ret_fd, char **ret_why);

/* The same for the directory of a file. */
int trusted_open_parent(const char *path, int *ret_fd, char **ret_why);

/*
 * Whether what st describes (without following links) may be written to as path: a regular file with one name that belongs to
 * root or to this process's user, and that nobody else may write to. -ELOOP it is a symbolic link, -EMEDIUMTYPE no regular
 * file, -EPERM the rest; ret_why as above.
 */
int trusted_check_file(const struct stat *st, const char *path, char **ret_why);
