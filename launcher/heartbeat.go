package launcher

import "time"

// fenced is how long a process that is watched with the given limit goes on without a word of the one who watches it: it has ended by
// the time it is taken for dead, and cannot meet the one who takes its place.
func fenced(limit time.Duration) time.Duration { return limit * 3 / 5 }
