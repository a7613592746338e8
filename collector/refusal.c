#include "collector/refusal.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/btf.h>
#include <string.h>

/* Of one load: what libbpf said first, which is the cause, and the line with which the verifier's log ends. */
static struct {
    char first[512], verifier[256];
} said;

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The log ends with statistics; the line before them is the objection. */
static void keep_verifier_line(const char *log)
{
    while (*log) {
        size_t n = strcspn(log, "\n");

        if (n > 0 && n < sizeof(said.verifier) && !begins(log, "processed ") && !begins(log, "-- ") &&
            !begins(log, "verification time") && !begins(log, "stack depth"))
            snprintf(said.verifier, sizeof(said.verifier), "%.*s", (int)n, log);
        log += n + (log[n] != '\0');
    }
}

static int listen_to(enum libbpf_print_level level, const char *format, va_list args)
{
    cleanup_free char *text = NULL;

    if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
        return 0;
    if (strstr(text, "PROG LOAD LOG")) {
        keep_verifier_line(strchr(text, '\n') ? strchr(text, '\n') : "");
        return 0;
    }
    text[strcspn(text, "\n")] = '\0';
    log_debug("%s", text);
    if (!said.first[0])
        snprintf(said.first, sizeof(said.first), "%s", text);
    return 0;
}

void refusal_listen(void)
{
    said.first[0] = said.verifier[0] = '\0';
    libbpf_set_print(listen_to);
}

int refusal_explain(int error, char **ret_why)
{
    const char *separator = said.first[0] && said.verifier[0] ? "; the verifier says: " : "";

    if (asprintf(ret_why, "%s%s%s", said.first[0] ? said.first : strerror(-error), separator,
                 said.first[0] ? said.verifier : "") < 0)
        *ret_why = NULL;
    return error;
}

void refusal_name(const char *hook, int error, const char *reason, char **ret_why)
{
    const char *words = reason ? reason : strerror(-error);
    int r;

    if (hook && (error == -ESRCH || error == -ENOENT))
        r = asprintf(ret_why, "this kernel has no %s", hook);
    else if (hook && (error == -ENOTSUP || error == -524)) /* ENOTSUPP, which leaks from the kernel */
        r = asprintf(ret_why, "this kernel has no %s on this machine (%s)", hook, words);
    else if (hook && error == -EPERM)
        r = asprintf(ret_why, "needs %s, which this kernel refuses even to root (lockdown, or a policy): %s", hook,
                     words);
    else if (hook)
        r = asprintf(ret_why, "needs %s: %s", hook, words);
    else
        r = asprintf(ret_why, "%s", words);
    if (r < 0)
        *ret_why = NULL;
}

int refusal_unsafe_trampolines(char **ret_why)
{
    struct btf *btf = btf__load_vmlinux_btf();
    int id = btf ? btf__find_by_name_kind(btf, "bpf_tramp_image", BTF_KIND_STRUCT) : -1;

    btf__free(btf);
    if (id > 0)
        return 0;
    *ret_why = strdup("fexit on a function that sleeps may crash this kernel when it is detached (corrected in 5.12)");
    return -EOPNOTSUPP;
}
