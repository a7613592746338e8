/* What a session answers on the control socket. */
#include "collector/session.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <string.h>
#include <sys/stat.h>

static json_t *tell_status(const struct control_peer *peer, void *userdata)
{
    return health_json(userdata);
}

static json_t *tell_peek(const struct control_peer *peer, void *userdata)
{
    return peek_answer(userdata, false);
}

static json_t *tell_peek_connections(const struct control_peer *peer, void *userdata)
{
    return peek_answer(userdata, true);
}

static const struct control_verb verbs[] = {
    {"status", tell_status, false},
    {"peek", tell_peek, false},
    {"peek connections", tell_peek_connections, false},
};

/* Who may read the database may ask as well: both belong to the group of its directory. */
int session_listen(struct session *s)
{
    cleanup_free char *why = NULL, *directory = strdup(s->config->database);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    struct stat st = {0};
    int r;

    if (slash && slash != directory)
        *slash = '\0';
    if (!directory || stat(directory, &st) < 0)
        st.st_gid = 0;
    r = control_open(s->config->control, st.st_gid, verbs, array_length(verbs), s, &s->control, &why);
    if (r < 0)
        log_warning("without a control socket, so pdttd --status will not work: %s", why ? why : strerror(-r));
    return r;
}
