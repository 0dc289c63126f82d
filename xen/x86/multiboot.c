/*
 * What the boot loader left in memory, by the multiboot 1 or 2 protocol, into
 * `boot`. The loader's own structures are below 4 GiB and may be overwritten
 * once this is done; modules stay where they lie.
 */
#include "../boot.h"

#define MB1_LOADED 0x2badb002
#define MB2_LOADED 0x36d76289

enum { MB1_CMDLINE = BIT(2), MB1_MODULES = BIT(3), MB1_MEMORY_MAP = BIT(6), MB1_LOADER = BIT(9) };

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, nr_modules, modules, symbols[4];
    uint32_t map_length, map, drives_length, drives, config_table, loader;
};

struct mb1_module {
    uint32_t start, end, cmdline, reserved;
};

struct packed mb1_region {
    uint32_t rest; /* of this structure, after this field */
    uint64_t start, size;
    uint32_t type;
};

enum {
    MB2_END,
    MB2_CMDLINE,
    MB2_LOADER,
    MB2_MODULE,
    MB2_MEMORY_MAP = 6,
    MB2_RSDP_1 = 14, /* copies of the table itself */
    MB2_RSDP_2,
};

struct mb2_tag {
    uint32_t type, size;
};

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    char cmdline[];
};

struct mb2_memory_map {
    struct mb2_tag tag;
    uint32_t entry_size, version;
};

struct mb2_region {
    uint64_t start, size;
    uint32_t type, zero;
};

struct boot_info boot;

static struct boot_region raw[256]; /* as the loader gave it */
static unsigned nr_raw;
static char strings[8192]; /* of the loader, and for ever */
static size_t strings_used;
static uint8_t rsdp[36];

static const char *keep_string(const char *s)
{
    char *to = &strings[strings_used];
    size_t left = sizeof(strings) - strings_used;

    if (strlen(s) + 1 > left) {
        printk(LOG_WARN, "the boot loader's strings are too long: cut");
        if (left < 2)
            return "";
    }
    strcopy(to, s, left);
    strings_used += strlen(to) + 1;
    return to;
}

static const char *string_at(uint32_t pa)
{
    return keep_string(pa_to_va(pa));
}

static void add_region(uint64_t start, uint64_t size, uint32_t type)
{
    if (!size || start + size < start)
        return;
    if (nr_raw == ARRAY_SIZE(raw)) {
        printk(LOG_WARN, "memory map too long: [%lx, %lx) ignored", start, start + size);
        return;
    }
    if (type < E820_RAM || type > E820_UNUSABLE)
        type = E820_RESERVED;
    raw[nr_raw++] = (struct boot_region){start, size, type};
}

static void add_module(uint32_t start, uint32_t end, const char *cmdline)
{
    if (boot.nr_modules == BOOT_MAX_MODULES) {
        printk(LOG_WARN, "module %u ignored: %s", boot.nr_modules, cmdline);
        return;
    }
    boot.module[boot.nr_modules++] = (struct boot_module){
        .start = start,
        .size = end > start ? end - start : 0,
        .cmdline = keep_string(cmdline),
    };
}

/* ---- multiboot 1 ---------------------------------------------------------------- */

static void parse_map_1(paddr_t at, paddr_t end)
{
    while (at + sizeof(struct mb1_region) <= end) {
        const struct mb1_region *r = pa_to_va(at);

        add_region(r->start, r->size, r->type);
        at += r->rest + sizeof(r->rest);
    }
}

static void parse_1(paddr_t pa)
{
    const struct mb1_info *info = pa_to_va(pa);
    const struct mb1_module *module = pa_to_va(info->modules);

    if (info->flags & MB1_LOADER)
        boot.loader = string_at(info->loader);
    if (info->flags & MB1_CMDLINE)
        boot.cmdline = string_at(info->cmdline);
    if (info->flags & MB1_MODULES)
        for (unsigned i = 0; i < info->nr_modules; i++)
            add_module(module[i].start, module[i].end,
                       module[i].cmdline ? pa_to_va(module[i].cmdline) : "");
    if (info->flags & MB1_MEMORY_MAP)
        parse_map_1(info->map, (paddr_t)info->map + info->map_length);
}

/* ---- multiboot 2 ---------------------------------------------------------------- */

static void parse_map_2(const struct mb2_memory_map *map)
{
    const char *at = (const char *)(map + 1);
    const char *end = (const char *)map + map->tag.size;

    if (map->entry_size < sizeof(struct mb2_region))
        return;
    for (; at + map->entry_size <= end; at += map->entry_size) {
        const struct mb2_region *r = (const void *)at;

        add_region(r->start, r->size, r->type);
    }
}

