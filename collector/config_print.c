#include <string.h>

#include "collector/config_keys.h"

#define WIDTH 100

/* Words up to WIDTH columns a line, each line begun by prefix. */
static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > 0 && column + 1 + n > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column > 0 ? " " : prefix, (int)n, text);
        text += n + (text[n] == ' ');
    }
    fputc('\n', out);
}

static size_t group_len(const char *path)
{
    const char *dot = strchr(path, '.');
    return dot ? (size_t)(dot - path) : 0;
}

static bool same_group(const struct config_key *a, const struct config_key *b)
{
    size_t n = group_len(a->path);
    return n == group_len(b->path) && strncmp(a->path, b->path, n) == 0;
}

/* A group of which nothing is supported is a comment as a whole. */
static bool is_group_supported(size_t first)
{
    for (size_t i = first; i < config_n_keys && same_group(&config_keys[first], &config_keys[i]); i++)
        if (config_keys[i].read)
            return true;
    return false;
}

/* Lists of groups get a line per element, so that more are easily added. */
static void print_value(FILE *out, const char *text)
{
    static const char opening[] = "( { ";
    size_t n = strlen(text);

    if (strncmp(text, opening, sizeof(opening) - 1) != 0)
        fprintf(out, "%s", text);
    else
        fprintf(out, "(\n    %.*s\n)", (int)(n - 4), text + 2);
}

static void print_key(FILE *out, const struct config_key *key)
{
    size_t n = group_len(key->path);
    const char *indent = n ? "    " : "";
    const char *prefix = n ? "    # " : "# ";

    print_wrapped(out, prefix, key->comment);
    fprintf(out, "%sAllowed: %s.", prefix, key->range);
    fprintf(out, "%s\n", key->read ? "" : " Not yet supported: any other value than this is refused.");
    fprintf(out, "%s%s%s = ", indent, key->read ? "" : "# ", n ? key->path + n + 1 : key->path);
    print_value(out, key->default_text);
    fputs(";\n", out);
}

void config_print_defaults(FILE *out)
{
    fputs("# Configuration of pdttd; see pdtt.conf(5). Every key may be left out; the values here are the defaults.\n"
          "# After a change: \"pdttd --check\" reads this file and says what is wrong, \"pdttctl reload\" "
          "makes pdttd read it again.\n",
          out);
    for (size_t i = 0, group_start = 0; i < config_n_keys; i++) {
        const struct config_key *key = &config_keys[i];
        size_t n = group_len(key->path);
        bool first = i == 0 || !same_group(key, key - 1);
        group_start = first ? i : group_start;
        bool last = i + 1 == config_n_keys || !same_group(key, key + 1);
        if (first || !n)
            fputc('\n', out);
        if (n && first)
            fprintf(out, "%s%.*s = {\n", is_group_supported(group_start) ? "" : "# ", (int)n, key->path);
        print_key(out, key);
        if (n && last)
            fprintf(out, "%s};\n", is_group_supported(group_start) ? "" : "# ");
    }
}

/* What man(7) would take for its own. */
static void print_roff(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            fputs("\\e", out);
        else if (*p == '-')
            fputs("\\-", out);
        else
            fputc(*p, out);
    }
}

static void print_manual_entry(FILE *out, const struct config_key *key)
{
    fputs(".TP\n\\fB", out);
    print_roff(out, key->path);
    fputs("\\fR = ", out);
    print_roff(out, key->default_text);
    fputs(";\n", out);
    print_roff(out, key->comment);
    fputs("\nAllowed: ", out);
    print_roff(out, key->range);
    fprintf(out, ".\n%s", key->read ? "" : "Not yet supported: any other value than the default is refused.\n");
}

void config_print_manual(FILE *out)
{
    for (size_t i = 0; i < config_n_keys; i++)
        print_manual_entry(out, &config_keys[i]);
}
