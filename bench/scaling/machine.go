package scaling

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"halorun/bench"
)

// Machine is the one that the jobs were started on.
type Machine struct {
	bench.Machine
	Host        string  `json:"host"`
	MemoryBytes uint64  `json:"memory_bytes"`
	Go          string  `json:"go"`
	Load        float64 `json:"load"` // of the minute before the first run
}

// Here describes this machine.
func Here(cores int) Machine {
	m := Machine{Machine: bench.ThisMachine(), Go: runtime.Version()}
	m.Cores = cores
	m.Host, _ = os.Hostname()
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.MemoryBytes = uint64(info.Totalram) * uint64(info.Unit)
	}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscan(string(b), &m.Load)
	}
	return m
}
