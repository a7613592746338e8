#include "common/nss.h"

#include "common/cleanup.h"

#include <errno.h>

#define FIRST_BUFFER_BYTES ((size_t)4096)
#define MAX_BUFFER_BYTES   ((size_t)64 << 20)

/* getpwuid_r(3): "no such entry" is 0 without a result, and in some modules one of these. */
static int no_entry_or(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH ? -ENOENT : -error;
}

int nss_ask(nss_call_fn call, void *question, char **ret_buffer)
{
    for (size_t n = FIRST_BUFFER_BYTES; n <= MAX_BUFFER_BYTES; n *= 4) {
        cleanup_free char *buffer = malloc(n);
        bool found;
        if (!buffer)
            return -ENOMEM;
        int error = call(question, buffer, n, &found);
        if (error == ERANGE)
            continue;
        if (!found)
            return no_entry_or(error);
        *ret_buffer = take_ptr(buffer);
        return 0;
    }
    return -ERANGE;
}
