package main

import (
	"math"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/ranks"
)

// memoryFlags say how much memory a process takes, and where it puts what does not fit.
func memoryFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.Matching(&cli.StringFlag{Name: "memory", DefaultText: "half of what its host can spare, for all its ranks", Usage: "a rank takes at most `SIZE` of memory, such as 256MiB; what does not fit goes to the disk"},
			sizeForm, sizePattern),
		cmdline.Matching(&cli.StringFlag{Name: "scratch-dir", DefaultText: "$TMPDIR or /var/tmp, of each host", Usage: "folder `DIR` on each host for what does not fit into memory"}, absolute, `^/`),
	}
}

// What numbers of bytes look like.
const (
	sizeForm    = "a number of bytes, such as 256MiB or 2GiB"
	sizePattern = `^([0-9]+)(?:([kKmMgGtT])([iI]?[bB])?|[bB])?$`
)

// parseSize reads a number of bytes: 268435456, 256MiB or 256M, or 256MB of a million each.
func parseSize(flag, s string) (int64, error) {
	m := regexp.MustCompile(sizePattern).FindStringSubmatch(s)
	if m == nil {
		return 0, usage("--%s %q: give %s", flag, s, sizeForm)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := int64(1024)
	if len(m[3]) == 1 {
		unit = 1000
	}
	if m[2] != "" {
		for range 1 + strings.Index("kmgt", strings.ToLower(m[2])) {
			if n > math.MaxInt64/unit {
				err = strconv.ErrRange
				break
			}
			n *= unit
		}
	}
	if err != nil {
		return 0, usage("--%s %s: that is more than any machine has", flag, s)
	}
	return n, nil
}

// limitMemory makes the garbage collector keep this process below a number of bytes as far as it can; 0 is no limit.
func limitMemory(bytes int64) {
	if bytes > 0 {
		// What the collector does not see is the program's own text, about half of what is kept for the program.
		debug.SetMemoryLimit(max(bytes-ranks.ProgramBytes/2, ranks.ProgramBytes/2))
	}
}
