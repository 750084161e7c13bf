package comm

import (
	"context"
	"fmt"
	"io"
)

// receive is one pending Recv.
type receive struct {
	tag   Tag
	place span
	room  uint64 // bytes in place
	limit int    // if ≥ 0: allocate a place when the size is known, up to this
	bytes []byte // what was allocated

	posted bool   // it waits in its box, and can be withdrawn
	want   uint64 // bytes asked for
	got    uint64 // bytes landed
	err    error
	done   chan struct{} // one token when everything above is final
}

func (w *World) newReceive(tag Tag, bufs [][]byte) *receive {
	r, ok := w.receives.Get().(*receive)
	if !ok {
		r = &receive{done: make(chan struct{}, 1)}
	}
	*r = receive{tag: tag, place: span{bufs: bufs}, room: total(bufs), limit: -1, done: r.done}
	return r
}

// free gives r back when its token has been taken.
func (w *World) free(r *receive) {
	*r = receive{done: r.done}
	w.receives.Put(r)
}

func (r *receive) complete(err error) {
	if err != nil {
		r.err = err
	}
	r.done <- struct{}{}
}

// prepare finds the place for a message of a size and sets what r wants of it.
func (r *receive) prepare(size uint64) {
	if r.limit >= 0 && size <= uint64(r.limit) {
		r.bytes = make([]byte, size)
		r.place = span{bufs: [][]byte{r.bytes}}
		r.room = size
	}
	r.want = min(size, r.room)
	if size > r.want {
		room := int64(r.room)
		if r.limit >= 0 {
			room = int64(r.limit)
		}
		r.err = &TruncatedError{Size: int64(size), Room: room}
	}
}

// fill reads n bytes, which r wants, into their place.
func (r *receive) fill(in io.Reader, n uint64) error {
	for end := r.got + n; r.got < end; {
		b := r.place.next(int(end - r.got))
		k, err := io.ReadFull(in, b)
		r.got += uint64(k)
		if err != nil {
			return err
		}
	}
	return nil
}

// adopt gives r an eager message that was early.
func (r *receive) adopt(payload []byte) {
	if r.limit >= len(payload) {
		r.bytes, r.got = payload, uint64(len(payload))
		return
	}
	r.prepare(uint64(len(payload)))
	for r.got < r.want {
		r.got += uint64(copy(r.place.next(int(r.want-r.got)), payload[r.got:]))
	}
}

// post looks for r's message among the early ones and else queues r. When it
// returns nil, r's token will come.
func (l *link) post(ctx context.Context, r *receive) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noSend == ErrClosed {
		return ErrClosed
	}
	m, ok := l.inbox.takeEarly(r.tag)
	switch {
	case ok && !m.announced:
		l.inbox.held -= headerSize + len(m.payload)
		l.consumed(headerSize + len(m.payload))
		l.mu.Unlock()
		r.adopt(m.payload)
		r.complete(nil)
		l.mu.Lock()
	case l.readErr != nil:
		return l.readErr
	case l.bye:
		return ErrGoodbye
	case ok:
		l.ask(r, m.id, m.size)
	default:
		r.posted = true
		l.inbox.box(r.tag).posted.push(r)
	}
	return nil
}

// wait returns when r is complete. If ctx ends first it withdraws r, or, when
// its message is already on its way, breaks the link.
func (l *link) wait(ctx context.Context, r *receive) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	select {
	case <-r.done:
		l.mu.Unlock()
		return r.err
	default:
	}
	if r.posted {
		l.inbox.withdraw(r)
		l.mu.Unlock()
		return ctx.Err()
	}
	l.mu.Unlock()
	l.fail(gaveUp(ctx.Err()))
	if <-r.done; r.err != nil {
		return ctx.Err()
	}
	return nil
}

// withdraw completes r now unless its message is on its way.
func (l *link) withdraw(r *receive) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.posted {
		l.inbox.withdraw(r)
		r.complete(context.Canceled)
	}
}

// ask prepares r for an announced message and asks for it. The error, if any, is
// r's as well. l.mu is held.
func (l *link) ask(r *receive, id, size uint64) error {
	if l.inbox.transfers[id] != nil {
		err := fmt.Errorf("%w: message %d announced twice", errFrame, id)
		r.complete(err)
		return err
	}
	r.prepare(size)
	l.reply(header{kind: kindCTS, tag: r.tag, id: id, size: r.want})
	if r.want == 0 {
		r.complete(nil)
		return nil
	}
	l.inbox.transfers[id] = r
	return nil
}

// takeRTS notes an announcement. l.mu is held.
func (l *link) takeRTS(h header) error {
	if r := l.inbox.takePosted(h.tag); r != nil {
		return l.ask(r, h.id, h.size)
	}
	if l.inbox.announced++; l.inbox.announced > maxAnnounced {
		return fmt.Errorf("%w: more than %d messages announced", errFrame, maxAnnounced)
	}
	l.inbox.box(h.tag).early.push(early{id: h.id, size: h.size, announced: true})
	return nil
}

// takeEager reads an eager message into its receive's place, or keeps it.
func (l *link) takeEager(h header) error {
	cost := headerSize + int(h.length)
	l.mu.Lock()
	r := l.inbox.takePosted(h.tag)
	l.inbox.landing = r
	if r == nil {
		l.inbox.held += cost
	}
	over := l.inbox.held > l.world.cfg.Window
	l.mu.Unlock()
	if over {
		return fmt.Errorf("%w: more than the window of %d bytes; is Window the same on all ranks?", errFrame, l.world.cfg.Window)
	}

	var payload []byte
	if r != nil {
		r.prepare(h.size)
		if err := r.fill(l.in, r.want); err != nil {
			return err
		}
		if _, err := l.in.Discard(int(h.size - r.want)); err != nil {
			return err
		}
	} else {
		payload = make([]byte, h.length)
		if _, err := io.ReadFull(l.in, payload); err != nil {
			return err
		}
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if r != nil {
		l.inbox.landing = nil
		l.consumed(cost)
		r.complete(nil)
		return nil
	}
	if r := l.inbox.takePosted(h.tag); r != nil { // posted meanwhile
		l.inbox.held -= cost
		l.consumed(cost)
		r.adopt(payload)
		r.complete(nil)
		return nil
	}
	l.inbox.box(h.tag).early.push(early{payload: payload})
	return nil
}

// takeData reads a part of a message that was asked for into its place.
func (l *link) takeData(h header) error {
	l.mu.Lock()
	r := l.inbox.transfers[h.id]
	l.mu.Unlock()
	if r == nil || h.size != r.got || h.length == 0 || uint64(h.length) > r.want-r.got {
		return fmt.Errorf("%w: data nobody asked for", errFrame)
	}
	if err := r.fill(l.in, uint64(h.length)); err != nil {
		return err
	}
	if r.got == r.want {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.inbox.transfers, h.id)
		r.complete(nil)
	}
	return nil
}
