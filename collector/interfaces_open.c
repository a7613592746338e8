#include "collector/interface_counts.h"
#include "collector/interfaces_internal.h"
#include "collector/netdev_choice.h"
#include "collector/programs.h"
#include "collector/refusal.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <string.h>

/* What a former pdttd counted: chosen still, not any more, or gone meanwhile. */
static int take_over(struct interfaces *s, const struct netdev_list *list, int ifindex)
{
    const struct netdev *dev = netdev_find(list, ifindex);
    struct followed *f, gone = {.gone = true};
    const char *why;
    int r = interface_counts_read(s->counts_fd, ifindex, &gone.entry);

    if (r < 0)
        return r;
    if (!interfaces_is_here(&gone))
        dev = NULL;
    if (dev && netdev_is_chosen(&s->options.config->interfaces, list, dev, &why))
        return interfaces_follow(s, dev);
    f = interfaces_append(s);
    if (!f)
        return -ENOMEM;
    gone.dev = dev ? *dev : (struct netdev){.ifindex = ifindex, .name = "(gone)"};
    gone.dev_unknown = !dev;
    *f = gone;
    if (dev)
        interface_detach(s->options.pins, ifindex);
    else
        interface_unpin(s->options.pins, ifindex);
    return 0;
}

static int take_over_all(struct interfaces *s)
{
    cleanup_free int *numbers = NULL;
    struct netdev_list list = {0};
    size_t n = 0;
    int r = interface_counts_list(s->counts_fd, &numbers, &n);

    if (r == 0)
        r = netdev_list(&list);
    for (size_t i = 0; i < n && r == 0; i++)
        r = take_over(s, &list, numbers[i]);
    free(list.v);
    return r;
}

/* ---- opening ---- */

/* What a kernel does not drop here is dropped where its socket is. */
static int load_with_door(struct interfaces *s, struct interface_programs_config *config, char **ret_why)
{
    cleanup_free char *why = NULL;
    int r = interface_programs_load(config, &s->programs, &why);

    if (r < 0 && config->door.open) {
        config->door.open = false;
        r = interface_programs_load(config, &s->programs, ret_why);
        if (r == 0)
            log_warning("policies are not done at the interfaces: %s", why ? why : "this kernel does not take it");
    } else {
        *ret_why = take_ptr(why);
    }
    s->door = r == 0 && config->door.open;
    return r;
}

/* What a kernel does not draw is no reason not to count. */
static int load_with_samples(struct interfaces *s, struct interface_programs_config *config, char **ret_why)
{
    cleanup_free char *why = NULL;
    int r = load_with_door(s, config, &why);

    if (r < 0 && config->sampling.rate) {
        config->sampling.rate = 0;
        r = interface_programs_load(config, &s->programs, ret_why);
        if (r == 0)
            s->no_samples = take_ptr(why);
    } else {
        *ret_why = take_ptr(why);
    }
    if (r == 0 && config->sampling.rate) {
        r = samples_open(s->programs, &config->sampling, &s->samples);
        if (r < 0 && asprintf(ret_why, "samples cannot be read: %s", strerror(-r)) < 0)
            *ret_why = NULL;
    }
    if (r == 0 && s->no_samples)
        log_warning("without samples of packets: %s", s->no_samples);
    return r;
}

static int load(struct interfaces *s, char **ret_why)
{
    const struct config *c = s->options.config;
    cleanup_close int pinned = interface_counts_get(s->options.pins);
    struct interface_programs_config config = {.conn_uid_fd = s->options.conn_uid_fd,
                                               .stats_fd = s->options.stats_fd,
                                               .counts_fd = pinned < 0 ? -1 : pinned,
                                               .netns_keys = programs_know_netns(),
                                               .sampling = {.rate = c->samples_rate,
                                                            .every = c->samples_mode == CONFIG_SAMPLES_EVERY,
                                                            .ring_bytes = (uint32_t)c->samples_buffer_bytes},
                                               .door = s->options.door};
    int r = load_with_samples(s, &config, ret_why);

    if (r < 0)
        return r;
    s->counts_fd = interface_programs_counts_fd(s->programs);
    s->attacher = (struct interface_attacher){.pins = s->options.pins,
                                              .programs = s->programs,
                                              .xdp = s->options.config->layer_xdp,
                                              .tc = s->options.config->layer_tc};
    return pinned < 0 ? interface_counts_put(s->options.pins, s->counts_fd) : 0;
}

