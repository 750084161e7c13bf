package comm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// link is one peer's link with everything in flight on it.
//
// Three parties use it. Callers of Send write their frames themselves, one
// frame at a time under the token in writing. The reader goroutine does all
// reading and matching and never writes, so that two ranks that send to each
// other always drain each other. What it has to answer it leaves in replies for
// the flusher goroutine, which waits for the token like any sender and so gets
// its turn between two frames of a long message.
type link struct {
	world *World
	peer  int
	conn  Link
	in    *bufio.Reader

	writing chan struct{} // holds the token of whoever writes
	header  [headerSize]byte
	parts   net.Buffers

	flush   chan struct{} // wakes the flusher
	broken  chan struct{} // closed when the link has failed
	byeRead chan struct{} // closed when the peer has read our goodbye
	done    sync.WaitGroup

	sent, received atomic.Int64

	mu      sync.Mutex
	err     error // why the link failed; set before broken is closed
	readErr error // why nothing more will be received; the reader is through
	noSend  error // why nothing more may be sent
	bye     bool  // the peer has said goodbye

	credit  int // bytes of the peer's window this rank may still use
	owed    int // bytes of this rank's window the peer does not know are free
	replies []header
	lastID  uint64
	sends   map[uint64]*announced // announced here, not yet asked for
	inbox   inbox
}

// announced is a Send that waits for the receiver to ask for its message.
type announced struct {
	id    uint64
	clear chan error // nil when the receiver is ready for size bytes
	size  uint64
}

// readBuffer is small: what it takes in beyond a header is copied once more.
const readBuffer = 4 << 10

func newLink(w *World, peer int, conn Link) *link {
	l := &link{
		world: w, peer: peer, conn: conn,
		writing: make(chan struct{}, 1),
		flush:   make(chan struct{}, 1),
		broken:  make(chan struct{}),
		byeRead: make(chan struct{}),
		credit:  w.cfg.Window,
		sends:   make(map[uint64]*announced),
	}
	l.in = bufio.NewReaderSize(countingReader{conn, &l.received}, readBuffer)
	l.inbox.init()
	l.done.Go(l.read)
	l.done.Go(l.flushReplies)
	return l
}

type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// fail breaks the link; the first reason stays.
func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	if l.noSend == nil {
		l.noSend = err
	}
	l.cancelSends(err)
	close(l.broken)
	l.conn.Close()
}

// cancelSends ends every Send that waits to be asked. l.mu is held.
func (l *link) cancelSends(err error) {
	for id, s := range l.sends {
		delete(l.sends, id)
		s.clear <- err
	}
}

// acquire takes the write token.
func (l *link) acquire(ctx context.Context) error {
	select {
	case l.writing <- struct{}{}:
		return nil
	default:
	}
	select {
	case l.writing <- struct{}{}:
		return nil
	case <-l.broken:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write sends one frame. started tells whether bytes may have reached the wire;
// if they have and err is set, the link has failed.
func (l *link) write(ctx context.Context, h header, payload [][]byte) (started bool, err error) {
	if err := l.acquire(ctx); err != nil {
		return false, err
	}
	defer func() { <-l.writing }()
	h.epoch, h.source = l.world.cfg.Epoch, uint32(l.world.cfg.Rank)
	h.put(l.header[:])
	// WriteFrame uses up the slice it is given, so parts keeps the array.
	l.parts = append(append(l.parts[:0], l.header[:]), payload...)
	err = l.conn.WriteFrame(ctx, l.parts)
	clear(l.parts)
	l.sent.Add(int64(headerSize) + int64(h.length))
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		l.fail(gaveUp(ctx.Err()))
		return true, ctx.Err()
	}
	l.fail(lost(err))
	l.mu.Lock()
	defer l.mu.Unlock()
	return true, l.noSend
}

// lost makes ErrLost of the ways in which the network says it.
func lost(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrLost
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w (%v)", ErrLost, err)
	}
	return err
}

