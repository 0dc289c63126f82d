# `nm -n` of the linked image -> the table that backtraces name addresses by. The first link
# has the table of no input; the second the real one, which moves data but no code.
BEGIN {
    print "    .section .symbols, \"a\""
    print "    .globl symbol_count, symbol_table, symbol_names"
    print "    .balign 8"
    print "symbol_table:"
}

$2 ~ /^[tT]$/ && $1 ~ /^ffffffff/ {
    # Offset from KERNEL_BASE, and of the name.
    print "    .long 0x" $1 " - 0xffffffff80000000, " offset + 0
    name[count++] = $3
    offset += length($3) + 1
}

END {
    print "symbol_count:"
    print "    .long " count + 0
    print "symbol_names:"
    for (i = 0; i < count; i++)
        print "    .asciz \"" name[i] "\""
}
