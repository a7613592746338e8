#include "common/options.h"

#include "common/cleanup.h"
#include "common/escape.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

/* Long options are numbered from here in getopt's answer, out of the way of every letter. */
enum { FIRST_LONG = 256 };

enum { HELP_WIDTH = 80, HELP_INDENT = 2, HELP_GAP = 2, HELP_LEFT_MAX = 30 };

/* The reason that apply() gave, until its caller says it. */
static __thread char *complaint;

int options_complain(const char *format, ...)
{
    va_list args;

    free(complaint);
    va_start(args, format);
    if (vasprintf(&complaint, format, args) < 0)
        complaint = NULL;
    va_end(args);
    return -EINVAL;
}

static const char *program_of(char **argv)
{
    const char *slash, *program = argv[0] && argv[0][0] ? argv[0] : "pdtt";

    slash = strrchr(program, '/');
    return slash ? slash + 1 : program;
}

/* Prints "PROGRAM: what (see PROGRAM --help)", harmless for the terminal, and returns -EINVAL. */
static int refuse(char **argv, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char **argv, const char *format, ...)
{
    cleanup_free char *what = NULL, *harmless = NULL;
    const char *program = program_of(argv);
    va_list args;

    va_start(args, format);
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    if (what)
        harmless = escape_terminal(what);
    fprintf(stderr, "%s: %s (see %s --help)\n", program, harmless ? harmless : "bad command line", program);
    return -EINVAL;
}

/* ---- what getopt_long(3) needs ---- */

static char *short_options(const struct option_row *rows, size_t n_rows)
{
    char *ret = malloc(2 * n_rows + 2), *out = ret;

    if (!ret)
        return NULL;
    *out++ = ':'; /* tell a missing argument (':') from an unknown option ('?') */
    for (size_t i = 0; i < n_rows; i++) {
        if (!rows[i].apply || !rows[i].letter)
            continue;
        *out++ = rows[i].letter;
        if (rows[i].argument)
            *out++ = ':';
    }
    *out = '\0';
    return ret;
}

static struct option *long_options(const struct option_row *rows, size_t n_rows)
{
    struct option *ret = calloc(n_rows + 1, sizeof(*ret)), *out = ret;

    if (!ret)
        return NULL;
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].apply && rows[i].long_name)
            *out++ = (struct option){
                .name = rows[i].long_name,
                .has_arg = rows[i].argument ? required_argument : no_argument,
                .val = FIRST_LONG + (int)i,
            };
    return ret;
}

static const struct option_row *row_of(const struct option_row *rows, size_t n_rows, int answer)
{
    if (answer >= FIRST_LONG && (size_t)(answer - FIRST_LONG) < n_rows)
        return &rows[answer - FIRST_LONG];
    for (size_t i = 0; answer > 0 && i < n_rows; i++)
        if (rows[i].apply && rows[i].letter == answer)
            return &rows[i];
    return NULL;
}

/* "--since", or "-x" where there is no long form. */
static const char *row_title(const struct option_row *row, char buf[static 64])
{
    if (row->long_name)
        snprintf(buf, 64, "--%s", row->long_name);
    else
        snprintf(buf, 64, "-%c", row->letter);
    return buf;
}

/* ---- complaints ---- */

/* The words that a wrong --word may have meant: those that it begins, if any. */
static size_t count_beginning(const struct option_row *rows, size_t n_rows, const char *word, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].apply && rows[i].long_name && strncmp(rows[i].long_name, word, length) == 0)
            n++;
    return n;
}

static int refuse_unknown_long(const struct option_row *rows, size_t n_rows, char **argv, const char *word)
{
    cleanup_free char *name = strndup(word, strcspn(word, "="));
    cleanup_free const char **names = calloc(n_rows, sizeof(*names));
    const char *nearest;
    size_t n = 0;

    if (!name || !names)
        return -ENOMEM;
    if (*name && count_beginning(rows, n_rows, name, strlen(name)) > 1)
        return refuse(argv, "option --%s: more than one option begins like this", name);
    for (size_t i = 0; i < n_rows; i++)
        if (rows[i].apply && rows[i].long_name)
            names[n++] = rows[i].long_name;
    nearest = options_nearest(name, names, n);
    if (nearest)
        return refuse(argv, "unknown option --%s, did you mean --%s?", name, nearest);
    return refuse(argv, "unknown option --%s", name);
}

/* getopt_long() answered '?' or ':'; optopt and the word just read tell which of its four complaints it was. */
static int refuse_answer(const struct option_row *rows, size_t n_rows, char **argv, int answer)
{
    const struct option_row *row = row_of(rows, n_rows, optopt);
    char title[64];

    if (answer == ':' && row)
        return refuse(argv, "option %s: needs %s", row_title(row, title), row->argument);
    if (row) {
        const char *value = strchr(argv[optind - 1], '=');

        return refuse(argv, "option %s: '%s': takes no value", row_title(row, title), value ? value + 1 : "");
    }
    if (optopt)
        return refuse(argv, "unknown option -%c", optopt);
    return refuse_unknown_long(rows, n_rows, argv, argv[optind - 1] + strlen("--"));
}

int options_apply(const struct option_row *row, const char *argument, void *target, char **ret_why)
{
    cleanup_free char *reason = NULL;
    char title[64];
    int n, r = row->apply(target, argument);

    reason = take_ptr(complaint);
    if (r >= 0)
        return r;
    row_title(row, title);
    if (argument)
        n = asprintf(ret_why, "option %s: '%s': %s", title, argument, reason ? reason : strerror(-r));
    else
        n = asprintf(ret_why, "option %s: %s", title, reason ? reason : strerror(-r));
    if (n < 0)
        *ret_why = NULL;
    return r;
}

