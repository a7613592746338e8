#include "serve/endpoints.h"

#include "common/cleanup.h"

#include <string.h>

static const struct endpoint endpoints[] = {
    {"/api/v1/report", "A report, as pdtt-report gives it", answer_report, {.fixed = NULL}, false},
    {"/api/v1/history",
     "What moved in each period; the period is chosen from the range where none is given",
     answer_report,
     {.paged = true, .searched = true, .by_period = true},
     false},
    {"/api/v1/users",
     "What each user moved",
     answer_report,
     {.fixed = "by", .value = "user", .paged = true, .searched = true},
     false},
    {"/api/v1/projects",
     "What each project moved",
     answer_report,
     {.fixed = "by", .value = "project", .paged = true, .searched = true},
     false},
    {"/api/v1/processes",
     "What each program moved, from the records of connections",
     answer_report,
     {.fixed = "by", .value = "process,user", .paged = true, .searched = true},
     false},
    {"/api/v1/connections",
     "A row for each connection",
     answer_report,
     {.fixed = "connections", .value = "1", .paged = true, .searched = true},
     false},
    {"/api/v1/allocations",
     "What was used of what may be moved, and a forecast",
     answer_report,
     {.fixed = "allocations", .value = "1", .paged = true},
     false},
    {"/api/v1/audit",
     "What interfaces carried beside what was booked; for administrators",
     answer_report,
     {.fixed = "audit", .value = "1", .paged = true},
     false},
    {"/api/v1/current", "What moves now, from pdttd's counters", answer_current, {.paged = true}, false},
    {"/api/v1/stream",
     "The same each second, as server-sent events named current",
     answer_stream,
     {.fixed = NULL},
     false},
    {"/metrics", "Counters and health for Prometheus", answer_metrics, {.fixed = NULL}, true},
    {"/api/v1/openapi.json", "This description", answer_openapi, {.fixed = NULL}, false},
    {"/api/v1/me", "Who is asking, and what they may see", answer_me, {.fixed = NULL}, false},
    {"/api/v1/health", "Whether counting and booking are well", answer_health, {.fixed = NULL}, false},
    {"/api/current", "The same as /api/v1/current", answer_current, {.paged = true}, false},
    {"/api/history",
     "The same as /api/v1/history",
     answer_report,
     {.paged = true, .searched = true, .by_period = true},
     false},
};

const struct endpoint *endpoint_all(size_t *ret_n)
{
    *ret_n = array_length(endpoints);
    return endpoints;
}

const struct endpoint *endpoint_find(const char *path)
{
    for (size_t i = 0; i < array_length(endpoints); i++)
        if (strcmp(endpoints[i].path, path) == 0)
            return &endpoints[i];
    return NULL;
}
