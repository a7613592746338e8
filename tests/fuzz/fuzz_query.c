/* Any bytes as the target of a request to pdtt-serve: refused with a reason, or an answer that is harmless. */
#include "serve/question.h"
#include "tests/fuzz/ask.h"

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

static void answer(const struct request *request)
{
    cleanup_free char *why = NULL;
    struct question question;

    if (question_parse(request, NULL, &question, &why) < 0) {
        require_reason(why);
    } else {
        question.target.colours = false; /* whoever asks for them gets escape sequences, of ours only */
        ask(store, calendar, &question.options);
    }
    question_done(&question);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    cleanup_free char *target = take_text(&in), *why = NULL;
    struct request request;

    if (request_parse(target, &request, &why) < 0) {
        require_reason(why);
        return 0;
    }
    answer(&request);
    request_done(&request);
    return 0;
}
