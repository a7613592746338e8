#include "collector/interfaces_internal.h"

#include "collector/interface_counts.h"
#include "collector/netdev_choice.h"
#include "common/cleanup.h"
#include "common/log.h"

#include <net/if_arp.h>
#include <string.h>
#include <sys/random.h>

/* ---- one interface ---- */

static bool is_ethernet(const struct netdev *dev)
{
    return dev->type == ARPHRD_ETHER || dev->type == ARPHRD_LOOPBACK;
}

static void set_headers(const struct netdev *dev, struct pdtt_interface *entry)
{
    if (is_ethernet(dev)) {
        entry->link_size = 14;
        entry->type_offset = 12;
    } else if (dev->type == ARPHRD_INFINIBAND) { /* 20 of the hardware address, 4 of RFC 4391 */
        entry->link_size = 24;
        entry->type_offset = 20;
    }
}

static int make_entry(struct interfaces *s, struct followed *f)
{
    struct pdtt_interface *entry = &f->entry;

    if (getrandom(&entry->id, sizeof(entry->id), 0) < 0)
        return -errno;
    entry->id &= INT64_MAX; /* SQLite's integers are signed */
    entry->netns = interface_own_netns();
    set_headers(&f->dev, entry);
    entry->base[PDTT_RX].bytes = f->dev.rx.bytes;
    entry->base[PDTT_RX].packets = f->dev.rx.packets;
    entry->base[PDTT_TX].bytes = f->dev.tx.bytes;
    entry->base[PDTT_TX].packets = f->dev.tx.packets;
    return interface_counts_create(s->counts_fd, f->dev.ifindex, entry);
}

static void log_attachment(const struct followed *f)
{
    const struct interface_attachment *at = &f->at;

    log_info("interface %s: received is counted by %s, sent by %s%s", f->dev.name, interface_hook_name(at->rx),
             interface_hook_name(at->tx), at->foreign_xdp ? "; another XDP program is left alone there" : "");
    if (at->error < 0)
        log_warning("interface %s: %s", f->dev.name, strerror(-at->error));
}

/* The entry is there before the first frame is counted into it. */
static int attach(struct interfaces *s, struct followed *f)
{
    struct interface_attacher attacher = s->attacher;
    int r = interface_counts_read(s->counts_fd, f->dev.ifindex, &f->entry);

    if (r == -ENOENT)
        r = make_entry(s, f);
    if (r < 0)
        return r;
    /* Some cards reset their link for XDP, and it costs more for bulk: so only where somebody asked for the interface. */
    if (attacher.xdp == CONFIG_XDP_AUTO && !netdev_is_named(&s->options.config->interfaces, &f->dev))
        attacher.xdp = CONFIG_XDP_OFF;
    interface_attach(&attacher, f->dev.ifindex, is_ethernet(&f->dev), &f->at);
    f->told = false;
    log_attachment(f);
    return 0;
}

static struct followed *find(const struct interfaces *s, int ifindex)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].dev.ifindex == ifindex && !s->v[i].gone)
            return &s->v[i];
    return NULL;
}

struct followed *interfaces_append(struct interfaces *s)
{
    struct followed *v = reallocarray(s->v, s->n + 1, sizeof(*v));

    if (!v)
        return NULL;
    s->v = v;
    v[s->n] = (struct followed){0};
    return &v[s->n++];
}

bool interfaces_is_here(const struct followed *f)
{
    return f->entry.netns == interface_own_netns();
}

/* A number whose earlier interface is gone and not booked waits until that is. */
static bool is_waiting(const struct interfaces *s, int ifindex)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].gone && !s->v[i].booked && s->v[i].dev.ifindex == ifindex)
            return true;
    return false;
}

int interfaces_follow(struct interfaces *s, const struct netdev *dev)
{
    struct followed *f = interfaces_append(s);
    int r;

    if (!f)
        return -ENOMEM;
    f->dev = *dev;
    r = attach(s, f);
    if (r < 0) {
        log_warning("interface %s cannot be counted: %s", dev->name, strerror(-r));
        s->n--;
    }
    return r;
}

static void renamed(struct followed *f, const struct netdev *dev)
{
    if (strcmp(f->dev.name, dev->name) == 0)
        return;
    log_info("interface %s is now named %s", f->dev.name, dev->name);
    f->told = false;
}

static void mark_gone(struct followed *f)
{
    f->gone = true;
    f->told = false;
    log_info("interface %s is gone", f->dev.name);
}

static void on_gone(const struct netdev *dev, void *userdata)
{
    struct followed *f = find(userdata, dev->ifindex);

    if (!f)
        return;
    f->dev.rx = dev->rx;
    f->dev.tx = dev->tx;
    mark_gone(f);
}

/* ---- all of them ---- */

static void sync_with(struct interfaces *s, const struct netdev_list *list)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->v[i].gone && !netdev_find(list, s->v[i].dev.ifindex))
            mark_gone(&s->v[i]);
    for (size_t i = 0; i < list->n; i++) {
        const struct netdev *dev = &list->v[i];
        struct followed *f = find(s, dev->ifindex);
        const char *why;

        if (f) {
            renamed(f, dev);
            f->dev = *dev;
        } else if (!is_waiting(s, dev->ifindex) && netdev_is_chosen(&s->options.config->interfaces, list, dev, &why)) {
            interfaces_follow(s, dev);
        }
    }
}

int interfaces_sync(struct interfaces *s)
{
    struct netdev_list list = {0};
    int r = netdev_list(&list);

    if (r == 0)
        sync_with(s, &list);
    else
        log_warning("cannot list the network interfaces: %s", strerror(-r));
    free(list.v);
    return r;
}

