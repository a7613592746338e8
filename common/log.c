#include "common/log.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_DEBUG };

/* priority: the numbers of syslog(3), as sd-daemon(3) wants them. An error is the normal case for a line, so it has no
 * word. */
static const struct {
    char priority;
    const char *word;
} levels[] = {
    [LEVEL_ERROR] = {'3', ""},
    [LEVEL_WARNING] = {'4', "warning: "},
    [LEVEL_INFO] = {'6', ""},
    [LEVEL_DEBUG] = {'7', "debug: "},
};

static struct {
    const char *program;
    bool journal;
    bool debug;
} state = {.program = "pdtt"};

/*
 * systemd puts "device:inode" of the stream that it connected into the environment. Comparing it with stderr tells the
 * journal from a terminal or file to which a child of a service was redirected (systemd.exec(5), JOURNAL_STREAM).
 */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *program_name)
{
    state.program = program_name;
    state.journal = stderr_is_journal();
}

void log_set_debug(int on)
{
    state.debug = on;
}

/* One write() a line, so that lines of threads and of other processes on the same terminal do not mix. */
static void write_line(const char *line, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, line, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* there is nowhere left to complain to */
        line += n;
        length -= (size_t)n;
    }
}

static void log_line(enum level level, const char *format, va_list args)
{
    cleanup_free char *message = NULL, *harmless = NULL, *line = NULL;
    int saved = errno, n;

    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    if (message) {
        /* Libraries hand over lines with their newline; it would be shown as \x0a. */
        for (size_t length = strlen(message); length > 0 && message[length - 1] == '\n'; length--)
            message[length - 1] = '\0';
        harmless = escape_terminal(message);
    }
    if (state.journal)
        n = asprintf(&line, "<%c>%s\n", levels[level].priority, harmless ? harmless : format);
    else
        n = asprintf(&line, "%s: %s%s\n", state.program, levels[level].word, harmless ? harmless : format);
    if (n < 0) {
        static const char last[] = "out of memory while writing a log line\n";

        line = NULL;
        write_line(last, sizeof(last) - 1);
    } else {
        write_line(line, (size_t)n);
    }
    errno = saved;
}

#define DEFINE_LOG(name, level)                                                                                        \
    void log_##name(const char *format, ...)                                                                           \
    {                                                                                                                  \
        va_list args;                                                                                                  \
                                                                                                                       \
        va_start(args, format);                                                                                        \
        log_line(level, format, args);                                                                                 \
        va_end(args);                                                                                                  \
    }

DEFINE_LOG(error, LEVEL_ERROR)
DEFINE_LOG(warning, LEVEL_WARNING)
DEFINE_LOG(info, LEVEL_INFO)

void log_debug(const char *format, ...)
{
    va_list args;

    if (!state.debug)
        return;
    va_start(args, format);
    log_line(LEVEL_DEBUG, format, args);
    va_end(args);
}
