package bench

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"halorun/kernels"
)

// Machine is where figures were measured.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`  // that this process may use
	Kernel string `json:"kernel"` // Linux, and its version
	Arch   string `json:"arch"`

	KernelPath string `json:"kernel_path,omitempty"` // the instruction set of Halorun's kernels
}

// ThisMachine describes the machine that the process runs on.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown processor", Cores: runtime.NumCPU(), Kernel: "unknown kernel", Arch: runtime.GOARCH, KernelPath: kernels.Path()}
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the processor stays unknown
	for line := range bytes.Lines(info) {
		key, value, _ := strings.Cut(string(line), ":")
		if strings.TrimSpace(key) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return m
}

func (m Machine) String() string {
	text := fmt.Sprintf("%s, %s, %s, %s", m.CPU, Count(m.Cores, "core"), m.Kernel, m.Arch)
	if m.KernelPath != "" {
		text += ", " + m.KernelPath + " kernels"
	}
	return text
}
