package ranks

import (
	"sync"
	"time"
)

const (
	// syncEvery is how often at most, in the mode CheckpointAuto, what was written is made durable, and syncPause how many times as long as
	// that took the disk has for other things.
	syncEvery = 5 * time.Second
	syncPause = 40
)

// Pacer has what was written made durable now and then, while others go on.
type Pacer struct {
	auto bool

	mu    sync.Mutex
	last  time.Time
	pause time.Duration // till the next
}

// NewPacer returns one for a mode of Checkpoint; every is how often in the mode CheckpointEvery.
func NewPacer(mode string, every time.Duration) *Pacer {
	p := &Pacer{auto: mode == CheckpointAuto, last: time.Now(), pause: syncEvery}
	if mode == CheckpointEvery {
		p.pause = every
	}
	return p
}

// Go calls sync and does not wait for it, unless it is too early, or the call before has not returned yet.
func (p *Pacer) Go(sync func()) {
	if !p.mu.TryLock() {
		return
	}
	if time.Since(p.last) < p.pause {
		p.mu.Unlock()
		return
	}
	go func() {
		defer p.mu.Unlock()
		began := time.Now()
		sync()
		p.last = time.Now()
		if p.auto {
			p.pause = max(syncEvery, syncPause*p.last.Sub(began))
		}
	}()
}

// Hold waits until no call is under way, and keeps others off until release is called.
func (p *Pacer) Hold() (release func()) {
	p.mu.Lock()
	return p.mu.Unlock
}
