#include "collector/status.h"

#include "collector/session.h"
#include "common/cleanup.h"
#include "common/control_client.h"
#include "common/log.h"

#include <errno.h>
#include <string.h>

int status_print(const char *config_path, bool json)
{
    cleanup_free char *why = NULL;
    struct config *config = NULL;
    json_t *answer = NULL;
    int r = session_load_config(config_path, &config);

    if (r < 0)
        return r;
    r = control_ask(config->control, "status", &answer, &why);
    if (r == 0 && json_object_get(answer, "error"))
        r = -EPROTO;
    if (r < 0)
        log_error("%s", why ? why : strerror(-r));
    else
        r = status_print_answer(answer, json);
    json_decref(answer);
    config_free(config);
    return r;
}
