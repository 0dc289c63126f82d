/*
 * Runs in a domU (see domu-memory): uses memory by plan, and reports what it would use and what it
 * has. plan=SECONDS:MIB,MIB,... in the environment: so much for so long, over and over. It takes no
 * more than the kernel says is available, as a program would that keeps a cache of its own, and
 * each page that it gives back must hold what was written.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BLOCK   (256 << 10)
#define MIB     (1 << 20)
#define BLOCKS  4096
#define LEFT    (12 << 10) /* KiB that stay available */
#define AT_ONCE (4 * MIB / BLOCK)
#define TURNS   16

static uint64_t *block[BLOCKS]; /* asked for; the first `held` of them written to */
static unsigned asked, held, wrong;

/* The number behind a word in a file of /proc, or 0. */
static long field(const char *path, const char *name)
{
    char line[256];
    long value = 0;
    FILE *in = fopen(path, "r");

    while (in && fgets(line, sizeof line, in))
        if (!strncmp(line, name, strlen(name)))
            value = strtol(line + strlen(name), NULL, 10);
    if (in)
        fclose(in);
    return value;
}

static void ask(unsigned wanted)
{
    for (; asked < wanted; asked++) {
        block[asked] =
            mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block[asked] == MAP_FAILED)
            return;
    }
}

static void give_back(unsigned wanted)
{
    while (asked > wanted) {
        asked--;
        for (unsigned i = 0; asked < held && i < BLOCK / sizeof **block; i += 64)
            wrong += block[asked][i] != (uintptr_t)&block[asked][i];
        munmap(block[asked], BLOCK);
    }
    if (held > asked)
        held = asked;
}

static void take(void)
{
    long spare = field("/proc/meminfo", "MemAvailable:") - LEFT;

    for (unsigned n = 0; n < AT_ONCE && held < asked && spare > 0; n++, spare -= BLOCK / 1024) {
        for (unsigned i = 0; i < BLOCK / sizeof **block; i += 64)
            block[held][i] = (uintptr_t)&block[held][i];
        held++;
    }
}

static unsigned long uptime(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec;
}

static unsigned read_plan(const char *text, unsigned *seconds, unsigned *plan)
{
    char *end;
    unsigned turns = 0;

    *seconds = text ? (unsigned)strtoul(text, &end, 10) : 0;
    while (*seconds && turns < TURNS && *end && end[1])
        plan[turns++] = (unsigned)strtoul(end + 1, &end, 10);
    return turns;
}

int main(void)
{
    unsigned seconds, plan[TURNS], turns = read_plan(getenv("plan"), &seconds, plan);
    unsigned long wanted = 0, had = 0, begin = uptime();

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!turns) {
        puts("hungry: no plan");
        return 1;
    }
    puts("hungry: begins");
    for (unsigned tenth = 1;; tenth++) {
        unsigned now = plan[(uptime() - begin) / seconds % turns] * (MIB / BLOCK);

        give_back(now);
        ask(now);
        if (held < asked)
            take();
        wanted += asked;
        had += held;
        if (tenth % 10 == 0)
            printf("hungry: demand %u held %u of %ld available %ld sums %lu %lu wrong %u oom %ld\n",
                   asked * (BLOCK / 1024) / 1024, held * (BLOCK / 1024) / 1024,
                   field("/proc/meminfo", "MemTotal:") >> 10,
                   field("/proc/meminfo", "MemAvailable:") >> 10, wanted, had, wrong,
                   field("/proc/vmstat", "oom_kill"));
        usleep(100000);
    }
}
