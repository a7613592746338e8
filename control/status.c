#include "collector/status.h"

#include "common/log.h"
#include "control/ask.h"

#include <string.h>

int command_status(const struct invocation *in)
{
    json_t *answer;
    int r = ask_pdttd(in, "status", "pdttd does not tell", &answer);

    if (r < 0)
        return r;
    r = status_print_answer(answer, in->json);
    if (r < 0)
        log_error("cannot write the answer: %s", strerror(-r));
    json_decref(answer);
    return r;
}
