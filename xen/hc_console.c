/*
 * HYPERVISOR_console_io: dom0's console is the hypervisor's. Another domain's
 * output becomes lines of the log, a few at a time.
 */
#include "boot.h"
#include "console.h"
#include "hypercall.h"

#define CHUNK      128
#define BUDGET     2048      /* characters in one go */
#define BURST      20        /* lines of guests' at once, ... */
#define LINE_EVERY 100000000 /* ... and one each 0.1 s in the long run */

static int64_t write_raw(struct vcpu *v, struct hc_args *args)
{
    uint32_t left = args->a[1];
    char text[CHUNK];

    for (unsigned spent = 0; left; spent += CHUNK) {
        uint32_t n = MIN(left, (uint32_t)CHUNK);

        if (spent >= BUDGET) {
            args->a[1] = left;
            return HC_RESTART;
        }
        if (copy_from_guest(v, text, args->a[2], n))
            return -XEN_EFAULT;
        console_write_only(text, n);
        args->a[2] += n;
        left -= n;
    }
    return 0;
}

/* A bucket of BURST tokens for all guests, refilled with time. */
bool may_log_guest(void)
{
    static struct spinlock lock = SPINLOCK_INIT(RANK_CONSOLE);
    static sched_time paid_until; /* up to when lines have used up the time */
    sched_time time = now();
    bool allowed;

    spin_lock(&lock);
    paid_until = MAX(paid_until, time - (sched_time)BURST * LINE_EVERY);
    allowed = paid_until + LINE_EVERY <= time;
    if (allowed)
        paid_until += LINE_EVERY;
    spin_unlock(&lock);
    return allowed;
}

static void log_line(const struct domain *d, char *text, size_t n)
{
    text[n] = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~')
            text[i] = ' ';
    printk(LOG_INFO, "(d%u) %s", d->id, text);
}

/* The first characters of what the guest writes, as one line. */
static int64_t write_log(struct vcpu *v, uint32_t count, uint64_t from)
{
    char text[CHUNK + 1];
    uint32_t n = MIN(count, (uint32_t)CHUNK);

    if (options.guest_loglvl < LOG_INFO || !n)
        return 0;
    if (copy_from_guest(v, text, from, n))
        return -XEN_EFAULT;
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n && may_log_guest())
        log_line(v->domain, text, n);
    return 0;
}

static int64_t read_raw(struct vcpu *v, uint32_t count, uint64_t to)
{
    char text[CHUNK];
    size_t n = console_read(text, MIN(count, (uint32_t)CHUNK));

    return copy_to_guest(v, to, text, n) ? -XEN_EFAULT : (int64_t)n;
}

int64_t hc_console(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = args->a[0], count = args->a[1];

    if (count > INT32_MAX)
        return -XEN_EINVAL;
    switch (cmd) {
    case CONSOLEIO_write:
        return is_dom0(v->domain) ? write_raw(v, args) : write_log(v, count, args->a[2]);
    case CONSOLEIO_read:
        return is_dom0(v->domain) ? read_raw(v, count, args->a[2]) : -XEN_EPERM;
    default:
        return -XEN_ENOSYS;
    }
}
