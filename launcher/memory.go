package launcher

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// oomKills returns how many processes of this one's cgroup the kernel has ended for lack of memory, as far as can be told.
func oomKills() int {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		file := ""
		switch {
		case controllers == "": // version 2
			file = filepath.Join("/sys/fs/cgroup", path, "memory.events")
		case slices.Contains(strings.Split(controllers, ","), "memory"): // version 1
			file = filepath.Join("/sys/fs/cgroup/memory", path, "memory.oom_control")
		default:
			continue
		}
		events, _ := os.ReadFile(file) // none are none
		for event := range strings.Lines(string(events)) {
			var kills int
			if _, err := fmt.Sscanf(event, "oom_kill %d", &kills); err == nil {
				n += kills
			}
		}
	}
	return n
}
