#include "collector/interface_attach.h"
#include "collector/interfaces.h"
#include "collector/netdev_choice.h"
#include "collector/refusal.h"
#include "common/cleanup.h"
#include "common/escape.h"

#include <string.h>

static void print_programs(void)
{
    struct interface_programs_config config = {.conn_uid_fd = -1, .stats_fd = -1, .counts_fd = -1};
    struct interface_programs *p = NULL;
    cleanup_free char *why = NULL;
    int r;

    refusal_listen();
    r = interface_programs_load(&config, &p, &why);
    for (int i = 0; i < INTERFACE_PROGRAMS; i++) {
        bool ok = r == 0 && interface_programs_fd(p, i) >= 0;

        printf("%-9s %-22s  %-4s  %s\n", "interface", interface_program_names[i], ok ? "ok" : "no",
               ok || !why ? "" : why);
    }
    if (r < 0)
        printf("%-8s  without it: --audit cannot compare what was booked with what the interfaces carried\n", "");
    interface_programs_free(p);
}

static void print_interface(const struct config *config, const struct pins *pins, const struct netdev_list *list,
                            const struct netdev *dev)
{
    cleanup_free char *name = escape_terminal(dev->name);
    struct interface_attachment at;
    const char *why = "";
    bool chosen = netdev_is_chosen(&config->interfaces, list, dev, &why);

    interface_look(pins, dev->ifindex, &at);
    printf("%-16s  %-7s  ", name ? name : "?", chosen ? "yes" : "no");
    if (!chosen)
        printf("%s\n", why);
    else if (at.rx == HOOK_NONE && at.tx == HOOK_NONE)
        printf("not yet: pdttd attaches to it when it starts%s\n",
               at.foreign_xdp ? "; another XDP program is there, so what it receives will be counted in TC" : "");
    else
        printf("received: %s, sent: %s%s\n", interface_hook_name(at.rx), interface_hook_name(at.tx),
               at.foreign_xdp ? "; another XDP program is left alone" : "");
}

void interfaces_print(const struct config *config)
{
    const struct pins pins = {.path = config->pin_path,
                              .lock_fd = -1}; /* only a look: a running pdttd keeps its lock */
    struct netdev_list list = {0};

    print_programs();
    printf("\n%-16s  %-7s  %s\n", "INTERFACE", "COUNTED", "HOW, OR WHY NOT");
    if (netdev_list(&list) < 0)
        puts("the interfaces of this host cannot be listed");
    for (size_t i = 0; i < list.n; i++)
        print_interface(config, &pins, &list, &list.v[i]);
    free(list.v);
}
