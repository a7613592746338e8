#include "report/options_sources.h"

#include "common/cleanup.h"
#include "common/log.h"

#include <string.h>

const char *sources_complaint(const char *path)
{
    static const char *const later[] = {"postgresql://", "postgres://"};

    for (size_t i = 0; i < array_length(later); i++)
        if (strncmp(path, later[i], strlen(later[i])) == 0)
            return "PostgreSQL is not yet supported; give the path of a database file";
    return *path ? NULL : "the path is empty";
}

int sources_find(const struct report_environment *environment, struct report_options *o)
{
    const char *database = environment->database, *socket = environment->socket, *complaint;

    if (o->database && o->socket) {
        log_error("option --socket: does not go with --database; name one of them (see pdtt-report --help)");
        return -EINVAL;
    }
    o->asks = o->socket ? REPORT_ASKS_SOCKET : o->database ? REPORT_ASKS_DATABASE : REPORT_ASKS_EITHER;
    if (o->asks == REPORT_ASKS_EITHER && database && *database)
        o->asks = REPORT_ASKS_DATABASE;
    if (!o->control)
        o->control = DEFAULT_CONTROL;
    if (!o->socket)
        o->socket = socket && *socket ? socket : DEFAULT_SOCKET;
    if (o->database)
        return 0;
    o->database = database && *database ? database : DEFAULT_DATABASE;
    complaint = sources_complaint(o->database);
    if (!complaint)
        return 0;
    log_error("environment variable PDTT_DATABASE: '%s': %s", o->database, complaint);
    return -EINVAL;
}
