/*
 * Any bytes as a policy in words: a policy whose text says the same once more, or one line that says why not. And as a file of
 * policies.
 */
#include "collector/config.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>

static void check_policy(const struct policy *p)
{
    assert(!policy_name_fault(p->name) && p->priority <= UINT16_MAX);
    assert(p->remote_ports.first <= p->remote_ports.last && p->local_ports.first <= p->local_ports.last);
    assert(p->protocol >= -1 && p->protocol <= UINT8_MAX && p->when_percent <= 1000);
    assert(p->action == POLICY_LIMIT ? p->rate >= 1000 && p->burst > 0 : !p->rate && !p->burst);
    assert(!p->when_percent || p->when_allocation);
}

static void try_words(const char *text)
{
    cleanup_free char *why = NULL, *shown = NULL, *again = NULL;
    struct policy p, q;
    int r = policy_parse(text, &p, &why);

    if (r < 0) {
        require_reason(why);
        return;
    }
    check_policy(&p);
    shown = policy_format(&p);
    assert(shown && !why && policy_parse(shown, &q, &why) == 0);
    again = policy_format(&q);
    assert(again && strcmp(shown, again) == 0);
    policy_done(&p);
    policy_done(&q);
}

/* An include could be any file of the host. */
static void try_file(const uint8_t *data, size_t size)
{
    cleanup_close int fd = memfd_create("policies", MFD_CLOEXEC);
    cleanup_free char *why = NULL;
    struct policy_list list = {0};
    char path[32];

    if (fd < 0 || memmem(data, size, "@include", 8) || write(fd, data, size) != (ssize_t)size)
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (config_load_policies(path, &list, &why) < 0) {
        require_reason(why);
        assert(!strchr(why, '\n') && !list.n);
        return;
    }
    for (size_t i = 0; i < list.n; i++)
        check_policy(&list.v[i]);
    policy_list_done(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    cleanup_free char *text = take_text(&in);

    try_words(text);
    try_file(data, size);
    return 0;
}
