/*
 * A run made by hand: pool "Pool-0" (credit2) of 2 pCPUs, 10 s. Domain "hog" has one vCPU and
 * got 9 s; "web, inc" has two, got 6 s and 4 s, serves requests and is capped.
 */
#ifndef SAMPLE_RESULT_H
#define SAMPLE_RESULT_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../sched/policy.h"
#include "../../tools/sim/result.h"

#define SAMPLES 10

static struct scenario_domain sample_domains[2];
static struct scenario_pool sample_pool;
static struct scenario_change sample_change;
static struct expectation sample_expectations[8];
static struct scenario sample_scenario;
static struct vcpu_result sample_vcpus[3];
static struct domain_result sample_domain_results[2];
static struct slice sample_slices[3];
static struct sample sample_samples[SAMPLES * 3];
static struct result sample;

static inline void fill_samples(void)
{
    static const sched_time service[] = {900 * MS, 600 * MS, 400 * MS};
    static const double ideal[] = {1e9, 0.5e9, 0.5e9};

    for (unsigned n = 0; n < SAMPLES; n++) {
        for (unsigned v = 0; v < 3; v++)
            sample_samples[n * 3 + v] = (struct sample){(n + 1) * service[v], (n + 1) * ideal[v]};
    }
}

static inline void make_scenario(void)
{
    static char pool[] = "Pool-0", hog[] = "hog", web[] = "web, inc", title[] = "it's a \"test\"";

    sample_pool = (struct scenario_pool){.name = pool, .policy = sched_policy_by_name("credit2")};
    mask_fill(&sample_pool.cpus, 2);
    sample_domains[0] = (struct scenario_domain){.name = hog, .nr_vcpus = 1};
    sample_domains[1] = (struct scenario_domain){.name = web, .nr_vcpus = 2};
    sample_change = (struct scenario_change){.at = 5 * SEC, .place = {"test.sim", 7}};
    sample_scenario = (struct scenario){.title = title,
                                        .nr_pcpus = 2,
                                        .nr_pools = 1,
                                        .nr_domains = 2,
                                        .nr_changes = 1,
                                        .pools = &sample_pool,
                                        .domains = sample_domains,
                                        .changes = &sample_change,
                                        .expectations = sample_expectations,
                                        .duration = 10 * SEC,
                                        .seed = 42};
}

/* After this everything may be changed. */
static inline void make_sample(void)
{
    make_scenario();
    fill_samples();
    memset(sample_vcpus, 0, sizeof(sample_vcpus));
    memset(sample_domain_results, 0, sizeof(sample_domain_results));
    for (unsigned v = 0; v < 3; v++) {
        sample_vcpus[v].domain = v > 0;
        sample_vcpus[v].vcpu = v == 2;
        sample_vcpus[v].present = 10 * SEC;
        sample_vcpus[v].service = sample_samples[(SAMPLES - 1) * 3 + v].service;
        sample_vcpus[v].ideal = sample_samples[(SAMPLES - 1) * 3 + v].ideal;
        sample_vcpus[v].max_lag = (v + 1) * 1e6;
        sample_vcpus[v].switches = 10 * (v + 1);
        sample_vcpus[v].migrations = v;
        sample_vcpus[v].longest_wait = (sched_time)v * 3 * SEC;
    }
    sample_vcpus[2].jobs = 100;
    sample_vcpus[2].misses = 3;
    for (unsigned i = 0; i < 1000; i++)
        histogram_add(&sample_vcpus[1].latency, i < 995 ? 1 * US : 1 * MS);
    histogram_add(&sample_domain_results[1].requests, 2 * MS);
    sample_domain_results[1].iterations = 5;
    sample_domain_results[1].cap_excess = 12345;
    sample_slices[0] = (struct slice){0, 1500, 0, 0};
    sample_slices[1] = (struct slice){0, 2 * MS, 1, 1};
    sample_slices[2] = (struct slice){1500, 3 * MS + 7, 0, 2};
    sample = (struct result){.scenario = &sample_scenario,
                             .nr_vcpus = 3,
                             .vcpus = sample_vcpus,
                             .domains = sample_domain_results,
                             .end = 10 * SEC,
                             .decisions = 60,
                             .events = 99,
                             .idle_while_waiting = 2 * US,
                             .busy = 19 * SEC,
                             .nr_slices = 3,
                             .slices = sample_slices,
                             .sample_period = SEC,
                             .nr_samples = SAMPLES,
                             .samples = sample_samples};
}

/* What `report` writes; to be freed. */
static inline char *written(void (*report)(FILE *, const struct result *))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    report(out, &sample);
    fclose(out);
    return text;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static inline int setup_sample(void **state)
{
    (void)state;
    make_sample();
    return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, setup_sample)

#endif
