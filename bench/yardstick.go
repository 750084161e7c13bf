package bench

import (
	"crypto/sha256"
	"sync"
	"time"
)

// yardstickName is the series that tells how fast the machine itself was: work that no change of Halorun's code makes faster or slower.
const yardstickName = "machine/sha256 of 8 MiB a core"

// yardstick returns in how many milliseconds each of n goroutines hashes 8 MiB, all at the same time.
func yardstick(n int) float64 {
	work := make([]byte, 1<<20)
	var all sync.WaitGroup
	began := time.Now()
	for range n {
		all.Go(func() {
			for range 8 {
				_ = sha256.Sum256(work)
			}
		})
	}
	all.Wait()
	return float64(time.Since(began).Nanoseconds()) / 1e6
}
