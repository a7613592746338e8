#include "serve/edition.h"

#include "common/cleanup.h"

#include <sys/stat.h>

void edition_done(struct edition *e)
{
    e->store = store_close(e->store);
}

/* The file may have been replaced by another one of its name. */
static bool is_open(const struct edition *e, const struct stat *st)
{
    return e->store && e->device == st->st_dev && e->inode == st->st_ino;
}

static bool open_again(struct edition *e, const char *path, const struct stat *st)
{
    cleanup_free char *why = NULL;

    edition_done(e);
    if (store_open(path, STORE_READ, &e->store, &why) < 0)
        return false;
    e->device = st->st_dev;
    e->inode = st->st_ino;
    e->opened++;
    return true;
}

bool edition_look(struct edition *e, const char *path, struct edition_number *ret)
{
    struct stat st;

    if (stat(path, &st) < 0 || (!is_open(e, &st) && !open_again(e, path, &st))) {
        edition_done(e);
        return false;
    }
    ret->opened = e->opened;
    if (store_edition(e->store, &ret->committed) == 0)
        return true;
    edition_done(e);
    return false;
}
