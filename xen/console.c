/*
 * The serial console at COM1 (16550, PC16550D data sheet) and the ring of what
 * was last written to it. Output is polled, so it works from the first line to
 * the last. Input comes by IRQ 4; a slow timer catches an interrupt that got
 * lost and tells dom0 about new bytes in the ring, which a printk cannot do
 * itself: it may hold any lock.
 */
#include "console.h"

#include "boot.h"
#include "event.h"
#include "x86/arch.h"

#define COM1         0x3f8
#define UART_DATA    (COM1 + 0) /* divisor's low byte while DLAB is set */
#define UART_IER     (COM1 + 1) /* divisor's high byte while DLAB is set */
#define UART_IIR_FCR (COM1 + 2)
#define UART_LCR     (COM1 + 3)
#define UART_MCR     (COM1 + 4)
#define UART_LSR     (COM1 + 5)

#define IER_RECEIVED BIT(0)
#define IIR_FIFO     0xc0
#define FCR_ENABLE   0x07 /* on, both cleared, interrupt at the first byte */
#define LCR_8N1      0x03
#define LCR_DLAB     BIT(7)
#define MCR_UP       0x0b /* DTR, RTS, and OUT2, the interrupt's gate */
#define LSR_RECEIVED BIT(0)
#define LSR_EMPTY    BIT(5)
#define DIVISOR      1 /* 115200 */
#define FIFO_SIZE    16
#define EMPTY_TRIES  1000000 /* a port that takes longer is stuck: the rest is lost */

#define IRQ_COM1     4
#define POLL_NS      100000000
#define RING_SIZE    65536u
#define TYPED_SIZE   256u
#define SWITCH_KEY   1 /* Ctrl-a */
#define SWITCH_COUNT 3

static struct spinlock lock = SPINLOCK_INIT(RANK_CONSOLE);
static bool forced;

/* Output. */
static bool present;
static unsigned burst = 1; /* bytes that an empty port takes */
static unsigned room;      /* of them, how many are left */
static char last_out;

static char ring[RING_SIZE];
static uint32_t ring_end, ring_start; /* positions only grow; modulo RING_SIZE in the ring */
static bool ring_grew;                /* since dom0 was told */

/* Input; `typed` under the lock, the rest only on the boot pCPU. */
static char typed[TYPED_SIZE];
static uint32_t typed_end, typed_start;
static unsigned switch_keys;
static bool to_hypervisor;
static struct timer poll_timer;

static void console_lock(void)
{
    if (!forced)
        spin_lock(&lock);
}

static void console_unlock(void)
{
    if (!forced)
        spin_unlock(&lock);
}

void console_force(void)
{
    forced = true;
}

/* ---- output ----------------------------------------------------------------------------- */

void console_init(void)
{
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_DLAB);
    outb(UART_DATA, DIVISOR);
    outb(UART_IER, 0);
    outb(UART_LCR, LCR_8N1);
    outb(UART_IIR_FCR, FCR_ENABLE);
    outb(UART_MCR, MCR_UP);
    if ((inb(UART_IIR_FCR) & IIR_FIFO) == IIR_FIFO)
        burst = FIFO_SIZE;
    present = inb(UART_LSR) != 0xff; /* what nobody drives reads so */
}

static bool wait_empty(void)
{
    for (unsigned i = 0; i < EMPTY_TRIES; i++) {
        if (inb(UART_LSR) & LSR_EMPTY)
            return true;
        cpu_relax();
    }
    return false;
}

static void serial_put(char c)
{
    if (!room) {
        if (!wait_empty())
            return;
        room = burst;
    }
    outb(UART_DATA, (uint8_t)c);
    room--;
}

static void ring_put(char c)
{
    ring[ring_end++ % RING_SIZE] = c;
    if (ring_end - ring_start > RING_SIZE)
        ring_start = ring_end - RING_SIZE;
}

static void port_put(char c)
{
    if (!present || !options.console_com1)
        return;
    if (c == '\n' && last_out != '\r')
        serial_put('\r');
    serial_put(c);
    last_out = c;
}

void console_write(const char *text, size_t n)
{
    console_lock();
    for (size_t i = 0; i < n; i++) {
        port_put(text[i]);
        ring_put(text[i]);
    }
    ring_grew = true;
    console_unlock();
}

void console_write_only(const char *text, size_t n)
{
    console_lock();
    for (size_t i = 0; i < n; i++)
        port_put(text[i]);
    console_unlock();
}

size_t console_ring_read(uint32_t *index, char *to, size_t n)
{
    size_t got = 0;

    console_lock();
    if (ring_end - *index > ring_end - ring_start)
        *index = ring_start; /* it is older than what there is, or from elsewhere */
    while (got < n && *index != ring_end)
        to[got++] = ring[(*index)++ % RING_SIZE];
    console_unlock();
    return got;
}

void console_ring_clear(void)
{
    console_lock();
    ring_start = ring_end;
    console_unlock();
}

/* ---- input ------------------------------------------------------------------------------ */

/* What does not fit is lost, as on any serial line. */
static void type(char c)
{
    console_lock();
    if (typed_end - typed_start < TYPED_SIZE)
        typed[typed_end++ % TYPED_SIZE] = c;
    console_unlock();
}

size_t console_read(char *to, size_t n)
{
    size_t got = 0;

    console_lock();
    while (got < n && typed_start != typed_end)
        to[got++] = typed[typed_start++ % TYPED_SIZE];
    console_unlock();
    return got;
}

static void switch_input(void)
{
    to_hypervisor = !to_hypervisor;
    printk(LOG_ERR, "input goes to %s (Ctrl-a three times switches)",
           to_hypervisor ? "the hypervisor: 'h' for help" : "dom0");
}

/* Ctrl-a's that turn out to be too few for a switch are dom0's after all. */
static void receive(char c)
{
    if (c == SWITCH_KEY) {
        if (++switch_keys == SWITCH_COUNT) {
            switch_keys = 0;
            switch_input();
        }
        return;
    }
    for (; switch_keys; switch_keys--)
        if (!to_hypervisor)
            type(SWITCH_KEY);
    if (to_hypervisor)
        debug_key(c);
    else
        type(c);
}

static void take_input(void)
{
    uint32_t before = typed_end;

    /* Bounded: a port that always has one more must not keep the pCPU. */
    for (unsigned i = 0; i < TYPED_SIZE && inb(UART_LSR) & LSR_RECEIVED; i++)
        receive((char)inb(UART_DATA));
    if (typed_end != before && dom0)
        virq_raise(dom0, VIRQ_CONSOLE);
}

static void on_interrupt(unsigned vector)
{
    (void)vector;
    apic_eoi();
    take_input();
}

static void on_timer(struct timer *t)
{
    take_input();
    if (dom0 && __atomic_exchange_n(&ring_grew, false, __ATOMIC_RELAXED))
        virq_raise(dom0, VIRQ_CON_RING);
    timer_set(t, now() + POLL_NS);
}

void console_irq_init(void)
{
    bool level, active_low;
    int vector = -1;

    if (present && ioapic_count())
        vector = vector_alloc(on_interrupt);
    if (vector >= 0) {
        unsigned gsi = isa_to_gsi(IRQ_COM1, &level, &active_low);

        ioapic_route(gsi, (unsigned)vector, apic_id(), level, active_low);
        ioapic_mask(gsi, false);
        outb(UART_IER, IER_RECEIVED);
    }
    timer_init(&poll_timer, on_timer);
    timer_set(&poll_timer, now() + POLL_NS);
}
