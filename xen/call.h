/* Functions that run on another pCPU. */
#ifndef XEN_CALL_H
#define XEN_CALL_H

#include "pcpu.h"

void pcpu_calls_init(void); /* before there is a second pCPU */

/* Runs f(arg) on that pCPU, soon, with interrupts off, and returns when it has. The caller holds no
 * lock and is no interrupt handler; f takes no lock under which somebody calls, and calls nobody.
 */
void pcpu_call(struct pcpu *p, void (*f)(void *arg), void *arg);

/* cpu_relax() for who waits for another pCPU, holding no lock: that one may be waiting for this
 * one. */
void pcpu_wait(void);

#endif
