/*
 * The kernel in a bzImage, by the fields that the Linux x86 boot protocol
 * gives its header (Documentation/x86/boot in the kernel): where the payload
 * is; its last word is the size unpacked. The decoders are the libraries that
 * everybody uses, linked as they come: code for user space, which keeps its
 * stack canary behind FS, uses SSE and a red zone (safe: interrupts are off).
 */
#define LZMA_MANUAL_HEADERS
#include "../boot.h"
#include "arch.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

/* The setup header. */
enum {
    SETUP_SECTORS = 0x1f1,
    BOOT_FLAG = 0x1fe,
    HEADER_MAGIC = 0x202,
    PROTOCOL = 0x206,
    PAYLOAD_OFFSET = 0x248,
    PAYLOAD_LENGTH = 0x24c,
    SETUP_HEADER_END = 0x250,
};

#define SECTOR      512
#define PROTOCOL_208 0x208 /* the first with the payload's fields */
#define SIZE_WORD   4
#define MAX_KERNEL  MIB(512)

#define CR4_OSFXSR_OSXMMEXCPT 0x600 /* SSE and its exceptions: AMD manual vol. 2, 11.3.1 */

struct stream {
    const uint8_t *in;
    uint8_t *out;
    size_t in_size, out_size;
};

static uint32_t word_at(const uint8_t *p)
{
    uint32_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

/* ---- the decoders: true if exactly out_size bytes came out -------------------------- */

static bool decode_xz(const struct stream *s)
{
    uint64_t limit = MIB(192); /* the kernel's build uses a dictionary of 32 MiB, 128 at most */
    size_t in = 0, out = 0;

    /*
     * The check is CRC32 in every kernel, and the library's code for CRC64 would need its
     * constructor to have run.
     */
    if (s->in_size < LZMA_STREAM_HEADER_SIZE || (s->in[7] & 0xf) == LZMA_CHECK_CRC64)
        return false;
    return lzma_stream_buffer_decode(&limit, 0, NULL, s->in, &in, s->in_size, s->out, &out,
                                     s->out_size) == LZMA_OK &&
           out == s->out_size;
}

static void *zlib_alloc(void *opaque, unsigned n, unsigned size)
{
    (void)opaque;
    return xmalloc((size_t)n * size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    xfree(p);
}

static bool decode_gzip(const struct stream *s)
{
    z_stream z = {
        .next_in = (uint8_t *)(uintptr_t)s->in,
        .avail_in = (uint32_t)s->in_size + SIZE_WORD, /* gzip has that word itself */
        .next_out = s->out,
        .avail_out = (uint32_t)s->out_size,
        .zalloc = zlib_alloc,
        .zfree = zlib_free,
    };
    int result;

    if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK) /* 16: with gzip's header */
        return false;
    result = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return result == Z_STREAM_END && z.total_out == s->out_size;
}

static bool decode_zstd(const struct stream *s)
{
    return ZSTD_decompress(s->out, s->out_size, s->in, s->in_size) == s->out_size;
}

/* The legacy frame: blocks of up to 8 MiB, each after its length, without an end mark. */
static bool decode_lz4(const struct stream *s)
{
    size_t in = SIZE_WORD, out = 0;

    while (in + SIZE_WORD <= s->in_size) {
        uint32_t length = word_at(s->in + in);
        int room = (int)MIN(s->out_size - out, MIB(8)), n;

        in += SIZE_WORD;
        if (length > s->in_size - in || length > MIB(16))
            return false;
        n = LZ4_decompress_safe((const char *)s->in + in, (char *)s->out + out, (int)length, room);
        if (n < 0)
            return false;
        in += length;
        out += (size_t)n;
    }
    return in == s->in_size && out == s->out_size;
}

static const struct format {
    uint8_t magic[6], magic_size;
    bool (*decode)(const struct stream *);
    const char *broken;
} formats[] = {
    {"\xfd" "7zXZ\0", 6, decode_xz, "its XZ payload is damaged"},
    {"\x02\x21\x4c\x18", 4, decode_lz4, "its LZ4 payload is damaged"},
    {"\x1f\x8b", 2, decode_gzip, "its gzip payload is damaged"},
    {"\x28\xb5\x2f\xfd", 4, decode_zstd, "its zstd payload is damaged"},
};

/* What user space's code expects of its thread: SSE, and a canary at FS:0x28. */
static bool decode_as_user_space(const struct format *f, const struct stream *s)
{
    static uint64_t thread[8];
    uint64_t fs = rdmsr(MSR_FS_BASE), cr4;
    bool done;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4 | CR4_OSFXSR_OSXMMEXCPT));
    wrmsr(MSR_FS_BASE, (uintptr_t)thread);
    done = f->decode(s);
    wrmsr(MSR_FS_BASE, fs);
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4));
    return done;
}

/* ---- the image ------------------------------------------------------------------------ */

static bool is_elf(const uint8_t *file, size_t size)
{
    return size >= 4 && !memcmp(file, "\177ELF", 4);
}

static const uint8_t *find_payload(const uint8_t *file, size_t size, size_t *payload_size,
                                   const char **why)
{
    uint64_t start;

    *why = "it is neither an ELF file nor a bzImage";
    if (size < SETUP_HEADER_END || file[BOOT_FLAG] != 0x55 || file[BOOT_FLAG + 1] != 0xaa ||
        memcmp(file + HEADER_MAGIC, "HdrS", 4) != 0)
        return NULL;
    *why = "its boot protocol is older than 2.08";
    if ((word_at(file + PROTOCOL) & 0xffff) < PROTOCOL_208)
        return NULL;
    *why = "its payload is not within the file";
    start = ((file[SETUP_SECTORS] ? file[SETUP_SECTORS] : 4U) + 1) * SECTOR +
            (uint64_t)word_at(file + PAYLOAD_OFFSET);
    *payload_size = word_at(file + PAYLOAD_LENGTH);
    if (start > size || *payload_size > size - start || *payload_size < 16)
        return NULL;
    return file + start;
}

static const struct format *format_of(const uint8_t *payload)
{
    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
        if (!memcmp(payload, formats[i].magic, formats[i].magic_size))
            return &formats[i];
    return NULL;
}

static const void *unpack(const uint8_t *payload, size_t payload_size, size_t *size,
                          const char **why)
{
    const struct format *f = format_of(payload);
    struct stream s = {.in = payload, .in_size = payload_size - SIZE_WORD};

    *why = "its payload is in none of the known formats (XZ, LZ4, gzip, zstd)";
    if (!f)
        return NULL;
    *why = "its payload's size is not plausible";
    s.out_size = word_at(payload + s.in_size);
    if (s.out_size < payload_size / 2 || s.out_size > MAX_KERNEL)
        return NULL;
    *why = "there is no memory to unpack it";
    s.out = xmalloc(s.out_size);
    if (!s.out)
        return NULL;
    *why = f->broken;
    if (!decode_as_user_space(f, &s)) {
        xfree(s.out);
        return NULL;
    }
    *size = s.out_size;
    return s.out;
}

const void *image_unpack(const void *file, size_t file_size, size_t *size, const char **why)
{
    const uint8_t *payload;

    *size = file_size;
    if (is_elf(file, file_size))
        return file;
    payload = find_payload(file, file_size, size, why);
    if (!payload || is_elf(payload, *size))
        return payload;
    return unpack(payload, *size, size, why);
}
