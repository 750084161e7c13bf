package scaling

// The laws. Times are relative to those of the fewest ranks that were measured, base, which need not be one: what is said of p ranks is then what
// p/base times as many processors gain.

// strong returns the speed-up and the efficiency of ranks that take t for what base ranks take t0 for, and, by Karp and Flatt, which part of the
// work would have to be serial for that to be so. That is undefined for base ranks themselves.
func strong(base, ranks int, t0, t float64) (speedup, efficiency float64, serial *float64) {
	n := float64(ranks) / float64(base)
	speedup = t0 / t
	if ranks != base {
		e := (1/speedup - 1/n) / (1 - 1/n)
		serial = &e
	}
	return speedup, speedup / n, serial
}

// weak returns the scaled speed-up and the efficiency of ranks that take t where base ranks take t0, each having as much to do, and, by Gustafson,
// which part of the time of a job would have to be serial for that to be so.
func weak(base, ranks int, t0, t float64) (speedup, efficiency float64, serial *float64) {
	n := float64(ranks) / float64(base)
	efficiency = t0 / t
	speedup = n * efficiency
	if ranks != base {
		e := (n - speedup) / (n - 1)
		serial = &e
	}
	return speedup, efficiency, serial
}
