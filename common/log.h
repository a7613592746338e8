/*
 * One failure, one line. Lines go to stderr; under systemd they carry the priority prefix of sd-daemon(3), otherwise
 * the program's name. Text from outside is made harmless (see escape.h) before it is written.
 */
#pragma once

/* name must outlive the program, normally argv[0]'s last part. */
void log_init(const char *program_name);
void log_set_debug(int on);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
