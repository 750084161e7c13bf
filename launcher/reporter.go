package launcher

import "context"

// reporter calls the functions of a Config from a goroutine of its own, one at a time and in order, so that a terminal
// that does not take what they print keeps nobody from stopping the job.
type reporter struct {
	calls chan func()
	done  chan struct{} // closed after the last call
}

func newReporter() *reporter {
	r := &reporter{calls: make(chan func(), 64), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for call := range r.calls {
			call()
		}
	}()
	return r
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
