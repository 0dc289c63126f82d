/*
 * How late does a timer wake us? Runs in a domU, started by its init.
 *
 * Each line that its console gets is the name of a series: it then sleeps to an
 * absolute deadline every `period` us, `wakes` times (both from the environment,
 * that is the kernel's command line), and afterwards says how many ns late it was each time:
 *
 *     late NAME NS NS ...     ten a line
 *     done NAME.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SECOND    1000000000LL
#define WAKES_MAX 10000
#define SKIPPED   5 /* wakes before the first that counts: who reads a line has just been busy */
#define PER_LINE  10

static int64_t late[WAKES_MAX];

static int from_environment(const char *name, int otherwise, int most)
{
    const char *text = getenv(name);
    int value = text ? atoi(text) : otherwise;

    return value > 0 && value <= most ? value : otherwise;
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int64_t sleep_until(int64_t deadline)
{
    struct timespec t = {.tv_sec = deadline / SECOND, .tv_nsec = deadline % SECOND};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
        ;
    return now() - deadline;
}

static void measure(int wakes, int64_t period)
{
    int64_t deadline = now();

    /* Deadlines do not wait for who is late: each that has passed meanwhile counts, too. */
    for (int i = -SKIPPED; i < wakes; i++) {
        deadline += period;
        int64_t by = sleep_until(deadline);
        if (i >= 0)
            late[i] = by;
    }
}

static void report(const char *name, int wakes)
{
    for (int i = 0; i < wakes; i++) {
        if (i % PER_LINE == 0)
            printf("%slate %s", i ? "\n" : "", name);
        printf(" %lld", (long long)late[i]);
    }
    printf("\ndone %s.\n", name);
}

int main(void)
{
    int wakes = from_environment("wakes", 600, WAKES_MAX);
    int period = from_environment("period", 20000, 1000000);
    char name[80];

    /* Otherwise the kernel may be 50 us late, to spare a wake. */
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    mlockall(MCL_CURRENT | MCL_FUTURE);
    printf("sleeper: %d wakes, every %d us\n", wakes, period);
    fflush(stdout);
    while (fgets(name, sizeof name, stdin)) {
        name[strcspn(name, "\r\n")] = '\0';
        measure(wakes, period * 1000LL);
        report(name, wakes);
        fflush(stdout);
    }
    for (;;) /* a domU whose first process ends panics */
        pause();
}
