# For the scripts in dom0 (". /bin/domains.sh"): domUs (tests/qemu/domu-init), their configs, their
# states, what their consoles have said, and the shares that they get.
logs=/var/log/xen/console

fail()
{
    echo "dom0: $1"
    xl list
    tail -n 8 $logs/* /var/log/xen/xen-hotplug.log 2>/dev/null
    exit 1
}

uptime()
{
    cut -d' ' -f1 /proc/uptime
}

note()
{
    echo "$(uptime) $*"
}

# ---- domains ---------------------------------------------------------------------------

# NAME KERNEL COMMAND-LINE LINE...: a config file, with these lines in it.
domain_file()
{
    local file=/tmp/$1.cfg
    printf '%s\n' 'type="pvh"' "name=\"$1\"" "kernel=\"$2\"" "extra=\"$3\"" >"$file"
    shift 3
    printf '%s\n' "$@" >>"$file"
}

# Linux: config NAME JOB VCPUS [LINE]... A machine under load is slow, which the guest's watchdogs
# should not complain of.
config()
{
    local name=$1 job=$2 vcpus=$3
    shift 3
    domain_file "$name" "${kernel:-/domu/vmlinux}" \
        "console=hvc0 loglevel=5 nosoftlockup rcupdate.rcu_cpu_stall_suppress=1 job=$job" \
        'ramdisk="/domu/initramfs"' memory=128 "vcpus=$vcpus" "$@"
}

# Arguments as config's.
create()
{
    config "$@"
    note "create $1"
    xl create "/tmp/$1.cfg"
}

# tests/qemu/stub.S: stub NAME WHAT [LINE]...
stub()
{
    local name=$1 what=$2
    shift 2
    domain_file "$name" /domu/stub "$what" memory=4 vcpus=1 "$@"
}

create_stub()
{
    stub "$@"
    note "create $1: $2"
    xl create "/tmp/$1.cfg"
}

# within SECONDS COMMAND...: the command comes to succeed. A machine that others load may take ten
# times as long.
within()
{
    end=$(($(uptime | cut -d. -f1) + 10 * $1))
    shift
    until "$@"; do
        [ "$(uptime | cut -d. -f1)" -lt $end ] || fail "in vain: $*"
        sleep 0.2
    done
}

# Its console has had a line with this, so many times: said NAME TEXT [TIMES]
said()
{
    [ "$(grep -c "$2" "$logs/guest-$1.log" 2>/dev/null)" = "${3:-1}" ]
}

# Column of `xl list NAME`: 2 id, 3 memory, 4 vCPUs, 5 state, 6 CPU seconds.
column()
{
    xl list "$1" | awk -v column="$2" 'NR == 2 {print $column}'
}

# Letters of its state: is NAME STATE
is()
{
    [ "$(column "$1" 5 | tr -d -)" = "$2" ]
}

# Its first vCPU runs, on this pCPU: runs_on PCPU NAME
runs_on()
{
    xl vcpu-list "$2" | grep -Eq "^$2 +[0-9]+ +0 +$1 +r-- "
}

is_gone()
{
    ! xl list "$1" >/dev/null 2>&1
}

refused()
{
    if "$@" >/tmp/said 2>&1; then
        fail "not refused: $*"
    fi
    note "refused: $*"
}

# A line of what it prints has this, whatever its exit status (xl's is 0 after some failures):
# complains PATTERN COMMAND...
complains()
{
    pattern=$1
    shift
    "$@" >/tmp/said 2>&1 || :
    grep -E "$pattern" /tmp/said || {
        cat /tmp/said
        fail "no complaint of '$pattern': $*"
    }
}

# A line of the output has this: shows PATTERN COMMAND...
shows()
{
    pattern=$1
    shift
    "$@" >/tmp/said
    grep -E "$pattern" /tmp/said || {
        cat /tmp/said
        fail "no '$pattern' in: $*"
    }
}

# The pCPUs of a pool: pcpus NAME LIST
pcpus()
{
    shows "^$1 +$2\$" xl cpupool-list -c "$1"
}

# What the hypervisor's own key says of classes and RMIDs now: partitions PATTERN
partitions()
{
    xl dmesg --clear >/dev/null
    xl debug-keys p
    shows "$1" xl dmesg
}

# No kernel has complained on its console.
all_content()
{
    ! grep -aE 'BUG:|WARNING: CPU|Call Trace|Kernel panic' $logs/* || fail "a guest was not content"
}

# ---- shares ----------------------------------------------------------------------------

# What domains of one vCPU get, in per cent of a pCPU, for $seconds (ten): shares NAME SHARE..., each
# +- $points (three).
shares()
{
    sleep 1
    moirai top --csv -n 1 -d "${seconds:-10}s" | awk -F, -v wanted="$*" -v points="${points:-3}" '
        {share[$2] = $6}
        END {
            n = split(wanted, word, " ")
            for (i = 1; i < n; i += 2) {
                measured = share[word[i]] + 0 # nothing for who is paused
                printf "dom0: share of %s %.2f (%s)\n", word[i], measured, word[i + 1]
                off = off || measured < word[i + 1] - points || measured > word[i + 1] + points
            }
            exit off
        }' || fail "the shares are wrong"
}

# Of heavy and light on pCPU 1: share HEAVY LIGHT
share()
{
    shares heavy "$1" light "$2"
}

# ---- memory --------------------------------------------------------------------------------

free_mib()
{
    xl info | awk '/^free_memory/ {print $3}'
}

# As xl says in MiB, as the hypervisor does in frames.
free_memory()
{
    xl debug-keys m
    echo "$(free_mib) MiB," \
        "$(xl dmesg | awk '/ memory: .* free/ {n = $5} END {print n}') frames"
}

# Frames that are free, but for those that may come and go: in dom0's nested page tables, which only
# grow, and for small objects, some of which are kept empty. And how many small objects there are.
frames_left()
{
    xl debug-keys m
    xl dmesg | awk '/ memory: .* free/ {free = $5}
        / small objects: / {objects = $4; small = $6}
        / d0: .* tables/ {tables = $5}
        END {print free + small + tables, "frames,", objects, "objects"}'
}

# Until dom0's daemons and back ends have let go of who has just been destroyed.
settle()
{
    sleep 2
}

frames_are()
{
    [ "$(frames_left)" = "$1" ]
}

# ---- disks and networks (boot -i) ----------------------------------------------------------

device_lines="disk=['phy:/dev/loop0,xvda,w']
vif=['bridge=xenbr0']"

# For a domU with device_lines: a disk with a file system and a pattern in it, a bridge, and two
# servers, one that sends the pattern and one that echoes.
serve_devices()
{
    ln -s /proc/self/fd/0 /dev/stdin # whose identity the scripts' locks compare
    dd if=/dev/urandom of=/tmp/pattern bs=64k count=64 2>/dev/null
    dd if=/dev/zero of=/tmp/disk bs=1M count=16 2>/dev/null
    losetup /dev/loop0 /tmp/disk
    mke2fs -F /dev/loop0 >/dev/null
    mount -t ext4 /dev/loop0 /mnt
    cp /tmp/pattern /mnt/
    umount /mnt
    brctl addbr xenbr0
    ip address add 10.9.0.1/24 dev xenbr0
    ip link set xenbr0 up
    nc -ll -p 5001 -e cat /tmp/pattern &
    nc -ll -p 7 -e cat &
}