static int begin(struct interfaces *s, char **ret_why)
{
    int r = load(s, ret_why);

    if (r == 0)
        r = netdev_watch(&s->watch); /* before the first list, so that no change is missed */
    if (r == 0)
        r = take_over_all(s);
    return r < 0 ? r : interfaces_sync(s);
}

static int check_required(const struct interfaces *s, char **ret_why)
{
    const struct config *config = s->options.config;
    int n = 0;

    for (size_t i = 0; i < s->n && n == 0; i++) {
        const struct followed *f = &s->v[i];

        if (f->gone)
            continue;
        if (config->layer_xdp == CONFIG_XDP_ON && f->at.rx != HOOK_XDP_NATIVE)
            n = asprintf(ret_why,
                         "layers.xdp is \"on\" but interface %s takes no native XDP program: %s; set it to "
                         "\"auto\"",
                         f->dev.name, f->at.foreign_xdp ? "another one is there" : strerror(-f->at.error));
        else if (config->layer_tc == CONFIG_TC_ON && f->at.tx == HOOK_NONE)
            n = asprintf(ret_why, "layers.tc is \"on\" but interface %s takes no TC program: %s; set it to \"auto\"",
                         f->dev.name, strerror(-f->at.error));
    }
    if (n < 0)
        *ret_why = NULL;
    return n == 0 ? 0 : -ENOTSUP;
}

static bool is_insisted_on(const struct config *config)
{
    return config->layer_xdp == CONFIG_XDP_ON || config->layer_tc == CONFIG_TC_ON;
}

/* An earlier pdttd may have counted: its links and filters must not go on without anybody who reads them, or drop by its list. */
static void detach_all(struct interfaces *s)
{
    cleanup_close int pinned = interface_counts_get(s->options.pins);
    cleanup_free int *numbers = NULL;
    size_t n = 0;

    if (pinned >= 0 && interface_counts_list(pinned, &numbers, &n) == 0)
        for (size_t i = 0; i < n; i++)
            interface_detach(s->options.pins, numbers[i]);
}

static int switch_off(struct interfaces *s, const char *why)
{
    detach_all(s);
    pins_remove_dir(s->options.pins, PINS_INTERFACES);
    s->off = strdup(why);
    return s->off ? 0 : -ENOMEM;
}

static int fail_softly(struct interfaces *s, int error, char **ret_why)
{
    cleanup_free char *why = *ret_why ? take_ptr(*ret_why) : strdup(strerror(-error));

    log_warning("without the interface layer: %s", why ? why : strerror(-error));
    detach_all(s);
    s->door = false;
    s->watch = netdev_watch_stop(s->watch);
    s->samples = samples_close(s->samples);
    s->programs = interface_programs_free(s->programs);
    s->n = 0;
    s->off = take_ptr(why);
    return s->off ? 0 : -ENOMEM;
}

int interfaces_open(const struct interfaces_options *options, struct interfaces **ret, char **ret_why)
{
    const struct config *config = options->config;
    struct interfaces *s = calloc(1, sizeof(*s));
    int r;

    *ret_why = NULL;
    if (!s)
        return -ENOMEM;
    refusal_listen();
    s->options = *options;
    s->counts_fd = -1;
    if (config->interfaces.n == 0)
        r = switch_off(s, "the configuration names no interfaces");
    else if (config->layer_xdp == CONFIG_XDP_OFF && config->layer_tc == CONFIG_TC_OFF)
        r = switch_off(s, "switched off in the configuration");
    else if ((r = begin(s, ret_why)) == 0)
        r = check_required(s, ret_why);
    else if (!is_insisted_on(config))
        r = fail_softly(s, r, ret_why);
    if (r < 0) {
        interfaces_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct interfaces *interfaces_close(struct interfaces *s)
{
    if (!s)
        return NULL;
    netdev_watch_stop(s->watch);
    samples_close(s->samples);
    interface_programs_free(s->programs);
    free(s->no_samples);
    interface_meters_done(&s->meters);
    free(s->v);
    free(s->off);
    free(s);
    return NULL;
}
