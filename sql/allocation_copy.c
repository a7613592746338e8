#include "sql/store_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int store_allocation_copy(const struct store_allocation *from, struct store_allocation *ret)
{
    const char **classes = calloc(from->classes.n + 1, sizeof(*classes));

    *ret = *from;
    ret->name = strdup(from->name);
    ret->classes = (struct store_names){classes, 0};
    for (; classes && ret->classes.n < from->classes.n; ret->classes.n++)
        if (!(classes[ret->classes.n] = strdup(from->classes.v[ret->classes.n])))
            return -ENOMEM;
    return ret->name && classes ? 0 : -ENOMEM;
}

void store_allocation_done(struct store_allocation *a)
{
    for (size_t i = 0; i < a->classes.n; i++)
        free((char *)a->classes.v[i]);
    free((void *)a->classes.v);
    free((char *)a->name);
}
