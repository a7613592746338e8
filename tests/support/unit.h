/* How every unit program ends: runs its suite verbosely, so that tests/run can count each test. */
#pragma once

#include <check.h>
#include <stdlib.h>

static inline int unit_main(Suite *suite)
{
    SRunner *r = srunner_create(suite);
    srunner_run_all(r, CK_VERBOSE);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
