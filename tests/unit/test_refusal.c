/* What a refused change says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/sim/refusal.h"

static void says_as_much_as_is_known(void **state)
{
    struct refusal_text t;

    (void)state;
    assert_string_equal(refusal_show(&(struct sched_refusal){"slice", "is too long, in ns", 7}, &t),
                        "slice: is too long, in ns: 7");
    assert_string_equal(refusal_show(&(struct sched_refusal){NULL, "it does not fit", 0}, &t),
                        "it does not fit");
    assert_string_equal(refusal_show(&(struct sched_refusal){NULL, NULL, 0}, &t),
                        "the policy refused it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_as_much_as_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
