package ranks

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// HostMemory returns how many bytes of memory this host, or its container, has, and how many of them processes may still take.
func HostMemory() (all, available int64) {
	all = 1 << 30 // if nobody knows
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) == nil {
		all = int64(s.Totalram) * int64(s.Unit)
	}
	// Containers have a limit of their own, at the root of what they see of the control groups.
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(path); err == nil {
			if limit, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
				all = min(all, limit)
			}
		}
	}
	available = all
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if _, after, ok := strings.Cut(string(b), "MemAvailable:"); ok {
			var kib int64
			if _, err := fmt.Sscan(after, &kib); err == nil {
				available = min(available, kib<<10)
			}
		}
	}
	return all, available
}