static int apply_row(const struct option_row *row, char **argv, void *target, const char *argument)
{
    cleanup_free char *why = NULL;
    int r = options_apply(row, argument, target, &why);

    if (r < 0)
        refuse(argv, "%s", why ? why : strerror(-r));
    return r;
}

/* What getopt_long(3) calls next; forgetting an earlier command line altogether matters to tests. */
static int next_answer(bool first, int argc, char **argv, const char *letters, const struct option *longs)
{
    if (first)
        optind = 0; /* glibc */
    opterr = 0;
    return getopt_long(argc, argv, letters, longs, NULL);
}

int options_parse(const struct option_row *rows, size_t n_rows, int argc, char **argv, void *target,
                  int *ret_first_operand)
{
    cleanup_free char *letters = short_options(rows, n_rows);
    cleanup_free struct option *longs = long_options(rows, n_rows);
    int answer, r;

    if (!letters || !longs)
        return -ENOMEM;
    for (bool first = true; (answer = next_answer(first, argc, argv, letters, longs)) != -1; first = false) {
        if (answer == '?' || answer == ':')
            return refuse_answer(rows, n_rows, argv, answer);
        r = apply_row(row_of(rows, n_rows, answer), argv, target, optarg);
        if (r < 0)
            return r;
    }
    if (!ret_first_operand && optind < argc)
        return refuse(argv, "unexpected operand '%s'", argv[optind]);
    if (ret_first_operand)
        *ret_first_operand = optind;
    return 0;
}

int options_walk(const struct option_row *rows, size_t n_rows, int argc, char **argv,
                 int (*fn)(const struct option_row *row, const char *argument, void *userdata), void *userdata)
{
    cleanup_free char *letters = short_options(rows, n_rows);
    cleanup_free struct option *longs = long_options(rows, n_rows);
    int answer, r = 0;

    if (!letters || !longs)
        return -ENOMEM;
    for (bool first = true; (answer = next_answer(first, argc, argv, letters, longs)) != -1; first = false) {
        const struct option_row *row = row_of(rows, n_rows, answer);

        if (row && (r = fn(row, optarg, userdata)) < 0)
            return r;
    }
    return 0;
}

/* ---- help ---- */

/* "-u, --user U[,U]"; without a letter the long form stays in its column. */
static int left_column(const struct option_row *row, char *buf, size_t size)
{
    char letter[8] = "    ";

    if (row->letter)
        snprintf(letter, sizeof(letter), "-%c%s", row->letter, row->long_name ? ", " : "");
    return snprintf(buf, size, "%s%s%s%s%s", letter, row->long_name ? "--" : "", row->long_name ? row->long_name : "",
                    row->argument ? " " : "", row->argument ? row->argument : "");
}

static int left_width(const struct option_row *rows, size_t n_rows)
{
    char buf[128];
    int width = 0;

    for (size_t i = 0; i < n_rows; i++) {
        int n = rows[i].help ? left_column(&rows[i], buf, sizeof(buf)) : 0;

        if (n > width && n <= HELP_LEFT_MAX)
            width = n;
    }
    return width;
}

/* Prints text from column on, breaking at blanks; the cursor stands at column already. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int at = column;

    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        int n = (int)strcspn(text, " ");

        if (at > column && at + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", n, text);
        text += n;
        at += n;
    }
    fputc('\n', out);
}

void options_print_help(FILE *out, const char *usage, const struct option_row *rows, size_t n_rows)
{
    int width = left_width(rows, n_rows), column = HELP_INDENT + width + HELP_GAP;
    char left[128];

    fprintf(out, "%s\n", usage);
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i].group)
            fprintf(out, "\n%s\n", rows[i].group);
        if (!rows[i].help)
            continue;
        if (left_column(&rows[i], left, sizeof(left)) > width)
            fprintf(out, "%*s%s\n%*s", HELP_INDENT, "", left, column, "");
        else
            fprintf(out, "%*s%-*s", HELP_INDENT, "", width + HELP_GAP, left);
        print_wrapped(out, rows[i].help, column);
    }
}

/* ---- nearest word ---- */

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Levenshtein's distance with two swapped neighbours as one error (optimal string alignment), because that is what
 * fingers do most. Three rows of the table are kept; a is at most WORD_MAX long.
 */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1], n = strlen(a), j;

    for (size_t i = 0; i <= n; i++)
        rows[0][i] = i;
    for (j = 1; b[j - 1]; j++) {
        size_t *row = rows[j % 3], *above = rows[(j + 2) % 3], *above2 = rows[(j + 1) % 3];

        row[0] = j;
        for (size_t i = 1; i <= n; i++) {
            row[i] = least(least(above[i], row[i - 1]) + 1, above[i - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[i] = least(row[i], above2[i - 2] + 1);
        }
    }
    return rows[(j - 1) % 3][n];
}

const char *options_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t length = strlen(word), best = length / 3 + 1;
    const char *ret = NULL;

    if (length > WORD_MAX)
        return NULL; /* nobody misspells a word of this length; it is something else */
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, candidates[i]);

        if (d < best) {
            best = d;
            ret = candidates[i];
        }
    }
    return ret;
}
