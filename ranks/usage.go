package ranks

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process takes of its host.
type Usage struct {
	CPUSeconds    float64 `json:"cpu_seconds"`    // so far
	ResidentBytes int64   `json:"resident_bytes"` // now
}

// OwnUsage returns what this process takes. Where the kernel does not tell, it is zero.
func OwnUsage() (u Usage) {
	var spent unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &spent) == nil {
		u.CPUSeconds = time.Duration(spent.Utime.Nano() + spent.Stime.Nano()).Seconds()
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return u
	}
	if fields := bytes.Fields(statm); len(fields) > 1 {
		pages, _ := strconv.ParseInt(string(fields[1]), 10, 64) // it is a number
		u.ResidentBytes = pages * int64(os.Getpagesize())
	}
	return u
}
