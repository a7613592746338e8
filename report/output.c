#include "report/output.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <inttypes.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>

static const struct output *const outputs[] = {&output_table, &output_json, &output_csv,
                                               &output_tsv,   &output_log,  &output_pcap};

const struct output *output_find(const char *name)
{
    for (size_t i = 0; i < array_length(outputs); i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}

static int write_report(const struct output *output, struct output_job *job, const struct rows *rows,
                        const struct row *totals)
{
    struct report_page *page = job->head->page;
    size_t first = page && page->skip < rows->n ? page->skip : page ? rows->n : 0;
    size_t end = page && page->limit < rows->n - first ? first + page->limit : rows->n;
    int r;

    if (page)
        page_note_next(page, job->head->period.since_sec, job->head->period.until_sec, rows->n);
    r = output->begin(job);
    for (size_t i = first; r >= 0 && i < end; i++)
        r = output->row(job, &rows->v[i]);
    if (r >= 0)
        r = output->end(job, totals);
    return r;
}

static int render(const struct output *output, struct output_job *job, const struct rows *rows,
                  const struct row *totals, char **ret_text, size_t *ret_size)
{
    int r;

    job->out = open_memstream(ret_text, ret_size);
    if (!job->out)
        return -ENOMEM;
    r = write_report(output, job, rows, totals);
    output->done(job);
    if (fclose(job->out) != 0)
        return -ENOMEM;
    return r;
}

/* https://no-color.org: any value that is not empty. A dumb terminal would show the sequences as text. */
static bool want_colours(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

struct output_target output_target_of(FILE *out)
{
    enum { DEFAULT_WIDTH = 80 };
    struct winsize size = {0};
    bool terminal = fileno(out) >= 0 && isatty(fileno(out));

    if (terminal)
        ioctl(fileno(out), TIOCGWINSZ, &size);
    return (struct output_target){
        .terminal = terminal,
        .colours = terminal && want_colours(),
        .width = size.ws_col ? size.ws_col : DEFAULT_WIDTH,
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
    };
}

int output_report(const struct output *output, const struct report_head *head, const struct rows *rows,
                  const struct row *totals, FILE *out)
{
    struct output_job job = {
        .head = head,
        .target = head->target ? *head->target : output_target_of(out),
        .rows = rows,
    };
    cleanup_free char *text = NULL;
    size_t size = 0;
    int r = render(output, &job, rows, totals, &text, &size);

    if (r < 0)
        return r;
    /* Written in one go: a live view does not flicker, and errno is that of the write. */
    if (fwrite(text, 1, size, out) != size || fflush(out) != 0)
        return errno ? -errno : -EIO;
    return 0;
}

char *output_others_label(const struct row *row, char buf[static 32])
{
    snprintf(buf, 32, "(%zu other%s)", row->n_others, row->n_others == 1 ? "" : "s");
    return buf;
}

const struct field *output_first_field(unsigned by)
{
    for (size_t i = 0; i < n_fields; i++)
        if (fields[i].dim & by & ~FIELD_PERIOD)
            return &fields[i];
    return &fields[0]; /* the period */
}

bool output_is_shown(const struct field *field, const struct report_head *head)
{
    if (!field_is_in(field, head->by) || field->view == FIELD_HIDDEN)
        return false;
    /* Packets of a connection are left to the machine formats: lines would become too long. */
    if (head->by & FIELD_CONNECTION && field->dim == 0 && field->kind == FIELD_PACKETS)
        return false;
    return field->view == FIELD_ALWAYS || field->view == FIELD_PEOPLE ||
           field->view == (head->payload ? FIELD_PAYLOAD : FIELD_WIRE);
}

/* "12 ms", "3.2 s", "4 min 05 s", "3 h 07 min", "2 d 04 h": two figures that matter. */
static char *text_of_ms(int64_t ms)
{
    static const struct {
        int64_t sec, part;
        const char *unit, *part_unit;
    } units[] = {{86400, 3600, "d", "h"}, {3600, 60, "h", "min"}, {60, 1, "min", "s"}};
    int64_t sec = ms / 1000;
    char *ret;
    int n = -1;

    for (size_t i = 0; i < array_length(units); i++)
        if (sec >= units[i].sec) {
            n = asprintf(&ret, "%" PRId64 " %s %02d %s", sec / units[i].sec, units[i].unit,
                         (int)(sec % units[i].sec / units[i].part), units[i].part_unit);
            return n < 0 ? NULL : ret;
        }
    n = sec ? asprintf(&ret, "%" PRId64 ".%d s", sec, (int)(ms % 1000 / 100)) : asprintf(&ret, "%d ms", (int)ms);
    return n < 0 ? NULL : ret;
}

char *output_cell_text(const struct report_head *head, const struct field *field, const struct row *row)
{
    char bytes[UNITS_TEXT_MAX], *ret;
    int64_t number;

    if (field_is_none(field, row))
        return strdup(row->n_others ? "" : "-");
    if (field->kind == FIELD_TEXT)
        return escape_terminal(field_text(field, row));
    number = field_number(field, row);
    switch (field->kind) {
    case FIELD_FAMILY:
        return strdup(number == 4 ? "IPv4" : "IPv6");
    case FIELD_BYTES:
        return strdup(units_format_bytes(bytes, number, head->units));
    case FIELD_MS:
        return text_of_ms(number);
    case FIELD_US:
        return asprintf(&ret, "%" PRId64 ".%02d ms", number / 1000, (int)(number % 1000 / 10)) < 0 ? NULL : ret;
    case FIELD_PERCENT:
        return asprintf(&ret, "%" PRId64 ".%02d", number / 100, (int)(number % 100)) < 0 ? NULL : ret;
    default:
        return asprintf(&ret, "%" PRId64, number) < 0 ? NULL : ret;
    }
}

const char *output_nothing(const struct report_head *head)
{
    if (head->by & (FIELD_SAMPLE | FIELD_SOURCE))
        return "No sample of a packet answers this question.\n";
    if (head->by & FIELD_CONNECTION)
        return "No connection was recorded for this question.\n";
    return head->by & FIELD_ALLOCATION ? "No allocation is configured; see \"allocation\" in pdtt.conf(5).\n"
                                       : "Nothing was booked for this question.\n";
}
