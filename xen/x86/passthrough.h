/* The machine's interrupts to dom0, which drives its devices. */
#ifndef XEN_PASSTHROUGH_H
#define XEN_PASSTHROUGH_H

struct domain;

/* Gives dom0 its IO-APICs, with the machine's lines behind them. -ENOMEM. */
int passthrough_init(struct domain *d);

#endif
