package launcher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"halorun/launcher/control"
)

// Membership is a rank's place in an epoch. Its Put, Fence and Get are those of the epoch. Its methods are safe for concurrent use.
type Membership struct {
	Epoch      uint32
	Rank, Size int // Size counts the head too, if it computes nothing
	Ranks      int // how many compute: those below this number
	Head       int // the one that reads INPUT and writes OUTPUT
	Host       string
	Hosts      []string // of all, by number
	Key        []byte   // the epoch's secret
	Shrink     int      // how often a tile's height is to be halved, for lack of memory

	conn   *control.Conn
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	put   map[string][]byte // since the last fence
	table map[string][]byte // what all ranks put before the fences that are complete
	fence chan struct{}     // that this rank is at, closed when it is complete; nil if it is at none
	next  *Membership       // what follows, if that is known
	over  chan struct{}     // closed when next is set
}

func newMembership(ctx context.Context, conn *control.Conn, w *control.Welcome) (*Membership, error) {
	if w.Rank < 0 || w.Rank >= len(w.Hosts) {
		return nil, fmt.Errorf("the agent calls this rank %d of %d", w.Rank, len(w.Hosts))
	}
	m := &Membership{
		Epoch: w.Epoch, Rank: w.Rank, Size: len(w.Hosts), Ranks: w.Size, Head: w.Head, Host: w.Hosts[w.Rank], Hosts: w.Hosts, Key: w.Key,
		Shrink: w.Shrink, conn: conn, put: make(map[string][]byte), table: make(map[string][]byte), over: make(chan struct{}),
	}
	m.ctx, m.cancel = context.WithCancelCause(ctx)
	return m, nil
}

// Gone is the cause of a membership's end when a rank of it is lost.
type Gone struct {
	Rank int // -1 if it is not known which
	Why  string
}

func (e *Gone) Error() string { return fmt.Sprintf("rank %d is lost: it %s", e.Rank, e.Why) }

// Context ends when the epoch does, and then its cause is a *Gone, or with the Rank's.
func (m *Membership) Context() context.Context { return m.ctx }

// follow makes next the membership after m.
func (m *Membership) follow(next *Membership) {
	m.mu.Lock()
	m.next = next
	m.mu.Unlock()
	m.cancel(&Gone{Rank: -1, Why: "left the epoch"})
	close(m.over)
}

// Next waits for the epoch after m. The error is the Rank's context's cause: ErrReleased if there will be none, because all ranks have
// finished.
func (m *Membership) Next(r *Rank) (*Membership, error) {
	select {
	case <-m.over:
		return m.next, nil
	default:
	}
	select {
	case <-m.over:
		return m.next, nil
	case <-r.ctx.Done():
		return nil, context.Cause(r.ctx)
	}
}

func (m *Membership) leaveFence(t *control.Table) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.table, t.Values)
	if m.fence != nil {
		close(m.fence)
		m.fence = nil
	}
}

// Put keeps a value for the next Fence, after which every rank can Get it. Keys are the whole epoch's.
func (m *Membership) Put(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put[key] = bytes.Clone(value)
	return nil
}

// Fence returns when all ranks of the epoch have come to it. A rank that gives up stays at that fence until then, and can
// come to no other.
func (m *Membership) Fence(ctx context.Context) error {
	complete, err := m.enterFence()
	if err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	select {
	case <-complete:
		return nil
	case <-m.ctx.Done():
		return fmt.Errorf("fence: %w", context.Cause(m.ctx))
	case <-ctx.Done():
		return fmt.Errorf("fence: %w", context.Cause(ctx))
	}
}

func (m *Membership) enterFence() (complete <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fence != nil {
		return nil, errors.New("this rank is at an earlier one still")
	}
	if err := m.conn.Send(&control.Fence{Epoch: m.Epoch, Values: m.put}); err != nil {
		return nil, err
	}
	m.put = make(map[string][]byte)
	m.fence = make(chan struct{})
	return m.fence, nil
}

// Get returns what a rank put before a fence that this rank has left.
func (m *Membership) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.table[key]
	if !ok {
		return nil, fmt.Errorf("get: no rank put %q before a fence", key)
	}
	return v, nil
}

// Joined tells the launcher that this rank has met all others of the epoch.
func (m *Membership) Joined() error { return m.conn.Send(&control.Joined{Epoch: m.Epoch}) }

// Stuck tells the launcher that this rank cannot go on without another one, be it that this has closed their connection, and which exit
// status the job should have if nothing can be done about it.
func (m *Membership) Stuck(rank int, closed bool, status int, message string) error {
	return m.conn.Send(&control.Stuck{Epoch: m.Epoch, Rank: rank, Closed: closed, Status: status, Message: message})
}

// Done tells the launcher that this rank has done its part of the epoch, and result, of which only the launcher's caller knows
// the meaning. The process may exit then, for a Unix socket keeps what was sent for its reader; but it does not lose what it knows, should
// there be another epoch, if it waits for that with Next.
func (m *Membership) Done(result []byte) error {
	return m.finish(&control.Finished{Result: result})
}

// Fail tells the launcher, in place of Done, that this rank's part failed, and which exit status the job should have
// (1 if it is 0). consequence means that the error only reflects another rank's failure, which is the one to be shown.
func (m *Membership) Fail(status int, message string, result []byte, consequence bool) error {
	if status == 0 {
		status = 1
	}
	return m.finish(&control.Finished{Status: status, Message: message, Consequence: consequence, Result: result})
}

func (m *Membership) finish(f *control.Finished) error {
	f.Epoch = m.Epoch
	f.MaxRSSBytes = MaxRSS()
	if err := m.conn.Send(f); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return nil
}
