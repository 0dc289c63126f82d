#define _POSIX_C_SOURCE 200809L /* getline and friends */
#include "xlcfg.h"

#include <ctype.h>
#include <errno.h>
#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The keys of xl.cfg(5) and of xl itself that mean nothing here or are known by name. */
static const char *const xl_keys[] = {
    "acpi",
    "acpi_firmware",
    "acpi_laptop_slate",
    "acpi_s3",
    "acpi_s4",
    "altp2m",
    "altp2mhvm",
    "apic",
    "argo",
    "bios",
    "bios_path_override",
    "boot",
    "bootloader",
    "bootloader_args",
    "bootloader_restrict",
    "bootloader_user",
    "builder",
    "cap",
    "channel",
    "cmdline",
    "cpu_weight",
    "cpuid",
    "cpus",
    "cpus_soft",
    "device_model",
    "device_model_args",
    "device_model_args_hvm",
    "device_model_args_pv",
    "device_model_override",
    "device_model_stubdomain_override",
    "device_model_stubdomain_seclabel",
    "device_model_user",
    "device_model_version",
    "device_tree",
    "disk",
    "display",
    "dm_restrict",
    "driver_domain",
    "dtdev",
    "e820_host",
    "event_channels",
    "extra",
    "firmware",
    "firmware_override",
    "gfx_passthru",
    "gic_version",
    "hap",
    "hdtype",
    "hpet",
    "init_seclabel",
    "iomem",
    "ioports",
    "irqs",
    "kernel",
    "keymap",
    "llc_colors",
    "localtime",
    "max_event_channels",
    "max_grant_frames",
    "max_grant_version",
    "max_maptrack_frames",
    "maxmem",
    "maxvcpus",
    "mca_caps",
    "memory",
    "mmio_hole",
    "ms_vm_genid",
    "msr_relaxed",
    "name",
    "nestedhvm",
    "nographic",
    "nomigrate",
    "nr_spis",
    "nx",
    "on_crash",
    "on_poweroff",
    "on_reboot",
    "on_soft_reset",
    "on_watchdog",
    "oos",
    "opengl",
    "p9",
    "pae",
    "passthrough",
    "pci",
    "pci_msitranslate",
    "pci_permissive",
    "pci_power_mgmt",
    "pci_seize",
    "pool",
    "pvcalls",
    "pvshim",
    "pvshim_cmdline",
    "pvshim_extra",
    "pvshim_path",
    "ramdisk",
    "rdm",
    "rdm_mem_boundary",
    "root",
    "rtc_timeoffset",
    "sdl",
    "seclabel",
    "serial",
    "shadow_memory",
    "smbios",
    "smbios_firmware",
    "soundhw",
    "spice",
    "spiceagent_mouse",
    "spice_clipboard_sharing",
    "spice_image_compression",
    "spice_streaming_video",
    "spicedisable_ticketing",
    "spicehost",
    "spicepasswd",
    "spiceport",
    "spicetls_port",
    "spiceusbredirection",
    "spicevdagent",
    "stdvga",
    "stubdomain_cmdline",
    "stubdomain_kernel",
    "stubdomain_memory",
    "stubdomain_ramdisk",
    "suppress_spurious_page_faults",
    "sve",
    "tee",
    "timer_mode",
    "tpm",
    "trap_unmapped_accesses",
    "tsc_mode",
    "type",
    "usb",
    "usbctrl",
    "usbdev",
    "usbdevice",
    "usbversion",
    "uuid",
    "vcpus",
    "vdispl",
    "vendor_device",
    "vfb",
    "vga",
    "vif",
    "vif2",
    "videoram",
    "viommu",
    "viridian",
    "virtio",
    "vkb",
    "vkb_device",
    "vmtrace_buf_kb",
    "vnc",
    "vncdisplay",
    "vnclisten",
    "vncpasswd",
    "vncunused",
    "vncviewer",
    "vnuma",
    "vpmu",
    "vpt_align",
    "vsnd",
    "vtpm",
    "vuart",
    "xauthority",
    "xen_platform_pci",
    "xend_suspend_evtchn_compat",
};

bool xlcfg_known(const char *key)
{
    for (size_t i = 0; i < sizeof xl_keys / sizeof *xl_keys; i++)
        if (!strcmp(xl_keys[i], key))
            return true;
    return false;
}

/* ---- finding the keys: libxlutil can be asked for a key, but not which there are -------- */

struct scan {
    struct arena *memory;
    struct key_value **list;
    unsigned *nr, first; /* (*list)[first ...] are of this file */
    const char *at;
    struct place where;
    unsigned depth; /* of brackets */
};

static void note_key(struct scan *s, const char *start, size_t length)
{
    char *key = arena_strndup(s->memory, start, length);
    struct key_value *kv;

    for (unsigned i = s->first; i < *s->nr; i++)
        if (!strcmp((*s->list)[i].key, key)) {
            (*s->list)[i].where = s->where; /* the last one counts */
            return;
        }
    kv = arena_push(s->memory, *s->list, *s->nr);
    kv->key = key;
    kv->where = s->where;
}

