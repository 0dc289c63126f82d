/*
 * A domU's job (boot -f): does memory keep what was written to it? One process for each vCPU fills
 * its part of it with words that say where and in which round they were written, and in the next
 * round looks at each before it writes the next. It also runs programs' worth of page tables: every
 * round maps a few pages anew. Says "checker N: round R" about once a second and "checker N: lost"
 * with the place, once.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define WORDS_A_PAGE 512

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t word(size_t at, uint64_t round)
{
    return (at + 1) * 0x9e3779b97f4a7c15ULL ^ round * 0xd1342543de82ef95ULL;
}

static _Noreturn void lost(unsigned id, size_t at, uint64_t found, uint64_t right)
{
    for (;;) {
        printf("checker %u: lost word %zu, 0x%llx instead of 0x%llx\n", id, at,
               (unsigned long long)found, (unsigned long long)right);
        sleep(1000);
    }
}

static void fill(volatile uint64_t *page, size_t first)
{
    for (size_t i = 0; i < WORDS_A_PAGE; i++)
        page[i] = word(first + i, 0);
}

/* Each word is there for a round, and all rounds look at all words. */
static void go_over(unsigned id, volatile uint64_t *page, size_t first, uint64_t round)
{
    for (size_t i = 0; i < WORDS_A_PAGE; i++) {
        uint64_t right = word(first + i, round - 1), found = page[i];

        if (found != right)
            lost(id, first + i, found, right);
        page[i] = word(first + i, round);
    }
}

/* New page tables and pages, gone again. */
static void stir(unsigned id, uint64_t round)
{
    size_t size = 64 * 4096;
    volatile uint64_t *some =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (some == MAP_FAILED)
        return;
    for (size_t i = 0; i < size / 8; i += WORDS_A_PAGE) {
        if (some[i])
            lost(id, i, some[i], 0);
        some[i] = round;
    }
    munmap((void *)some, size);
}

static _Noreturn void check(unsigned id, size_t pages)
{
    volatile uint64_t *memory =
        mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    double said = 0;

    for (size_t i = 0; i < pages; i++)
        fill(memory + i * WORDS_A_PAGE, i * WORDS_A_PAGE);
    for (uint64_t round = 1;; round++) {
        for (size_t i = 0; i < pages; i++)
            go_over(id, memory + i * WORDS_A_PAGE, i * WORDS_A_PAGE, round);
        stir(id, round);
        if (seconds() - said >= 1) {
            printf("checker %u: round %llu\n", id, (unsigned long long)round);
            said = seconds();
        }
    }
}

/* Two thirds of what is free, in equal parts. */
int main(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t pages = (size_t)sysconf(_SC_AVPHYS_PAGES) * 2 / 3 / (size_t)cpus;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("checker: %ld times %zu pages\n", cpus, pages);
    for (unsigned id = 1; id < (unsigned)cpus; id++)
        if (!fork())
            check(id, pages);
    check(0, pages);
}
