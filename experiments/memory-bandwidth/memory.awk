# `limit` and `queue` of a machine in loaded.csv, for `memory`: its latency is that of the row with the least
# load, and two rows (delays 100 and 50) give the other two in latency + queue * u / (1 - u), u = rate / limit.
BEGIN { FS = "," }
$1 == machine && $2 == 20000 { idle = $3 }
$1 == machine && $2 == 100 { low = $3; low_rate = $4 }
$1 == machine && $2 == 50 { high = $3; high_rate = $4 }
END {
    a = (low - idle) / low_rate
    b = (high - idle) / high_rate
    limit = (b * high_rate - a * low_rate) / (b - a)
    printf "memory %.1fMB/s latency=%sns queue=%.2fns\n", limit, idle, a * (limit - low_rate)
}
