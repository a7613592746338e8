/* Any words as the command line of pdtt-report: refused, or a page that is harmless, whatever was asked. */
#include "tests/fuzz/ask.h"

#define MOST_WORDS 24

static struct calendar *calendar;
static struct store *store;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char *why = NULL;

    place_make();
    if (calendar_open("UTC", &calendar) < 0 || store_open(place_path, STORE_READ, &store, &why) < 0)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    char *argv[MOST_WORDS + 2] = {(char *)"pdtt-report"};
    int argc = 1;

    while (argc <= MOST_WORDS && in.size > 0)
        argv[argc++] = take_text(&in);
    ask_with(store, calendar, argc, argv);
    for (int i = 1; argv[i]; i++)
        free(argv[i]);
    return 0;
}
