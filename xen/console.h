/* The serial console and the ring behind `xl dmesg`. */
#ifndef XEN_CONSOLE_H
#define XEN_CONSOLE_H

#include "lib.h"

void console_init(void);      /* COM1 by polling, as early as possible */
void console_irq_init(void);  /* input by interrupt, once the IO-APICs work */
/* Raw bytes to the serial port and the ring. */
void console_write(const char *text, size_t n);
/* dom0's console_io, not to the ring: `xl dmesg` at this console would read what it writes, for ever. */
void console_write_only(const char *text, size_t n);
/* Bytes typed for dom0; Ctrl-a three times switches to the hypervisor's debug keys and back. */
size_t console_read(char *to, size_t n);
/* The ring for sysctl readconsole: copies from *index (advanced) at most n bytes; returns how many. */
size_t console_ring_read(uint32_t *index, char *to, size_t n);
void console_ring_clear(void);
/* May what a guest does become one more line of the log now? (hc_console.c) */
bool may_log_guest(void);
/* One debug key (xl debug-keys, or typed): 'h' lists them. */
void debug_key(char key);
void debug_key_register(char key, const char *what, void (*run)(void));
/* A panic stops using locks. */
void console_force(void);

#endif