/* ---- while running ---- */

int interfaces_fd(const struct interfaces *s)
{
    return s->watch ? netdev_watch_fd(s->watch) : -1;
}

void interfaces_read(struct interfaces *s)
{
    int r = netdev_watch_read(s->watch, on_gone, s);

    if (r < 0)
        log_warning("cannot follow the network interfaces: %s", strerror(-r));
    if (r != 0)
        interfaces_sync(s);
}

int interfaces_measure(struct interfaces *s, const struct store_meter **ret, size_t *ret_n)
{
    int r = interface_meters_begin(&s->meters, s->options.stats_fd, s->options.ledger);

    if (r == 0 && s->watch) {
        interfaces_read(s);
        r = interfaces_sync(s); /* the kernel's counters of this moment */
    }
    for (size_t i = 0; i < s->n && r == 0; i++) {
        struct followed *f = &s->v[i];

        if (f->booked)
            continue;
        r = interface_counts_read(s->counts_fd, f->dev.ifindex, &f->entry);
        if (r == 0)
            r = interface_meters_add(&s->meters, &f->entry, f->dev_unknown ? NULL : &f->dev, f->gone);
        f->measured = r == 0 && f->gone;
    }
    *ret = s->meters.v;
    *ret_n = s->meters.n;
    return r;
}

void interfaces_booked(struct interfaces *s)
{
    bool dropped = false;

    for (size_t i = 0; i < s->n; i++) {
        struct followed *f = &s->v[i];

        if (!f->measured || !f->gone || f->booked)
            continue;
        if (interfaces_is_here(f))
            interface_detach(s->options.pins, f->dev.ifindex);
        interface_counts_remove(s->counts_fd, f->dev.ifindex);
        f->booked = dropped = true;
    }
    if (dropped)
        interfaces_sync(s); /* a new interface may have the number that was waited for */
}

/* What is booked to the end and whose end is told. */
static void forget_booked(struct interfaces *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n; i++)
        if (!s->v[i].booked || !(s->v[i].told || s->v[i].dev_unknown))
            s->v[kept++] = s->v[i];
    s->n = kept;
}

/* ---- states ---- */

static const char *describe(const struct followed *f, char *buf, size_t size)
{
    const struct interface_attachment *at = &f->at;

    if (f->gone) {
        snprintf(buf, size, "%s", f->dev_unknown ? "gone" : "removed");
        return "off";
    }
    snprintf(buf, size, "received: %s, sent: %s%s%s%s", interface_hook_name(at->rx), interface_hook_name(at->tx),
             at->foreign_xdp ? "; another XDP program is left alone" : "", at->error < 0 ? "; " : "",
             at->error < 0 ? strerror(-at->error) : "");
    return at->rx == HOOK_NONE && at->tx == HOOK_NONE ? "failed" : "on";
}

static int tell_samples(struct interfaces *s, interfaces_state_fn fn, void *userdata)
{
    const struct config *config = s->options.config;
    char detail[128] = "samples.rate is 0";
    int r;

    if (s->samples)
        snprintf(detail, sizeof(detail), "one in %u packets, %s", config->samples_rate,
                 config->samples_mode == CONFIG_SAMPLES_EVERY ? "every so manieth on each CPU" : "at random");
    else if (config->samples_rate)
        snprintf(detail, sizeof(detail), "%s", s->no_samples ? s->no_samples : "the interface layer is off");
    r = s->samples_told ? 0
                        : fn("samples",
                             s->samples             ? "on"
                             : config->samples_rate ? "failed"
                                                    : "off",
                             detail, userdata);
    s->samples_told = s->samples_told || r == 0;
    return r;
}

int interfaces_tell_states(struct interfaces *s, interfaces_state_fn fn, void *userdata)
{
    int r = s->told ? 0 : fn("interface", s->off ? "off" : "on", s->off ? s->off : "", userdata);

    s->told = s->told || r == 0;
    for (size_t i = 0; i < s->n && r == 0; i++) {
        char layer[sizeof("interface ") + IFNAMSIZ], detail[256];
        struct followed *f = &s->v[i];
        const char *state;

        if (f->told || f->dev_unknown)
            continue;
        state = describe(f, detail, sizeof(detail));
        snprintf(layer, sizeof(layer), "interface %s", f->dev.name);
        r = fn(layer, state, detail, userdata);
        f->told = r == 0;
    }
    if (r == 0)
        r = tell_samples(s, fn, userdata);
    forget_booked(s);
    return r;
}

bool interfaces_have_door(const struct interfaces *s)
{
    return s->door;
}

void interfaces_tell_doors(const struct interfaces *s, interfaces_door_fn fn, void *userdata)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct followed *f = &s->v[i];

        if (!f->gone && f->at.rx != HOOK_NONE && f->dev.type != ARPHRD_LOOPBACK)
            fn(f->dev.name, interface_hook_name(f->at.rx), userdata);
    }
}

struct samples *interfaces_samples(const struct interfaces *s)
{
    return s->samples;
}

const char *interfaces_name(int ifindex, void *interfaces)
{
    const struct interfaces *s = interfaces;

    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].dev.ifindex == ifindex)
            return s->v[i].dev.name;
    return NULL;
}

void interfaces_use_config(struct interfaces *s, const struct config *config)
{
    s->options.config = config;
}

void interfaces_unload(struct interfaces *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (interfaces_is_here(&s->v[i]))
            interface_detach(s->options.pins, s->v[i].dev.ifindex);
}
