#include "bench/sample.h"

#include "tests/support/unit.h"

START_TEST(the_median_of_an_odd_number_is_the_middle_one)
{
    double values[] = {9, 1, 5};

    ck_assert_double_eq(sample_quantile(values, 3, 0.5), 5);
}
END_TEST

START_TEST(a_quantile_between_two_values_is_interpolated)
{
    double values[] = {40, 10, 30, 20};

    ck_assert_double_eq_tol(sample_quantile(values, 4, 0.5), 25, 1e-9);
    ck_assert_double_eq_tol(sample_quantile(values, 4, 0.25), 17.5, 1e-9);
}
END_TEST

START_TEST(the_ends_are_the_smallest_and_the_largest)
{
    double values[] = {3, -1, 2};

    ck_assert_double_eq(sample_quantile(values, 3, 0), -1);
    ck_assert_double_eq(sample_quantile(values, 3, 1), 3);
}
END_TEST

START_TEST(one_value_is_its_own_spread)
{
    double value = 7;
    struct spread spread = sample_spread(&value, 1);

    ck_assert(spread.median == 7 && spread.low == 7 && spread.high == 7);
}
END_TEST

START_TEST(no_values_give_zero)
{
    double none = 7;

    ck_assert_double_eq(sample_quantile(&none, 0, 0.5), 0);
}
END_TEST

START_TEST(one_disturbed_round_does_not_move_the_median)
{
    double values[] = {100, 101, 99, 5000, 100};

    ck_assert_double_eq(sample_spread(values, 5).median, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sample");
    TCase *quantiles = tcase_create("quantiles");

    tcase_add_test(quantiles, the_median_of_an_odd_number_is_the_middle_one);
    tcase_add_test(quantiles, a_quantile_between_two_values_is_interpolated);
    tcase_add_test(quantiles, the_ends_are_the_smallest_and_the_largest);
    tcase_add_test(quantiles, one_value_is_its_own_spread);
    tcase_add_test(quantiles, no_values_give_zero);
    tcase_add_test(quantiles, one_disturbed_round_does_not_move_the_median);
    suite_add_tcase(suite, quantiles);
    return unit_main(suite);
}
