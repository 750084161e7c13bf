package launcher

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// bound calls start on a thread that is bound to the given CPUs, so that the process that it starts is, too. The caller
// has the thread for itself.
func bound(cpus []int, start func() error) error {
	if len(cpus) == 0 {
		return start()
	}
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("bind to CPUs %v: %w", cpus, err)
	}
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("bind to CPUs %v: %w", cpus, err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return start()
}

// maxCPUs is how many a unix.CPUSet tells of.
const maxCPUs = 1024

// cores returns the CPUs that this process may use, core by core.
func cores() [][]int {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil
	}
	var all [][]int
	index := make(map[string]int) // in all, by a core's list of CPUs
	for c := range maxCPUs {
		if !allowed.IsSet(c) {
			continue
		}
		key := fmt.Sprint(c)
		if siblings, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", c)); err == nil {
			key = strings.TrimSpace(string(siblings))
		}
		i, ok := index[key]
		if !ok {
			i = len(all)
			index[key] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], c)
	}
	return all
}

// shares deals cores out to n ranks of so many threads each. Cores are shared only when there are too few.
func shares(cores [][]int, n, threads int) [][]int {
	cpus := make([][]int, n)
	if len(cores) == 0 {
		return cpus
	}
	for i := range cpus {
		for t := range min(threads, len(cores)) {
			cpus[i] = append(cpus[i], cores[(i*threads+t)%len(cores)]...)
		}
		slices.Sort(cpus[i])
	}
	return cpus
}
