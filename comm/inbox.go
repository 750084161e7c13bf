package comm

import "slices"

// inbox matches one peer's messages with the receives posted for them, tag by
// tag in order. The link's mutex guards it.
type inbox struct {
	boxes     map[Tag]*box
	spare     []*box              // empty boxes, to be used again
	held      int                 // bytes of the window in early eager messages
	announced int                 // early messages that wait at the sender
	landing   *receive            // whose eager payload the reader takes in just now
	transfers map[uint64]*receive // asked for, by message id
}

// box is one tag's queues; at most one of them has something in it.
type box struct {
	posted queue[*receive]
	early  queue[early]
}

// early is a message that nobody has posted a receive for yet: an eager one with
// its payload, or the announcement of one.
type early struct {
	payload   []byte
	id, size  uint64
	announced bool
}

// queue is a first-in-first-out list.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) empty() bool { return q.head == len(q.items) }

func (q *queue[T]) push(v T) {
	// Move down rather than grow, so that a queue that never runs empty stays small.
	if len(q.items) == cap(q.items) && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

func (q *queue[T]) pop() T {
	var zero T
	v := q.items[q.head]
	q.items[q.head] = zero
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v
}

const (
	maxAnnounced = 1 << 16 // a peer has at most that many Sends waiting
	maxSpare     = 64
)

func (in *inbox) init() {
	in.boxes = make(map[Tag]*box)
	in.transfers = make(map[uint64]*receive)
}

// box returns a tag's queues, made if need be; tidy takes them back when empty.
func (in *inbox) box(tag Tag) *box {
	b := in.boxes[tag]
	if b == nil {
		if n := len(in.spare); n > 0 {
			b, in.spare = in.spare[n-1], in.spare[:n-1]
		} else {
			b = new(box)
		}
		in.boxes[tag] = b
	}
	return b
}

func (in *inbox) tidy(tag Tag, b *box) {
	if b.posted.empty() && b.early.empty() {
		delete(in.boxes, tag)
		if len(in.spare) < maxSpare {
			in.spare = append(in.spare, b)
		}
	}
}

// takePosted removes the oldest receive posted for a tag; nil if there is none.
func (in *inbox) takePosted(tag Tag) *receive {
	b := in.boxes[tag]
	if b == nil || b.posted.empty() {
		return nil
	}
	r := b.posted.pop()
	r.posted = false
	in.tidy(tag, b)
	return r
}

func (in *inbox) takeEarly(tag Tag) (early, bool) {
	b := in.boxes[tag]
	if b == nil || b.early.empty() {
		return early{}, false
	}
	m := b.early.pop()
	in.tidy(tag, b)
	if m.announced {
		in.announced--
	}
	return m, true
}

// withdraw removes a receive that waits in its box.
func (in *inbox) withdraw(r *receive) {
	b := in.boxes[r.tag]
	i := slices.Index(b.posted.items, r)
	b.posted.items = slices.Delete(b.posted.items, i, i+1)
	r.posted = false
	in.tidy(r.tag, b)
}

// cancelPosted ends all receives that no message has been found for.
func (in *inbox) cancelPosted(err error) {
	for tag, b := range in.boxes {
		for !b.posted.empty() {
			r := b.posted.pop()
			r.posted = false
			r.complete(err)
		}
		in.tidy(tag, b)
	}
}

// cancelAll ends all receives. The reader calls it when it has stopped, so that
// nobody writes into their buffers any more.
func (in *inbox) cancelAll(err error) {
	in.cancelPosted(err)
	for id, r := range in.transfers {
		delete(in.transfers, id)
		r.complete(err)
	}
	if in.landing != nil {
		in.landing.complete(err)
		in.landing = nil
	}
}
