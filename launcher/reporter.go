package launcher

import (
	"context"
	"sync"
)

// reporter calls the functions of a Config from a goroutine of its own, one at a time and in order, so that a terminal
// that does not take what they print keeps nobody from stopping the job.
type reporter struct {
	calls chan func()
	news  chan struct{} // has room for one
	done  chan struct{} // closed after the last call

	mu     sync.Mutex
	states map[uint32]func() // that wait
}

func newReporter() *reporter {
	r := &reporter{calls: make(chan func(), 64), news: make(chan struct{}, 1), done: make(chan struct{}), states: make(map[uint32]func())}
	go r.run()
	return r
}

func (r *reporter) run() {
	defer close(r.done)
	for {
		select {
		case call, ok := <-r.calls:
			if !ok {
				r.tell()
				return
			}
			call()
		case <-r.news:
			r.tell()
		}
	}
}

// latest has f called, unless there is a later one of the same member before its turn. It never waits.
func (r *reporter) latest(member uint32, f func()) {
	r.mu.Lock()
	r.states[member] = f
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *reporter) tell() {
	r.mu.Lock()
	states := r.states
	r.states = make(map[uint32]func())
	r.mu.Unlock()
	for _, f := range states {
		f()
	}
}

// report has f called. If there is no room for that, it waits for some while ctx lasts, and then forgets f.
func (r *reporter) report(ctx context.Context, f func()) {
	select {
	case r.calls <- f:
		return
	default:
	}
	select {
	case r.calls <- f:
	case <-ctx.Done():
	}
}

// close waits for the last call, until both contexts have ended.
func (r *reporter) close(ctx, limit context.Context) {
	close(r.calls)
	select {
	case <-r.done:
		return
	case <-ctx.Done():
	}
	select {
	case <-r.done:
	case <-limit.Done():
	}
}
