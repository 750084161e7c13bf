package launcher

import (
	"sync/atomic"
	"time"

	"halorun/launcher/control"
)

// inbox receives messages in a goroutine of its own, and knows whether the other end is silent.
type inbox struct {
	conn     *control.Conn
	messages chan control.Message // closed at the stream's end
	broken   error                // why it ended; valid once messages is closed

	waiting atomic.Bool   // for the other end, not for somebody here to take what has come
	heard   atomic.Uint64 // how many messages
}

func newInbox(conn *control.Conn) *inbox {
	return &inbox{conn: conn, messages: make(chan control.Message, 64)}
}

// run receives until the stream ends.
func (b *inbox) run() {
	defer close(b.messages)
	for {
		b.waiting.Store(true)
		m, err := b.conn.Recv()
		b.waiting.Store(false)
		if err != nil {
			b.broken = err
			return
		}
		b.heard.Add(1)
		b.messages <- m
	}
}

// watch calls expire when nothing was heard for as long as limit says, in ns; 0 is never. Time in which this process itself could
// not run, or did not ask for messages, does not count. It returns then, or when done is closed.
func (b *inbox) watch(limit *atomic.Int64, done <-chan struct{}, expire func()) {
	const every = 50 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	silent, heard, last := time.Duration(0), b.heard.Load(), time.Now()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		now := time.Now()
		elapsed := min(now.Sub(last), 2*every)
		last = now
		if n := b.heard.Load(); n != heard || !b.waiting.Load() || limit.Load() == 0 {
			silent, heard = 0, n
			continue
		}
		if silent += elapsed; silent > time.Duration(limit.Load()) {
			expire()
			return
		}
	}
}
