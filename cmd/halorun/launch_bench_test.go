package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkLaunch times an empty job on 4 and 16 hosts, one of which is the head, beside ssh alone and the MPIs that are installed,
// alternating. It reports medians; "go test -run xxx -bench Launch ./cmd/halorun", as root.
func BenchmarkLaunch(b *testing.B) {
	for _, n := range []int{4, 16} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			l := newLab(b, n)
			l.write(l.shared("tiny.pgm"), picture(8, 8, 1), 0o644)
			var hosts, ssh []string
			for i := range n {
				h := fmt.Sprintf("h%d", i+1)
				hosts = append(hosts, h)
				if i > 0 {
					ssh = append(ssh, "ssh -o BatchMode=yes "+h+" true </dev/null &")
				}
			}
			l.write(l.shared("hostfile"), []byte(strings.Join(hosts, "\n")+"\n"), 0o644)
			commands := map[string]string{
				"ssh":     strings.Join(ssh, " ") + " wait",
				"halorun": fmt.Sprintf("%s run --hostfile %s %s /tmp/out.pgm invert", l.exe, l.shared("hostfile"), l.shared("tiny.pgm")),
			}
			if _, err := exec.LookPath("mpirun.mpich"); err == nil {
				commands["mpich"] = fmt.Sprintf("mpirun.mpich -f %s -n %d true", l.shared("hostfile"), n)
			}
			if _, err := exec.LookPath("mpirun.openmpi"); err == nil {
				commands["openmpi"] = fmt.Sprintf("mpirun.openmpi --allow-run-as-root --oversubscribe --hostfile %s -n %d true", l.shared("hostfile"), n)
			}
			took := make(map[string][]time.Duration)
			for i := range 6 {
				for name, command := range commands {
					began := time.Now()
					l.Run("h1", "sh", "-c", command)
					if i > 0 { // the first sends the program
						took[name] = append(took[name], time.Since(began))
					}
				}
			}
			for name, all := range took {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2].Seconds(), name+"-s")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
