package comm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Tag names a stream of messages between two ranks: messages of one source and
// one tag arrive in the order in which they were sent. Tags below 1<<31 are the
// caller's.
type Tag uint32

func (t Tag) String() string {
	if t&collectiveTag != 0 {
		return fmt.Sprintf("%v number %d", collective(t>>24&0x7f), t&0xffffff)
	}
	return fmt.Sprintf("tag %d", uint32(t))
}

// Config says which rank to be in which world. Size, Epoch, Key, EagerLimit and
// Window are the same on all ranks.
type Config struct {
	Rank, Size    int
	Member, Epoch uint32

	Host string // this rank's host, for errors
	// Hosts are every rank's host. Ranks whose entries are equal are on one host. Nil means that all are.
	Hosts []string
	// NoEncrypt leaves links between hosts in the clear once both ends have proved the key.
	NoEncrypt bool

	Key       []byte    // the job's secret, at least 16 bytes; not needed if Size is 1
	Bootstrap Bootstrap // not needed if Size is 1
	Transport Transport // nil means TCP{}

	// CallTimeout is the deadline of a call whose context has none; zero means
	// 10 min.
	CallTimeout time.Duration
	// HandshakeTimeout bounds one handshake, and how long Close waits for a peer
	// to confirm that it has read everything; zero means 5 s.
	HandshakeTimeout time.Duration

	// ConnectTimeout bounds the attempt to connect to a peer; zero means 10 s.
	ConnectTimeout time.Duration

	// JoinTimeout bounds how long it takes to connect to all peers, once all have come to the fence; zero means 30 s. How long they take to
	// come is the Bootstrap's business, which knows whether they live.
	JoinTimeout time.Duration

	// EagerLimit is the longest message, in bytes, that is sent before the
	// receiver has asked for it; zero means 256 KiB, and it is at most 1 MiB.
	// Negative makes every Send wait for its Recv.
	EagerLimit int
	// Window bounds the bytes of such messages that a receiver holds for each
	// peer; zero means 1 MiB or 4 × EagerLimit, if that is more.
	Window int
}

const minKey = 16

