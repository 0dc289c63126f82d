/* The local APIC in x2APIC mode. */
#include "guest.h"

#define APIC_BASE   0x1b
#define BASE_X2APIC BIT(10)
#define BASE_ENABLE BIT(11)
#define SVR_ENABLE  0x100
#define SPURIOUS    0xff

void lapic_init(void)
{
    wrmsr(APIC_BASE, rdmsr(APIC_BASE) | BASE_X2APIC | BASE_ENABLE);
    wrmsr(X2APIC_SVR, SVR_ENABLE | SPURIOUS);
}
