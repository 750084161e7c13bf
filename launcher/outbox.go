package launcher

import (
	"sync"

	"halorun/launcher/control"
)

// outbox sends messages on a stream in order, without making those who post them wait for the reader.
type outbox struct {
	conn  *control.Conn
	queue chan control.Message

	mu     sync.Mutex
	closed bool
}

// outboxRoom is more than a reader that reads ever has waiting: how it begins, the tables of fences, pings for some seconds, and the end.
const outboxRoom = 16

func newOutbox(conn *control.Conn) *outbox {
	return &outbox{conn: conn, queue: make(chan control.Message, outboxRoom)}
}

// run sends until close is called or the stream breaks. Whoever reads the stream finds out about that.
func (o *outbox) run() {
	for m := range o.queue {
		if o.conn.Send(m) != nil {
			return
		}
	}
}

// post sends m soon. A reader that leaves so much unread loses the stream. Behind close nothing is sent any more.
func (o *outbox) post(m control.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	select {
	case o.queue <- m:
	default:
		o.conn.Close()
	}
}

// close ends run, once all that was posted is sent.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		close(o.queue)
	}
}
