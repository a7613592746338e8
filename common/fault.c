#include "common/fault.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int fault_armed = -1;

static const char *wanted;
static size_t wanted_length;
static long left;

static void read_environment(void)
{
    const char *colon;

    wanted = getenv("PDTT_TEST_FAULT");
    colon = wanted ? strchr(wanted, ':') : NULL;
    fault_armed = wanted != NULL;
    if (!wanted)
        return;
    wanted_length = colon ? (size_t)(colon - wanted) : strlen(wanted);
    left = colon ? strtol(colon + 1, NULL, 10) : 1;
}

void fault_reach(const char *name)
{
    if (fault_armed < 0)
        read_environment();
    if (fault_armed && strlen(name) == wanted_length && strncmp(name, wanted, wanted_length) == 0 && --left <= 0)
        raise(SIGKILL);
}
