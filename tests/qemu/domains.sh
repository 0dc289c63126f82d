# For the scripts in dom0 (". /bin/domains.sh"): domUs (tests/qemu/domu-init), their configs, their
# states, what their consoles have said, and the shares that they get.
logs=/var/log/xen/console

fail()
{
    echo "dom0: $1"
    xl list
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

# NAME JOB VCPUS [LINE]...: a config file, with these lines in it.
config()
{
    cat >"/tmp/$1.cfg" <<END
type="pvh"
name="$1"
kernel="${kernel:-/domu/vmlinux}"
ramdisk="/domu/initramfs"
extra="console=hvc0 loglevel=5 job=$2"
memory=128
vcpus=$3
END
    file=/tmp/$1.cfg
    shift 3
    [ $# = 0 ] || printf '%s\n' "$@" >>"$file"
}

# Arguments as config's.
create()
{
    config "$@"
    note "create $1"
    xl create "/tmp/$1.cfg"
}

# within SECONDS COMMAND...: the command comes to succeed.
within()
{
    end=$(($(uptime | cut -d. -f1) + $1))
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

# ---- shares ----------------------------------------------------------------------------

# What heavy and light get, in per cent of pCPU 1, for ten seconds: share HEAVY LIGHT, each +- 3.
share()
{
    sleep 1
    moirai top --csv -n 1 -d 10s | awk -F, -v heavy="$1" -v light="$2" '
        function off(measured, ideal) {return measured < ideal - 3 || measured > ideal + 3}
        $2 == "heavy" {h = $6}
        $2 == "light" {l = $6}
        END {
            printf "dom0: share of heavy %.2f (%s), of light %.2f (%s)\n", h, heavy, l, light
            exit off(h + 0, heavy) || off(l + 0, light)
        }' || fail "the shares are wrong"
}

# ---- memory --------------------------------------------------------------------------------

# As xl says in MiB, as the hypervisor does in frames.
free_memory()
{
    xl debug-keys m
    echo "$(xl info | awk '/^free_memory/ {print $3}') MiB," \
        "$(xl dmesg | awk '/ memory: .* free/ {n = $5} END {print n}') frames"
}
