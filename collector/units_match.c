#include "collector/units.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

bool units_matches(const char *pattern, const char *path)
{
    return *path && fnmatch(pattern, path, FNM_PATHNAME) == 0;
}

/* Where the part of the pattern that stands for this path's directories ends, or NULL if nothing of it is left then. */
static const char *part_for(const char *pattern, const char *path)
{
    const char *slash = strchr(pattern, '/');

    for (; slash && (path = strchr(path, '/')); path++)
        slash = strchr(slash + 1, '/');
    return slash;
}

bool units_may_contain(const char *pattern, const char *path)
{
    char part[PATH_MAX];
    const char *end;

    if (!*path)
        return true;
    end = part_for(pattern, path);
    if (!end || (size_t)(end - pattern) >= sizeof(part))
        return false;
    memcpy(part, pattern, (size_t)(end - pattern));
    part[end - pattern] = '\0';
    return units_matches(part, path);
}