/* The newer table's tag comes last, so it wins. */
static void parse_rsdp(const struct mb2_tag *tag)
{
    memcpy(rsdp, tag + 1, MIN(tag->size - sizeof(*tag), sizeof(rsdp)));
    boot.rsdp = (uintptr_t)rsdp - KERNEL_BASE;
}

static void parse_tag(const struct mb2_tag *tag)
{
    const struct mb2_module *module = (const void *)tag;

    switch (tag->type) {
    case MB2_CMDLINE:
        boot.cmdline = keep_string((const char *)(tag + 1));
        break;
    case MB2_LOADER:
        boot.loader = keep_string((const char *)(tag + 1));
        break;
    case MB2_MODULE:
        add_module(module->start, module->end, module->cmdline);
        break;
    case MB2_MEMORY_MAP:
        parse_map_2((const void *)tag);
        break;
    case MB2_RSDP_1:
    case MB2_RSDP_2:
        parse_rsdp(tag);
        break;
    }
}

static void parse_2(paddr_t pa)
{
    const uint32_t *total = pa_to_va(pa);
    paddr_t end = pa + *total;

    pa += 8; /* total size and a reserved word */
    while (pa + sizeof(struct mb2_tag) <= end) {
        const struct mb2_tag *tag = pa_to_va(pa);

        if (tag->type == MB2_END || tag->size < sizeof(*tag))
            break;
        parse_tag(tag);
        pa += ROUND_UP(tag->size, 8);
    }
}

/* ---- both ------------------------------------------------------------------------ */

/* Where regions overlap, the one that allows less (its number is greater); 0 if there is none. */
static uint32_t type_at(uint64_t address)
{
    uint32_t type = 0;

    for (unsigned i = 0; i < nr_raw; i++)
        if (address >= raw[i].start && address - raw[i].start < raw[i].size)
            type = MAX(type, raw[i].type);
    return type;
}

/* The least bound of a region above `address`; `address` itself if there is none. */
static uint64_t next_bound(uint64_t address)
{
    uint64_t next = address;

    for (unsigned i = 0; i < nr_raw; i++) {
        uint64_t bounds[2] = {raw[i].start, raw[i].start + raw[i].size};

        for (unsigned k = 0; k < 2; k++)
            if (bounds[k] > address && (next == address || bounds[k] < next))
                next = bounds[k];
    }
    return next;
}

static void append_region(uint64_t start, uint64_t size, uint32_t type)
{
    struct boot_region *last = boot.nr_regions ? &boot.region[boot.nr_regions - 1] : NULL;

    if (last && last->type == type && last->start + last->size == start)
        last->size += size;
    else if (boot.nr_regions < BOOT_MAX_REGIONS)
        boot.region[boot.nr_regions++] = (struct boot_region){start, size, type};
    else
        printk(LOG_WARN, "memory map too long: [%lx, %lx) ignored", start, start + size);
}

static void sort_regions(void)
{
    uint64_t next;

    for (uint64_t at = 0; (next = next_bound(at)) != at; at = next) {
        uint32_t type = type_at(at);

        if (type)
            append_region(at, next - at, type);
    }
}

/*
 * GRUB 2 passes only what follows the file's name, or "placeholder" where
 * Debian's scripts put one; other loaders begin with the name.
 */
static bool names_come_first(const char *loader)
{
    return strncmp(loader, "GRUB ", 5) != 0 || loader[5] == '0';
}

static const char *without_name(const char *cmdline, bool named)
{
    const char *end;

    while (*cmdline == ' ')
        cmdline++;
    end = strchr(cmdline, ' ');
    if (!end)
        end = cmdline + strlen(cmdline);
    if (!named && strncmp(cmdline, "placeholder", (size_t)(end - cmdline)) != 0)
        return cmdline;
    while (*end == ' ')
        end++;
    return end;
}

static void drop_names(void)
{
    bool named = names_come_first(boot.loader);

    boot.cmdline = without_name(boot.cmdline, named);
    for (unsigned i = 0; i < boot.nr_modules; i++)
        boot.module[i].cmdline = without_name(boot.module[i].cmdline, named);
}

void multiboot_parse(uint32_t magic, paddr_t info)
{
    boot.loader = boot.cmdline = "";
    if (magic == MB1_LOADED)
        parse_1(info);
    else if (magic == MB2_LOADED)
        parse_2(info);
    else
        panic("not started by a multiboot loader: magic 0x%x", magic);
    sort_regions();
    if (!boot.nr_regions)
        panic("the boot loader gave no memory map");
    drop_names();
}
