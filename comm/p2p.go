package comm

import (
	"context"
	"errors"
	"fmt"
)

// Send sends the bytes of bufs, one after the other, as one message. It returns
// when bufs may be used again: at once for a message within Config.EagerLimit
// that fits the window, else when the receiver has taken it. Nothing is copied
// on the way to the transport.
func (w *World) Send(ctx context.Context, to int, tag Tag, bufs ...[]byte) error {
	checkTag(tag)
	return w.send(ctx, to, tag, bufs)
}

// SendAsked is Send, which returns only when the receiver has asked for the message and has been sent it, however short it is: none is under
// way to a receiver that may never take it.
func (w *World) SendAsked(ctx context.Context, to int, tag Tag, bufs ...[]byte) error {
	checkTag(tag)
	return w.sendPiece(ctx, to, tag, bufs, true)
}

// Recv receives one message into bufs, one after the other, and returns its
// length. A message that was posted for in time, or is longer than
// Config.EagerLimit, is read right into bufs. One that is longer than bufs fills
// them, its rest is dropped, and the cause of the error is a *TruncatedError.
func (w *World) Recv(ctx context.Context, from int, tag Tag, bufs ...[]byte) (int, error) {
	checkTag(tag)
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	return w.recv(ctx, from, tag, bufs)
}

// RecvBytes receives one message of unknown length, up to limit bytes. A longer
// one is dropped, and the cause of the error is a *TruncatedError.
func (w *World) RecvBytes(ctx context.Context, from int, tag Tag, limit int) ([]byte, error) {
	checkTag(tag)
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	return w.recvBytes(ctx, from, tag, limit)
}

// Sendrecv sends one message and receives another at the same time, so that
// ranks in a ring cannot wait for each other. It returns the received length.
func (w *World) Sendrecv(ctx context.Context, to int, sendTag Tag, send [][]byte, from int, recvTag Tag, recv [][]byte) (int, error) {
	checkTag(sendTag)
	checkTag(recvTag)
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	return w.sendrecv(ctx, to, sendTag, send, from, recvTag, recv)
}

// checkTag panics for a tag that is not the caller's to use.
func checkTag(tag Tag) {
	if tag >= collectiveTag {
		panic(fmt.Sprintf("comm: tag %d is reserved", uint32(tag)))
	}
}

// link returns the link to a peer.
func (w *World) link(peer int) (*link, error) {
	if peer < 0 || peer >= w.cfg.Size {
		return nil, fmt.Errorf("no rank %d in a world of size %d", peer, w.cfg.Size)
	}
	if peer == w.cfg.Rank {
		return nil, errors.New("a rank exchanges no messages with itself")
	}
	return w.links[peer], nil
}

func (w *World) send(ctx context.Context, to int, tag Tag, bufs [][]byte) error {
	return w.sendPiece(ctx, to, tag, bufs, false)
}

// sendPiece is Send, which waits to be asked for a message of any size if ask is set.
func (w *World) sendPiece(ctx context.Context, to int, tag Tag, bufs [][]byte, ask bool) error {
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	l, err := w.link(to)
	if err == nil {
		err = l.send(ctx, tag, bufs, ask)
	}
	return w.wrap(opSend, to, tag, err)
}

func (w *World) recv(ctx context.Context, from int, tag Tag, bufs [][]byte) (int, error) {
	l, err := w.link(from)
	if err != nil {
		return 0, w.wrap(opRecv, from, tag, err)
	}
	r := w.newReceive(tag, bufs)
	if err := l.post(ctx, r); err != nil {
		return 0, w.wrap(opRecv, from, tag, err)
	}
	return w.finish(ctx, l, r)
}

// finish waits for a posted receive.
func (w *World) finish(ctx context.Context, l *link, r *receive) (int, error) {
	err := l.wait(ctx, r)
	n, tag := int(r.got), r.tag
	w.free(r)
	return n, w.wrap(opRecv, l.peer, tag, err)
}

func (w *World) recvBytes(ctx context.Context, from int, tag Tag, limit int) ([]byte, error) {
	l, err := w.link(from)
	if err != nil {
		return nil, w.wrap(opRecv, from, tag, err)
	}
	r := w.newReceive(tag, nil)
	r.limit = max(limit, 0)
	if err := l.post(ctx, r); err != nil {
		return nil, w.wrap(opRecv, from, tag, err)
	}
	err = l.wait(ctx, r)
	b := r.bytes
	w.free(r)
	return b, w.wrap(opRecv, from, tag, err)
}

func (w *World) sendrecv(ctx context.Context, to int, sendTag Tag, send [][]byte, from int, recvTag Tag, recv [][]byte) (int, error) {
	l, err := w.link(from)
	if err != nil {
		return 0, w.wrap(opRecv, from, recvTag, err)
	}
	r := w.newReceive(recvTag, recv)
	if err := l.post(ctx, r); err != nil {
		return 0, w.wrap(opRecv, from, recvTag, err)
	}
	if err := w.send(ctx, to, sendTag, send); err != nil {
		l.withdraw(r)
		w.finish(ctx, l, r)
		return 0, err
	}
	return w.finish(ctx, l, r)
}

// send is Send on one link.
func (l *link) send(ctx context.Context, tag Tag, bufs [][]byte, ask bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	size := total(bufs)
	if size > maxMessage {
		return fmt.Errorf("message of %d bytes; at most %d are possible", size, int64(maxMessage))
	}
	l.mu.Lock()
	if l.noSend != nil {
		defer l.mu.Unlock()
		return l.noSend
	}
	cost := headerSize + int(size)
	if !ask && int64(size) <= int64(l.world.cfg.EagerLimit) && cost <= l.credit {
		l.credit -= cost
		l.mu.Unlock()
		return l.sendEager(ctx, tag, bufs, cost)
	}
	l.lastID++
	s := &announced{id: l.lastID, clear: make(chan error, 1)}
	l.sends[s.id] = s
	l.mu.Unlock()
	return l.sendAnnounced(ctx, tag, bufs, size, s)
}

func (l *link) sendEager(ctx context.Context, tag Tag, bufs [][]byte, cost int) error {
	size := uint32(cost - headerSize)
	started, err := l.write(ctx, header{kind: kindEager, tag: tag, length: size, size: uint64(size)}, bufs)
	if !started {
		l.mu.Lock()
		l.credit += cost
		l.mu.Unlock()
	}
	return err
}

func (l *link) sendAnnounced(ctx context.Context, tag Tag, bufs [][]byte, size uint64, s *announced) error {
	started, err := l.write(ctx, header{kind: kindRTS, tag: tag, id: s.id, size: size}, nil)
	if err != nil {
		if !started {
			l.mu.Lock()
			delete(l.sends, s.id)
			l.mu.Unlock()
		}
		return err
	}
	select {
	case err = <-s.clear:
	case <-ctx.Done():
		err = ctx.Err()
		l.fail(gaveUp(err))
	}
	if err != nil {
		return err
	}
	if s.size > size {
		err := fmt.Errorf("%w: asked for %d bytes of a message of %d", errFrame, s.size, size)
		l.fail(err)
		return err
	}
	rest := span{bufs: bufs}
	var runs [][]byte
	for off := uint64(0); off < s.size; {
		n := min(s.size-off, dataFrame)
		runs = rest.take(int(n), runs[:0])
		_, err := l.write(ctx, header{kind: kindData, tag: tag, id: s.id, length: uint32(n), size: off}, runs)
		if err != nil {
			l.fail(gaveUp(err))
			return err
		}
		off += n
	}
	return nil
}

// dataFrame is how many bytes of a long message go before other frames may.
const dataFrame = 512 << 10
