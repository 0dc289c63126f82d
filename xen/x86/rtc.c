/* The CMOS real-time clock (Motorola MC146818): only read, for the wall-clock time at boot. */
#include "../lib.h"
#include "arch.h"

enum {
    RTC_SECONDS = 0,
    RTC_MINUTES = 2,
    RTC_HOURS = 4,
    RTC_DAY = 7,
    RTC_MONTH = 8,
    RTC_YEAR = 9,
    RTC_STATUS_A = 10,
    RTC_STATUS_B = 11,
};

#define A_UPDATING 0x80
#define B_24_HOURS 0x02
#define B_BINARY   0x04
#define HOURS_PM   0x80

struct rtc_time {
    uint8_t seconds, minutes, hours, day, month, year, century;
};

static uint8_t cmos_read(uint8_t index)
{
    outb(0x70, index);
    return inb(0x71);
}

static struct rtc_time registers(void)
{
    return (struct rtc_time){
        .seconds = cmos_read(RTC_SECONDS),
        .minutes = cmos_read(RTC_MINUTES),
        .hours = cmos_read(RTC_HOURS),
        .day = cmos_read(RTC_DAY),
        .month = cmos_read(RTC_MONTH),
        .year = cmos_read(RTC_YEAR),
        .century = acpi.rtc_century ? cmos_read(acpi.rtc_century & 0x7f) : 0,
    };
}

/* It updates itself once a second, for up to 2 ms: two equal readings outside of that are one time.
 * A clock that never settles is read as it is. */
static struct rtc_time steady_registers(void)
{
    struct rtc_time t = registers();

    for (unsigned tries = 0; tries < 10000; tries++) {
        struct rtc_time again = registers();
        bool updating = cmos_read(RTC_STATUS_A) & A_UPDATING;

        if (!updating && !memcmp(&t, &again, sizeof t))
            break;
        t = again;
    }
    return t;
}

static uint8_t from_bcd(uint8_t bcd)
{
    return (bcd >> 4) * 10 + (bcd & 15);
}

static struct rtc_time decoded(struct rtc_time t)
{
    uint8_t status = cmos_read(RTC_STATUS_B);
    bool pm = !(status & B_24_HOURS) && (t.hours & HOURS_PM);

    if (!(status & B_24_HOURS))
        t.hours &= ~HOURS_PM;
    if (!(status & B_BINARY)) {
        uint8_t *field = (uint8_t *)&t;

        for (unsigned i = 0; i < sizeof t; i++)
            field[i] = from_bcd(field[i]);
    }
    if (!(status & B_24_HOURS))
        t.hours = t.hours % 12 + (pm ? 12 : 0); /* 12 comes before 1 */
    return t;
}

/* Since 1970. Years are counted from March, so that the leap day is the last of one. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    if (month < 3) {
        year--;
        month += 12;
    }
    /* (153 * m + 2) / 5 days lie before month m, from March = 0: 31, 30, 31, 30, 31 repeat. */
    int64_t in_year = (153 * (month - 3) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719468;
}

int64_t rtc_read(void)
{
    struct rtc_time t = decoded(steady_registers());
    int64_t year = t.year + (t.century >= 19 && t.century <= 21 ? t.century : 20) * 100;

    if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || year < 1970) {
        printk(LOG_WARN, "the CMOS clock is not set");
        return 0;
    }
    return days_of(year, t.month, t.day) * 86400 + t.hours * 3600 + t.minutes * 60 + t.seconds;
}