// gaveUp is why a link is gone after a call on this side ended early. It hides
// err's identity: the calls that find the link gone were not cancelled.
func gaveUp(err error) error {
	return fmt.Errorf("the link was given up in the middle of a message (%v)", err)
}

// reply queues a control frame. l.mu is held.
func (l *link) reply(h header) {
	l.replies = append(l.replies, h)
	l.wakeFlusher()
}

func (l *link) wakeFlusher() {
	select {
	case l.flush <- struct{}{}:
	default:
	}
}

// flushReplies is the flusher goroutine.
func (l *link) flushReplies() {
	var todo []header
	for {
		select {
		case <-l.flush:
		case <-l.broken:
			return
		}
		l.mu.Lock()
		todo, l.replies = append(todo[:0], l.replies...), l.replies[:0]
		if l.owed > 0 {
			todo = append(todo, header{kind: kindCredit, size: uint64(l.owed)})
			l.owed = 0
		}
		l.mu.Unlock()
		for _, h := range todo {
			if _, err := l.write(context.Background(), h, nil); err != nil {
				return
			}
		}
	}
}

// consumed notes that bytes of the window are free again, and tells the peer
// when they are worth a frame. l.mu is held.
func (l *link) consumed(bytes int) {
	l.owed += bytes
	if l.owed >= l.world.cfg.Window/4 {
		l.wakeFlusher()
	}
}

// close says goodbye and waits until the peer has read everything.
func (l *link) close(ctx context.Context) error {
	l.mu.Lock()
	l.noSend = ErrClosed
	l.cancelSends(ErrClosed)
	l.inbox.cancelPosted(ErrClosed)
	l.reply(header{kind: kindBye}) // after what receives have already asked for
	l.mu.Unlock()

	var err error
	select {
	case <-l.byeRead:
	case <-l.broken: // lost earlier, as the calls it concerned have been told
	case <-ctx.Done():
		err = fmt.Errorf("what was sent last may be lost: %w", ctx.Err())
	}
	l.fail(ErrClosed)
	l.done.Wait()
	return err
}

// read is the reader goroutine.
func (l *link) read() {
	l.fail(lost(l.readFrames()))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readErr = l.err
	if l.bye {
		l.readErr = ErrGoodbye // whatever the socket says after it
	}
	l.inbox.cancelAll(l.readErr)
}

// readFrames takes in frames until the link ends.
func (l *link) readFrames() error {
	for {
		b, err := l.in.Peek(headerSize)
		if err != nil {
			return err
		}
		h, err := parseHeader(b)
		if err != nil {
			return err
		}
		l.in.Discard(headerSize)
		if h.epoch != l.world.cfg.Epoch || h.source != uint32(l.peer) {
			return fmt.Errorf("%w: from rank %d of epoch %d", errFrame, h.source, h.epoch)
		}
		if err := l.handle(h); err != nil {
			return err
		}
	}
}

func (l *link) handle(h header) error {
	switch h.kind {
	case kindEager:
		return l.takeEager(h)
	case kindData:
		return l.takeData(h)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch h.kind {
	case kindRTS:
		return l.takeRTS(h)
	case kindCTS:
		// A Send that has given up meanwhile is not there any more, nor is the link.
		if s := l.sends[h.id]; s != nil {
			delete(l.sends, h.id)
			s.size = h.size
			s.clear <- nil
		}
	case kindCredit:
		l.credit += int(h.size)
		if l.credit > l.world.cfg.Window {
			return fmt.Errorf("%w: more credit than the window of %d bytes; is Window the same on all ranks?", errFrame, l.world.cfg.Window)
		}
	case kindBye:
		l.bye = true
		if l.noSend == nil {
			l.noSend = ErrGoodbye
		}
		l.cancelSends(ErrGoodbye)
		l.inbox.cancelPosted(ErrGoodbye)
		l.reply(header{kind: kindByeAck})
	case kindByeAck:
		select {
		case <-l.byeRead:
			return fmt.Errorf("%w: second answer to a goodbye", errFrame)
		default:
			close(l.byeRead)
		}
	}
	return nil
}
