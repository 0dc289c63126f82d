/* The guest's side of the FIFO ABI (xen/event_channel.h), for one vCPU. */
#ifndef FIFO_H
#define FIFO_H

#include "../lib/guest.h"

long fifo_init(void); /* the control block of vCPU 0; from then on the domain uses the FIFO ABI */
long fifo_add_page(void); /* words for another 1024 ports */
uint32_t *fifo_word(evtchn_port_t port);
void fifo_unmask(evtchn_port_t port); /* in the word, without the hypervisor */
/* Takes the next event off the queues; 0 if there is none. */
evtchn_port_t fifo_next(void);

#endif
