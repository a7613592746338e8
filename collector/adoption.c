#include "collector/adoption.h"

#include "common/cleanup.h"

program_set adoption_programs(const struct tier_choice *choice)
{
    program_set set = 0;

    for (unsigned i = 0; i < PROGRAMS; i++)
        if (program_rows[i].kind == PROGRAM_ITERATOR && program_rows[i].layer == LAYER_ADOPT)
            set |= choice->wanted & program_bit(i);
    return set;
}

int adoption_run(const struct tier_choice *choice, const struct programs *p, int *sweep_fd)
{
    program_set set = adoption_programs(choice);
    int r = 0;

    for (unsigned i = 0; i < PROGRAMS && r == 0; i++) {
        cleanup_close int link = set & program_bit(i) ? programs_attach_iterator(p, i) : -1;

        if (!(set & program_bit(i)))
            continue;
        r = link < 0 ? link : programs_run_iterator(link);
        if (r == 0 && choice->tier == TIER_NONE) {
            close_fd(*sweep_fd);
            *sweep_fd = link;
            link = -1;
        }
    }
    return r;
}
