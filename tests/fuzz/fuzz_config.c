/*
 * A fuzzer for libFuzzer: any bytes as a configuration file. What it holds against them: no crash, and an answer that
 * is either a whole configuration or one line that says why not.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "collector/config.h"
#include "common/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct config *c)
{
    assert(c->database[0] == '/' && c->pin_path[0] == '/');
    assert(c->interval_sec > 0 && 3600 % c->interval_sec == 0);
    assert(c->limit_accounts >= 16 && c->limit_accounts <= 1048576);
    assert(c->n_classes <= CONFIG_MAX_CLASSES);
    for (size_t i = 0; i < c->n_projects; i++)
        assert(c->projects[i].groups.n + c->projects[i].users.n + c->projects[i].units.n > 0);
    for (size_t i = 0; i < c->n_allocations; i++)
        assert(c->allocations[i].limit_bytes > 0 && !c->allocations[i].user != !c->allocations[i].project);
    for (size_t i = 0; i < c->n_classes; i++)
        assert(c->classes[i].name[0] && c->classes[i].n_networks > 0);
}

/* An include or a file of networks could be any file of the host: such inputs are left out, the corpus test has them.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_close int fd = memfd_create("config", MFD_CLOEXEC);
    cleanup_free char *why = NULL;
    struct config *config = NULL;
    char path[32];

    if (fd < 0 || memmem(data, size, "@include", 8) || memmem(data, size, "networks_file", 13) ||
        write(fd, data, size) != (ssize_t)size)
        return -1;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (config_load(path, &config, &why) == 0) {
        assert(!why);
        check_values(config);
        config_free(config);
    } else {
        assert(!config && why && *why && !strchr(why, '\n'));
    }
    return 0;
}