func (c *Config) setDefaults() error {
	switch {
	case c.Size < 1 || c.Rank < 0 || c.Rank >= c.Size:
		return fmt.Errorf("no rank %d in a world of size %d", c.Rank, c.Size)
	case c.Size > 1 && len(c.Key) < minKey:
		return fmt.Errorf("key of %d bytes; at least %d are needed", len(c.Key), minKey)
	case c.Size > 1 && c.Bootstrap == nil:
		return errors.New("no bootstrap to find the peers with")
	case c.EagerLimit > maxFrame:
		return fmt.Errorf("eager limit of %d bytes; at most %d are possible", c.EagerLimit, maxFrame)
	}
	if c.Transport == nil {
		c.Transport = TCP{}
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = 10 * time.Minute
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = 5 * time.Second
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.JoinTimeout == 0 {
		c.JoinTimeout = 30 * time.Second
	}
	if c.EagerLimit == 0 {
		c.EagerLimit = 256 << 10
	}
	if c.Window == 0 {
		c.Window = max(1<<20, 4*c.EagerLimit)
	}
	return nil
}

// World is this rank's view of the ranks of one epoch. Its methods may be used
// by many goroutines at once, except that all ranks make collective calls one
// at a time and in the same order.
//
// Every call that waits ends when its context does, or after
// Config.CallTimeout. A call that ends so while its message is under way (asked
// for by the receiver, or partly on the wire) takes the link to that peer with
// it, because the rest of the message can no longer be told from what follows;
// the peer learns of it at once. No call returns while its buffers are still
// being read or written.
type World struct {
	cfg   Config
	links []*link // by rank; nil for this rank itself

	certificate func() (tls.Certificate, error) // the job's

	collectives atomic.Uint32 // how many calls so far
	receives    sync.Pool     // of *receive
	closeOnce   sync.Once
	closeErr    error
}

// Rank returns this rank's number, from 0 to Size-1.
func (w *World) Rank() int { return w.cfg.Rank }

// Size returns the number of ranks.
func (w *World) Size() int { return w.cfg.Size }

// Epoch returns the number of the membership this World was joined for.
func (w *World) Epoch() uint32 { return w.cfg.Epoch }

// Member returns this rank's member ID, which no other process of the job ever has.
func (w *World) Member() uint32 { return w.cfg.Member }

// Transport returns the name of the transport between ranks, such as "tcp", and "tcp+tls" if a link is encrypted.
func (w *World) Transport() string {
	name := w.cfg.Transport.Name()
	for _, l := range w.links {
		if l == nil {
			continue
		}
		if _, encrypted := l.conn.(*tlsLink); encrypted {
			return name + "+tls"
		}
	}
	return name
}

// Suspend tells that this process and the other ranks are about to be stopped for some time, or go on, so that links outlast it.
func (w *World) Suspend(on bool) {
	for _, l := range w.links {
		if l == nil {
			continue
		}
		if c, ok := l.conn.(interface{ Suspend(bool) error }); ok {
			_ = c.Suspend(on) // it fails for a link that is closed
		}
	}
}

// elsewhere tells whether a rank is on another host than this one.
func (w *World) elsewhere(rank int) bool { return w.Host(rank) != w.Host(w.cfg.Rank) }

// encrypts tells whether the link to a rank is encrypted. Both ends know that for themselves, whatever the other says.
func (w *World) encrypts(rank int) bool { return w.elsewhere(rank) && !w.cfg.NoEncrypt }

// acrossHosts tells whether there are ranks on other hosts.
func (w *World) acrossHosts() bool {
	for rank := range w.cfg.Size {
		if w.elsewhere(rank) {
			return true
		}
	}
	return false
}

// Stats counts bytes on this rank's links: payload and frame headers.
type Stats struct {
	Sent, Received int64
}

// Stats returns what has been sent and received so far.
func (w *World) Stats() Stats {
	var s Stats
	for _, l := range w.links {
		if l != nil {
			s.Sent += l.sent.Load()
			s.Received += l.received.Load()
		}
	}
	return s
}

// Close leaves the world. Calls still pending here fail with ErrClosed; what has
// been sent is not lost: Close returns when every peer has confirmed that it
// has read all of it. Peers' further calls with this rank fail with ErrGoodbye.
// The error names peers that did not confirm within Config.HandshakeTimeout;
// links that were lost earlier count as closed.
func (w *World) Close() error {
	w.closeOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), w.cfg.HandshakeTimeout)
		defer cancel()
		errs := make([]error, len(w.links))
		var wg sync.WaitGroup
		for i, l := range w.links {
			if l != nil {
				wg.Go(func() { errs[i] = w.wrap("close link to", i, 0, l.close(ctx)) })
			}
		}
		wg.Wait()
		w.closeErr = errors.Join(errs...)
	})
	return w.closeErr
}

// Lose ends this World because a rank is lost: every pending and later call returns a *RankError, whoever it is made with, and its cause
// says which rank was lost and why. It does not wait for anything.
func (w *World) Lose(rank int, why error) {
	err := w.wrap("lost", rank, 0, why)
	for _, l := range w.links {
		if l != nil {
			l.fail(err)
		}
	}
}

// Abandon leaves the world without a goodbye, and returns when nothing of it is in use any more. Peers find their links lost.
func (w *World) Abandon() {
	w.closeOnce.Do(func() {
		w.closeErr = ErrClosed
		for _, l := range w.links {
			if l != nil {
				l.fail(ErrClosed)
			}
		}
		for _, l := range w.links {
			if l != nil {
				l.done.Wait()
			}
		}
	})
}

// bounded gives ctx the default deadline if it has none.
func (w *World) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, w.cfg.CallTimeout)
}

// Host returns the name of the host that a rank runs on, or "" if Config does not tell.
func (w *World) Host(rank int) string {
	switch {
	case rank >= 0 && rank < len(w.cfg.Hosts):
		return w.cfg.Hosts[rank]
	case w.cfg.Hosts == nil:
		return w.cfg.Host
	}
	return ""
}

// wrap names the ranks and the operation of a failed call.
func (w *World) wrap(op string, peer int, tag Tag, err error) error {
	if err == nil {
		return nil
	}
	return &RankError{
		Rank: peer, Host: w.Host(peer), Op: op, Tag: tag,
		By: w.cfg.Rank, ByHost: w.Host(w.cfg.Rank), Err: err,
	}
}
