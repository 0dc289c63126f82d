/* Ticket locks, and in debug builds the check of their order. */
#include "spinlock.h"

#include "pcpu.h"
#include "x86/arch.h"

#ifdef DEBUG

/* Ranks held, by pCPU: bit = rank. */
static uint32_t held[MAX_PCPUS];

/* Locks are taken before descriptors_init() gives the boot pCPU its GS base; nobody else runs then,
 * and the boot pCPU is number 0. */
static unsigned self(void)
{
    static bool gs_is_set;

    if (!gs_is_set)
        gs_is_set = rdmsr(MSR_GS_BASE) != 0;
    return gs_is_set ? this_pcpu()->id : 0;
}

static void check_order(const struct spinlock *lock)
{
    unsigned outer_ranks = held[self()] >> lock->rank;

    if (outer_ranks)
        panic("lock of rank %u at %p is taken with ranks %x held", lock->rank, (const void *)lock,
              held[self()]);
}

static void locked(struct spinlock *lock)
{
    held[self()] |= 1U << lock->rank;
    lock->holder = (int16_t)self();
}

static void unlocking(struct spinlock *lock)
{
    if (lock->holder != (int16_t)self())
        panic("lock of rank %u at %p is released by pCPU %u and held by %d", lock->rank,
              (const void *)lock, self(), lock->holder);
    lock->holder = -1;
    held[self()] &= ~(1U << lock->rank);
}

#else

static inline void check_order(const struct spinlock *lock)
{
    (void)lock;
}
static inline void locked(struct spinlock *lock)
{
    (void)lock;
}
static inline void unlocking(struct spinlock *lock)
{
    (void)lock;
}

#endif

void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = (struct spinlock)SPINLOCK_INIT(rank);
}

static void acquire(struct spinlock *lock)
{
    uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

    /* Pairs with the release in spin_unlock(). */
    while (unlikely(__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket))
        cpu_relax();
    locked(lock);
}

void spin_lock(struct spinlock *lock)
{
    check_order(lock);
    acquire(lock);
}

void spin_unlock(struct spinlock *lock)
{
    unlocking(lock);
    /* Only the holder writes `serving`, so the addition need not be atomic; on x86 any store is a
     * release. */
    __asm__ volatile("incw %0" : "+m"(lock->serving)::"memory", "cc");
}

void spin_lock_two(struct spinlock *a, struct spinlock *b)
{
    spin_lock(a < b ? a : b);
    if (a != b)
        acquire(a < b ? b : a);
}

void spin_unlock_two(struct spinlock *a, struct spinlock *b)
{
    spin_unlock(a);
    if (a != b)
        spin_unlock(b);
}
