package commtest

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"halorun/comm"
)

// Faults happen on the links of a world. What happens depends on these fields
// alone, when it happens also on the ranks' timing.
type Faults struct {
	Seed uint64
	// Delay is the longest time for which each write and each read is held up.
	Delay time.Duration
	// Cut or Drop befalls the link between the ranks From > To after a random
	// number of bytes, at most Within, have gone over it: Cut breaks it in the
	// middle of whatever goes on; with Drop nothing arrives any more at either end,
	// and neither is told until the other closes.
	Cut, Drop bool
	From, To  int
	Within    int64
}

// wrap puts the faults into the transports that a world's ranks will use. It
// works on the links of the rank that dials, which sees both directions.
func (f *Faults) wrap(t comm.Transport, n int) []comm.Transport {
	out := make([]comm.Transport, n)
	shared := &addresses{ranks: make(map[string]int)}
	for rank := range out {
		out[rank] = t
		if f != nil {
			out[rank] = &faulty{Transport: t, faults: f, rank: rank, addresses: shared}
		}
	}
	return out
}

// addresses knows which rank listens where.
type addresses struct {
	mu    sync.Mutex
	ranks map[string]int
}

type faulty struct {
	comm.Transport
	faults    *Faults
	rank      int
	addresses *addresses
}

func (t *faulty) Listen(ctx context.Context) (comm.Listener, error) {
	ln, err := t.Transport.Listen(ctx)
	if err == nil {
		t.addresses.mu.Lock()
		defer t.addresses.mu.Unlock()
		t.addresses.ranks[ln.Addr()] = t.rank
	}
	return ln, err
}

func (t *faulty) Dial(ctx context.Context, addr string) (comm.Link, error) {
	link, err := t.Transport.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	t.addresses.mu.Lock()
	to := t.addresses.ranks[addr]
	t.addresses.mu.Unlock()

	f := t.faults
	seed := func(i int) *rand.Rand { return rand.New(rand.NewPCG(f.Seed, uint64(t.rank<<20|to<<4|i))) }
	l := &faultyLink{Link: link, delay: f.Delay, reads: seed(0), writes: seed(1), left: -1}
	if (f.Cut || f.Drop) && f.From == t.rank && f.To == to {
		l.left = seed(2).Int64N(f.Within + 1)
		l.cut = f.Cut
	}
	return l, nil
}

// faultyLink is a link that delays, and breaks when left comes to zero.
type faultyLink struct {
	comm.Link
	delay         time.Duration
	reads, writes *rand.Rand
	cut           bool // or dropped

	mu   sync.Mutex
	left int64 // bytes until it breaks; negative: it never does
}

// pass takes n bytes from what is left and returns how many of them get through.
func (l *faultyLink) pass(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left < 0 {
		return n
	}
	n = int(min(int64(n), l.left))
	l.left -= int64(n)
	return n
}

func (l *faultyLink) hold(r *rand.Rand) {
	if l.delay > 0 {
		// This is the slow link itself, that a test asks for by Faults.Delay, and no wait for something.
		time.Sleep(time.Duration(r.Int64N(int64(l.delay))))
	}
}

func (l *faultyLink) WriteFrame(ctx context.Context, parts net.Buffers) error {
	l.hold(l.writes)
	for _, p := range parts {
		through := l.pass(len(p))
		if err := l.Link.WriteFrame(ctx, net.Buffers{p[:through]}); err != nil {
			return err
		}
		if through < len(p) && l.cut {
			l.Close()
			return syscall.ECONNRESET
		}
	}
	return nil
}

func (l *faultyLink) Read(p []byte) (int, error) {
	for {
		n, err := l.Link.Read(p)
		l.hold(l.reads)
		through := l.pass(n)
		switch {
		case through < n && l.cut:
			l.Close()
			return through, io.ErrUnexpectedEOF
		case through > 0 || err != nil:
			return through, err
		}
	}
}
