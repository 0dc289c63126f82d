/* What a test says, and how it ends. The last line of a run is its verdict. */
#include "guest.h"

#define LINE 256

static unsigned failures;

static void say(const char *prefix, const char *format, va_list args)
{
    char line[LINE];
    int n = snprintf(line, sizeof line, "%s", prefix);

    n += vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    if (n > LINE - 2)
        n = LINE - 2;
    line[n++] = '\n';
    hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, (uint64_t)n, ADDRESS(line));
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("", format, args);
    va_end(args);
}

void failure(const char *format, ...)
{
    va_list args;

    failures++;
    if (failures > 100) /* the first ones tell enough */
        return;
    va_start(args, format);
    say("failure: ", format, args);
    va_end(args);
}

/* A child has no verdict of its own: dom0 sees that it is gone, and why. */
static _Noreturn void end(const char *verdict)
{
    struct sched_shutdown off = {.reason = is_dom0() ? SHUTDOWN_poweroff : SHUTDOWN_suspend};

    if (is_dom0())
        print("test %s: %s", test.name, verdict);
    else if (strcmp(verdict, "success"))
        off.reason = SHUTDOWN_reboot;
    sched_op(SCHEDOP_shutdown, &off);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void skip(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("skipped: ", format, args);
    va_end(args);
    end("skip");
}

void error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("error: ", format, args);
    va_end(args);
    end("error");
}

void finish(void)
{
    end(failures ? "failure" : "success");
}

bool expect_equal(const char *file, int line, const char *what, int64_t is, int64_t wanted)
{
    if (is != wanted)
        failure("%s:%d: %s is %ld (0x%lx), not %ld (0x%lx)", file, line, what, is, (uint64_t)is,
                wanted, (uint64_t)wanted);
    return is == wanted;
}
