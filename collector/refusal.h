/* Why the kernel refused a program, in words that help: from what libbpf says, the verifier's last line, and the error. */
#pragma once

/* Begins to listen to libbpf, whose messages are the only place where it explains a failure. */
void refusal_listen(void);

/* The most telling of what was said since then, else the error's own words. Returns error; ret_why is malloc'ed. */
int refusal_explain(int error, char **ret_why);

/*
 * One sentence for people about a program that was refused: hook is what it needs (NULL: nothing special), reason what
 * refusal_explain() gave. ret_why is malloc'ed.
 */
void refusal_name(const char *hook, int error, const char *reason, char **ret_why);

/*
 * -ENOTSUP where detaching fexit from a function in which a process sleeps would crash the kernel: before 5.12, unless the
 * correction was brought back, which shows by struct bpf_tramp_image in its BTF. ret_why is malloc'ed.
 */
int refusal_unsafe_trampolines(char **ret_why);
