#include "collector/session_door.h"

#include "collector/cgroup.h"
#include "collector/policy_door.h"
#include "common/cleanup.h"
#include "common/json_text.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* At the interface nobody knows whose cgroup a frame is for: so not where only a part of the host is followed, unless asked. */
bool session_wants_door(const struct session *s)
{
    return kernel_policies(s->kernel) &&
           (s->config->layer_door == CONFIG_LAYER_ON ||
            (s->config->layer_door == CONFIG_LAYER_AUTO && cgroup_is_host_root(s->cgroup)));
}

struct session_door {
    struct address *addresses; /* of this host, as it knows them */
    size_t n;
    int error; /* of the last attempt to tell it */
};

void session_refresh_door(struct session *s)
{
    cleanup_free struct address *addresses = NULL;
    struct session_door *door = s->door;
    size_t n = 0;
    int r;

    if (!s->interfaces || !interfaces_have_door(s->interfaces))
        return;
    if (!door && !(door = s->door = calloc(1, sizeof(*door))))
        return; /* tried again after the next interval */
    r = addresses_list(&addresses, &n);
    if (r == 0 && door->error == 0 && door->addresses && n == door->n &&
        memcmp(addresses, door->addresses, n * sizeof(*addresses)) == 0)
        return;
    if (r == 0)
        r = policy_door_use_addresses(kernel_map_fd(s->kernel, MAP_POLICY_NETWORKS), addresses, n);
    if (r < 0 && r != door->error)
        log_warning("policies: the interfaces do not know all addresses of this host, and leave what is for others to "
                    "the sockets: %s",
                    strerror(-r));
    door->error = r;
    free(door->addresses);
    door->addresses = take_ptr(addresses);
    door->n = n;
}

void session_close_door(struct session *s)
{
    if (s->door)
        free(s->door->addresses);
    free(s->door);
    s->door = NULL;
}

static void add_door(const char *interface, const char *hook, void *userdata)
{
    json_array_append_new(userdata, json_pack("{s:o, s:s}", "interface", json_text_or_null(interface), "hook", hook));
}

json_t *session_doors_json(const struct session *s)
{
    json_t *doors = json_array();

    if (doors && s->interfaces && interfaces_have_door(s->interfaces))
        interfaces_tell_doors(s->interfaces, add_door, doors);
    return doors;
}
