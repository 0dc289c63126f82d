/*
 * What every file of the hypervisor may use: memory and string functions,
 * formatting, assertions, sizes. Freestanding: there is no C library here.
 */
#ifndef XEN_LIB_H
#define XEN_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../sched/list.h"

#define KIB(x) ((uint64_t)(x) << 10)
#define MIB(x) ((uint64_t)(x) << 20)
#define GIB(x) ((uint64_t)(x) << 30)

#define ARRAY_SIZE(a)      (sizeof(a) / sizeof((a)[0]))
#define ROUND_UP(x, to)    (((x) + (to)-1) / (to) * (to))
#define ROUND_DOWN(x, to)  ((x) / (to) * (to))
#define BIT(n)             (1ULL << (n))
#define MIN(a, b)          ((a) < (b) ? (a) : (b))
#define MAX(a, b)          ((a) > (b) ? (a) : (b))
#define packed             __attribute__((packed))
#define aligned_to(n)      __attribute__((aligned(n)))
#define must_check         __attribute__((warn_unused_result))
#define likely(x)          __builtin_expect(!!(x), 1)
#define unlikely(x)        __builtin_expect(!!(x), 0)

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
/* Copies at most size-1 characters and always terminates. */
void strcopy(char *to, const char *from, size_t size);

/* %d %i %u %x %X %p %s %c %% with 0, -, width, * and l, ll, z. Returns the length it would have. */
int vsnprintf(char *to, size_t size, const char *format, va_list args);
int snprintf(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- the console: printk.c -------------------------------------------------------- */

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One line without its newline, or the part of one that `printk` cannot end: give whole lines. */
void printk(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Stops the machine with registers and a backtrace. Only for the hypervisor's own faults and for a
 * machine that cannot be used: nothing that a guest does may lead here. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define BUG_ON(condition)                                                                          \
    do {                                                                                           \
        if (condition)                                                                             \
            panic("BUG: %s at %s:%d", #condition, __FILE__, __LINE__);                             \
    } while (0)

#ifdef DEBUG
#define ASSERT(condition) BUG_ON(!(condition))
#else
#define ASSERT(condition) ((void)(condition))
#endif

#endif