/* A name is a key if an assignment follows. */
static void scan_name(struct scan *s)
{
    const char *start = s->at, *after;
    size_t length;

    while (isalnum((unsigned char)*s->at) || *s->at == '_' || *s->at == '.')
        s->at++;
    length = (size_t)(s->at - start);
    after = s->at + strspn(s->at, " \t");
    if (!s->depth && (*after == '=' || !strncmp(after, "+=", 2)))
        note_key(s, start, length);
}

static void scan_string(struct scan *s)
{
    char quote = *s->at++;

    while (*s->at && *s->at != quote && *s->at != '\n') {
        if (*s->at == '\\' && s->at[1])
            s->at++;
        s->at++;
    }
    if (*s->at == quote)
        s->at++;
}

static void scan_keys(struct scan *s)
{
    while (*s->at) {
        if (*s->at == '#') {
            s->at += strcspn(s->at, "\n");
        } else if (*s->at == '"' || *s->at == '\'') {
            scan_string(s);
        } else if (isalpha((unsigned char)*s->at) || *s->at == '_') {
            scan_name(s);
        } else {
            s->depth += *s->at == '[';
            s->depth -= *s->at == ']' && s->depth;
            s->where.line += *s->at == '\n';
            s->at++;
        }
    }
}

/* ---- reading the values ------------------------------------------------------------------ */

static bool read_list(struct arena *a, XLU_ConfigList *list, int nr, struct key_value *kv)
{
    for (int i = 0; i < nr; i++) {
        const char *item = xlu_cfg_get_listitem(list, i);

        if (!item)
            return complain(kv->where, "%s: a list in a list is not understood; use strings",
                            kv->key);
        *arena_push(a, kv->items, kv->nr_items) = arena_strdup(a, item);
    }
    return true;
}

static bool read_value(struct arena *a, const XLU_Config *cfg, struct key_value *kv)
{
    XLU_ConfigList *list;
    const char *text;
    int nr;

    if (!xlu_cfg_get_string(cfg, kv->key, &text, 1)) {
        kv->text = arena_strdup(a, text);
        return true;
    }
    if (!xlu_cfg_get_list(cfg, kv->key, &list, &nr, 1))
        return read_list(a, list, nr, kv);
    return complain(kv->where, "%s: can not read the value; use a string, a number or a list",
                    kv->key);
}

/* libxlutil's first complaint is of the form "file:line: what". */
static bool report_syntax(const char *report, struct place where)
{
    return complain(where, "%.*s; use lines key = \"value\", with quotes around times like 10ms",
                    (int)strcspn(report, "\n"), report);
}

static bool parse_text(struct arena *a, const char *file, const char *text, size_t length,
                       struct key_value *list, unsigned nr)
{
    char *report = NULL;
    size_t report_size;
    FILE *sink = open_memstream(&report, &report_size);
    XLU_Config *cfg = sink ? xlu_cfg_init(sink, file) : NULL;
    bool ok = cfg != NULL;

    if (!cfg) {
        complain((struct place){file, 0}, "no memory to read it; free some");
    } else if (xlu_cfg_readdata(cfg, text, (int)length)) {
        struct place where = {file, 0};
        size_t name = strlen(file);

        fflush(sink);
        if (!strncmp(report, file, name) && report[name] == ':') {
            char *rest;

            where.line = (int)strtol(report + name + 1, &rest, 10);
            ok = report_syntax(rest + strspn(rest, ": "), where);
        } else {
            ok = report_syntax(report, where);
        }
    }
    for (unsigned i = 0; ok && i < nr; i++)
        ok = read_value(a, cfg, &list[i]);
    if (cfg)
        xlu_cfg_destroy(cfg);
    if (sink)
        fclose(sink);
    free(report);
    return ok;
}

static char *read_text(struct arena *a, const char *file, size_t *length)
{
    FILE *f = fopen(file, "r");
    char *text = NULL;
    size_t size = 0;
    ssize_t n;

    if (!f)
        return NULL;
    n = getdelim(&text, &size, '\0', f); /* to the end: a config has no NUL */
    *length = n > 0 ? (size_t)n : 0;
    if (!ferror(f)) {
        char *copy = arena_strndup(a, text ? text : "", *length);

        free(text);
        fclose(f);
        return copy;
    }
    free(text);
    fclose(f);
    return NULL;
}

bool xlcfg_read(struct arena *a, const char *file, struct place where, struct key_value **list,
                unsigned *nr)
{
    struct scan s = {.memory = a, .list = list, .nr = nr, .first = *nr, .where = {file, 1}};
    size_t length;
    char *text = read_text(a, file, &length);

    if (!text)
        return complain(where, "can not read the domain config %s: %s; name an xl config", file,
                        strerror(errno));
    s.at = text;
    scan_keys(&s);
    return parse_text(a, file, text, length, *list + s.first, *nr - s.first);
}
