/* What the files of the interface layer share: interfaces.c follows what there is, interfaces_open.c begins and ends it. */
#pragma once

#include "collector/interface_attach.h"
#include "collector/interface_meters.h"
#include "collector/interfaces.h"

/* An interface that is counted, or was and is not booked to the end. */
struct followed {
    struct netdev dev; /* as last seen */
    struct pdtt_interface entry;
    struct interface_attachment at;
    bool gone;        /* with its last counters in dev */
    bool dev_unknown; /* gone while no pdttd ran: the kernel's counters went with it */
    bool measured;    /* its last reading was handed out */
    bool booked;      /* ... and is in the store: only its state is still to be told */
    bool told;        /* its state */
};

struct interfaces {
    struct interfaces_options options;
    struct interface_programs *programs;
    struct interface_attacher attacher;
    struct netdev_watch *watch;
    struct followed *v;
    size_t n;
    int counts_fd;
    struct interface_meters meters;
    struct samples *samples;
    char *no_samples; /* why there are none that were wanted; NULL: there are, or none were wanted */
    bool samples_told;
    bool door; /* policies are done here too */
    char *off; /* why the layer is off; NULL: it is on */
    bool told;
};

/* A new element, all zero; NULL when memory is out. */
struct followed *interfaces_append(struct interfaces *s);

/* Counts an interface from now on, or goes on with it. A failure is logged. */
int interfaces_follow(struct interfaces *s, const struct netdev *dev);

/* Whether it is in this network namespace: another pdttd may have run in another one. */
bool interfaces_is_here(const struct followed *f);

/* Compares with what there is now: follows what came, and notes what went. A failure is logged. */
int interfaces_sync(struct interfaces *s);
