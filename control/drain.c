#include "common/units.h"
#include "control/ask.h"

#include <stdio.h>

static void print_drained(const json_t *answer)
{
    json_int_t intervals = ask_number(answer, "intervals"), rows = ask_number(answer, "rows");
    char tx[UNITS_TEXT_MAX], rx[UNITS_TEXT_MAX];

    printf("booked %lld row%s of %lld interval%s: TX %s in %lld packets, RX %s in %lld packets; took %.1f ms\n",
           (long long)rows, rows == 1 ? "" : "s", (long long)intervals, intervals == 1 ? "" : "s",
           units_format_bytes(tx, ask_number(answer, "tx_bytes"), UNITS_AUTO),
           (long long)ask_number(answer, "tx_packets"),
           units_format_bytes(rx, ask_number(answer, "rx_bytes"), UNITS_AUTO),
           (long long)ask_number(answer, "rx_packets"), json_real_value(json_object_get(answer, "took_ms")));
}

int command_drain(const struct invocation *in)
{
    json_t *answer;
    int r = ask_pdttd(in, "drain", "not booked, the counts wait in the kernel", &answer);

    return r < 0 ? r : ask_print(in, answer, print_drained);
}
