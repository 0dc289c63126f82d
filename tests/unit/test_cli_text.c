/* What the command line says: refusals, values, sets of pCPUs; and windows as they are written. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include <errno.h>

#include "../../tools/cli/refused.h"
#include "../../tools/cli/show.h"
#include "../../tools/cli/window.h"
#include "sample_policy.h"

static const char *text_of(int error, const char *param, const char *why, int64_t limit)
{
    static char text[320];
    struct policy p = sample_policy("sedf");
    struct moirai_refusal r = {.limit = limit};

    snprintf(r.param, sizeof r.param, "%s", param);
    snprintf(r.why, sizeof r.why, "%s", why);
    return refused_text(&p, error, &r, text, sizeof text);
}

static void refusals_say_what_would_be_right(void **state)
{
    (void)state;
    assert_string_equal(text_of(EINVAL, "slice", "is more than the period", 20000000),
                        "slice is more than the period: 20ms");
    assert_string_equal(text_of(EINVAL, "weight", "is more than the maximum", 65535),
                        "weight is more than the maximum: 65535");
    assert_string_equal(text_of(ENOSPC, "", "free on the best, in millionths of a pCPU", 450000),
                        "free on the best, in millionths of a pCPU: 450000");
    assert_string_equal(text_of(EINVAL, "slice", "is more than it, in ns", 1000),
                        "slice is more than it, in ns: 1000");
    assert_string_equal(text_of(EBUSY, "", "the pool has no pCPU", 0), "the pool has no pCPU");
}

static void refusals_without_a_reason_are_explained(void **state)
{
    (void)state;
    assert_non_null(strstr(text_of(ESRCH, "", "", 0), "no such domain or vCPU"));
    assert_non_null(strstr(text_of(ENOENT, "", "", 0), "no such pool or scheduler"));
    assert_non_null(strstr(text_of(EPERM, "", "", 0), "only the control domain"));
    assert_string_equal(text_of(ENOMEM, "", "", 0), strerror(ENOMEM));
}

static void values_have_the_unit_of_their_kind(void **state)
{
    const struct moirai_param time = {.kind = MOIRAI_TIME}, cap = {.kind = MOIRAI_PERCENT};
    struct value_text text;

    (void)state;
    assert_string_equal(show_value(&time, 1500000, &text), "1500us");
    assert_string_equal(show_value(&time, 0, &text), "0");
    assert_string_equal(show_value(&cap, 25, &text), "25%");
}

static void sets_of_pcpus_are_short(void **state)
{
    char text[256];

    (void)state;
    assert_string_equal(show_pcpus(0x1, text, sizeof text), "0");
    assert_string_equal(show_pcpus(0x3b, text, sizeof text), "0-1,3-5");
    assert_string_equal(show_pcpus(1ULL << 63, text, sizeof text), "63");
    assert_string_equal(show_pcpus(~0ULL, text, sizeof text), "0-63");
    assert_string_equal(show_pcpus(0, text, sizeof text), "");
}

static void windows_name_a_vcpu_and_a_time(void **state)
{
    struct window_text w;
    struct problem p;

    (void)state;
    assert_true(window_parse("web.1=5ms", &w, &p));
    assert_string_equal(w.domain, "web");
    assert_int_equal(w.vcpu, 1);
    assert_int_equal(w.runtime, 5000000);
    assert_true(window_parse("web.example.org=1s", &w, &p));
    assert_string_equal(w.domain, "web.example.org");
    assert_int_equal(w.vcpu, 0);
    assert_true(window_parse("a=b.2=10us", &w, &p));
    assert_string_equal(w.domain, "a=b");
    assert_int_equal(w.vcpu, 2);
    assert_true(window_parse("2=10us", &w, &p));
    assert_string_equal(w.domain, "2");
}

static void wrong_windows_are_refused(void **state)
{
    struct window_text w;
    struct problem p;

    (void)state;
    assert_false(window_parse("web", &w, &p));
    assert_non_null(strstr(p.text, "use DOMAIN.VCPU=TIME"));
    assert_false(window_parse("=5ms", &w, &p));
    assert_false(window_parse("web=5", &w, &p));
    assert_non_null(strstr(p.text, "has no unit"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_say_what_would_be_right),
        cmocka_unit_test(refusals_without_a_reason_are_explained),
        cmocka_unit_test(values_have_the_unit_of_their_kind),
        cmocka_unit_test(sets_of_pcpus_are_short),
        cmocka_unit_test(windows_name_a_vcpu_and_a_time),
        cmocka_unit_test(wrong_windows_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
