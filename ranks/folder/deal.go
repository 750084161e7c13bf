package folder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"halorun/ranks"
	"halorun/ranks/journal"
)

// head deals the pictures out, and keeps the journal.
type head struct {
	*Member // that it is of
	list    *journal.Reader
	wake    *os.File
	output  string // the folder, in all epochs
	mode    string // of checkpoints
	log     *journal.Log

	mu       sync.Mutex
	finished bits          // by number
	count    int           // of these
	waiting  []*Entry      // of the window, the smallest first
	listed   bool          // to the end
	accused  []*Entry      // suspect ones, of which a rank does one at a time and nothing else
	large    []*Entry      // for all ranks
	held     map[int]*hold // by number: pictures that lanes have
	holding  map[holder]int
	inRank   map[int]int   // how many the lanes of a rank have
	alone    map[int]bool  // ranks that are at a suspect picture
	parked   []*ask        // lanes that wait for a picture
	quiet    chan struct{} // closed when there is nothing to wait for but large ones; nil if nobody waits
	failure  error
	verdicts chan verdict // of the ranks on the large picture at work

	members  []uint32 // of the epoch, by rank
	dealt    map[int]deal
	suspects map[int]*suspicion

	pacer *ranks.Pacer // of commits
	given atomic.Pointer[string]
}

// holder is a lane of the world.
type holder struct{ rank, lane int }

// hold is a picture that a lane has.
type hold struct {
	*Entry
	by holder
}

// ask is a lane that waits for a picture.
type ask struct {
	by     holder
	answer func([]*Entry) // none: there are no more. It does not block
}

// newHead makes a head that knows what the journal tells of this attempt.
func newHead(m *Member) (*head, error) {
	j := m.job
	h := &head{
		Member: m, output: j.Output, mode: j.Mode, held: make(map[int]*hold), dealt: make(map[int]deal), suspects: make(map[int]*suspicion),
		pacer: ranks.NewPacer(j.Mode, j.Every),
	}
	list, err := inherit(j.ListFD, "the list of pictures")
	if err != nil {
		return nil, err
	}
	file, err := inherit(j.JournalFD, "the journal")
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(j.WakeFD, true); err != nil { // so that waiting for it can be ended
		return nil, fmt.Errorf("follow the list of pictures: %w", err)
	}
	if h.wake, err = inherit(j.WakeFD, "the list of pictures"); err != nil {
		return nil, err
	}
	h.list = journal.NewReader(list, j.ID)
	past := journal.NewReader(file, j.ID)
	for {
		r, err := Next(past)
		if err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		if r == nil {
			break
		}
		switch {
		case r.Attempt != "":
			h.finished, h.count = nil, 0 // the launcher has left out of the list what counts of earlier ones
			clear(h.dealt)
			clear(h.suspects)
		case r.ends() && h.finished.set(r.N):
			h.count++
			delete(h.dealt, r.N)
		default:
			h.replay(r)
		}
	}
	if h.log, err = journal.Open(file, j.ID); err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return h, nil
}

// inherit returns an open file that this process has from the launcher.
func inherit(fd int, name string) (*os.File, error) {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("take over %s: %w", name, err)
	}
	return os.NewFile(uintptr(own), name), nil
}

// Next returns the next record of a journal, or nil if there is none yet.
func Next(r *journal.Reader) (*Record, error) {
	b, err := r.Next()
	if b == nil || err != nil {
		return nil, err
	}
	record := new(Record)
	return record, json.Unmarshal(b, record)
}

// enter begins an epoch: nobody has a picture, and what lanes have put in place without the head's knowledge is done.
func (h *head) enter(members []uint32, untold []*Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.verdicts, h.members = make(chan verdict, h.world.Size()), members
	again := append(h.waiting, h.accused...)
	for _, held := range h.held {
		again = append(again, held.Entry)
	}
	h.held, h.holding, h.inRank, h.alone = make(map[int]*hold), make(map[holder]int), make(map[int]int), make(map[int]bool)
	h.parked, h.quiet = nil, nil
	for _, r := range untold {
		if r.State == Done {
			if err := h.conclude(r); err != nil {
				return err
			}
		}
	}
	h.suspectAll()
	h.waiting, h.accused = nil, nil
	for _, e := range again {
		if h.finished.has(e.N) {
			continue
		}
		if err := h.sort(e); err != nil {
			return err
		}
	}
	h.large = slices.DeleteFunc(h.large, func(e *Entry) bool { return h.finished.has(e.N) })
	sortWaiting(h.waiting)
	return nil
}

func sortWaiting(all []*Entry) {
	slices.SortStableFunc(all, func(a, b *Entry) int { return cmp.Or(cmp.Compare(a.Size, b.Size), b.N-a.N) })
}

// serve starts what answers the other ranks, and what follows the list.
func (h *head) serve(ctx context.Context, g *errgroup.Group) {
	for rank := range h.world.Size() {
		if rank != h.world.Rank() {
			s := &service{head: h, rank: rank, group: g, up: make(map[int]chan struct{})}
			g.Go(func() error { return s.run(ctx) })
		}
	}
	g.Go(func() error { return h.followList(ctx) })
}

// followList waits for more of the list, until it has ended.
func (h *head) followList(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = h.wake.SetReadDeadline(time.Unix(1, 0)) })()
	_ = h.wake.SetReadDeadline(time.Time{})
	b := make([]byte, 512)
	for {
		err := h.look()
		if err != nil || ctx.Err() != nil {
			return err
		}
		if _, err := h.wake.Read(b); err != nil {
			return h.look() // all that will ever come is there, or the epoch ends
		}
	}
}

// look deals out what has come to the list.
func (h *head) look() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.deal()
}

// fill reads the next window of the list, if none is there. The lock is held.
func (h *head) fill() error {
	for len(h.waiting) == 0 && !h.listed {
		for len(h.waiting) < Window && !h.listed {
			b, err := h.list.Next()
			if err != nil {
				return fmt.Errorf("read the list of pictures: %w", err)
			}
			if b == nil {
				sortWaiting(h.waiting)
				return nil
			}
			e := new(Entry)
			if err := json.Unmarshal(b, e); err != nil {
				return fmt.Errorf("read the list of pictures: %w", err)
			}
			switch {
			case e.End:
				h.listed = true
			case !h.finished.has(e.N):
				if err := h.sort(e); err != nil {
					return err
				}
			}
		}
		sortWaiting(h.waiting)
	}
	return nil
}

// next waits for a picture for a lane of this rank.
func (h *head) next(ctx context.Context, by holder) ([]*Entry, error) {
	c := make(chan []*Entry, 1)
	if err := h.park(&ask{by, func(es []*Entry) { c <- es }}); err != nil {
		return nil, err
	}
	select {
	case es := <-c:
		return es, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// park has a lane answered as soon as there is a picture for it.
func (h *head) park(a *ask) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parked = append(h.parked, a)
	return h.deal()
}

// deal answers lanes. Who has nothing to do comes first; a lane that has something gets its next picture early only if there are enough for
// all that have less. The lock is held.
func (h *head) deal() error {
	if h.failure != nil {
		return h.failure
	}
	for len(h.parked) > 0 {
		if err := h.fill(); err != nil {
			h.failure = err
			return err
		}
		if h.dealAlone() {
			continue
		}
		if len(h.waiting) == 0 {
			if h.listed && len(h.accused) == 0 {
				for _, a := range h.parked {
					a.answer(nil)
				}
				h.parked = nil
			}
			break
		}
		least := -1
		for i, a := range h.parked {
			if !h.alone[a.by.rank] && (least < 0 || h.holding[a.by] < h.holding[h.parked[least].by]) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		a := h.parked[least]
		if h.listed && len(h.waiting) <= h.poorer(h.holding[a.by]) {
			break
		}
		h.parked = slices.Delete(h.parked, least, least+1)
		a.answer(h.give(a.by))
	}
	if h.quiet != nil && h.settled() {
		close(h.quiet)
		h.quiet = nil
	}
	return nil
}

// dealAlone gives a suspect picture to a rank that has nothing else, if there are both. The lock is held.
func (h *head) dealAlone() bool {
	if len(h.accused) == 0 {
		return false
	}
	i := slices.IndexFunc(h.parked, func(a *ask) bool { return h.inRank[a.by.rank] == 0 })
	if i < 0 {
		return false
	}
	a, e := h.parked[i], h.accused[0]
	h.parked, h.accused = slices.Delete(h.parked, i, i+1), h.accused[1:]
	h.alone[a.by.rank] = true
	h.hand(a.by, e)
	h.recordDeal(h.dealTo(a.by), true, e)
	a.answer([]*Entry{e})
	return true
}

// hand takes note that a lane has a picture. The lock is held.
func (h *head) hand(to holder, e *Entry) {
	h.held[e.N] = &hold{e, to}
	h.holding[to]++
	h.inRank[to.rank]++
}

func (h *head) dealTo(to holder) deal { return deal{members: []uint32{h.members[to.rank]}} }

// Small pictures are dealt out several at a time, as long as there are many for all: a message takes as long as a hundred thousand pixels.
const (
	fewPictures = 16
	fewBytes    = 256 << 10
)

// give takes pictures for a lane from those that wait. The lock is held.
func (h *head) give(to holder) (given []*Entry) {
	lanes := h.job.ranks(h.world.Size()) * h.job.lanes()
	for bytes := int64(0); len(h.waiting) > 0; {
		e := h.waiting[len(h.waiting)-1]
		if bytes += e.Size; len(given) > 0 && (len(given) == fewPictures || bytes > fewBytes || len(h.waiting) < 4*fewPictures*lanes) {
			break
		}
		h.waiting = h.waiting[:len(h.waiting)-1]
		h.hand(to, e)
		given = append(given, e)
	}
	h.recordDeal(h.dealTo(to), false, given...)
	return given
}

// poorer returns how many lanes have fewer pictures than n. The lock is held.
func (h *head) poorer(n int) int {
	if n == 0 {
		return 0
	}
	lanes := h.job.ranks(h.world.Size()) * h.job.lanes()
	for _, has := range h.holding {
		if has >= n {
			lanes--
		}
	}
	return lanes
}

// settled tells whether all but large pictures are done or failed. The lock is held.
func (h *head) settled() bool {
	return h.listed && len(h.waiting) == 0 && len(h.accused) == 0 && len(h.held) == 0
}

// takeEnd takes note of how a picture ended that a lane had.
func (h *head) takeEnd(by holder, r *Record) error {
	h.mu.Lock()
	err := h.taken(by, r)
	h.mu.Unlock()
	if err == nil && r.ends() {
		h.commit()
	}
	return err
}

// taken is takeEnd while the lock is held, but for the commit.
func (h *head) taken(by holder, r *Record) error {
	held := h.held[r.N]
	if held == nil || held.by != by {
		return nil // from before
	}
	if r.State == large {
		h.large = append(h.large, held.Entry)
		delete(h.dealt, r.N)
		h.append(&Record{State: large, N: r.N})
	} else if err := h.conclude(r); err != nil {
		return err
	}
	delete(h.held, r.N)
	h.holding[by]--
	if h.inRank[by.rank]--; h.inRank[by.rank] == 0 {
		delete(h.alone, by.rank)
	}
	return h.deal()
}

// conclude records that a picture is done or has failed. The lock is held.
func (h *head) conclude(r *Record) error {
	if !h.finished.set(r.N) {
		return nil
	}
	h.count++
	delete(h.dealt, r.N)
	h.append(r)
	if r.State == Failed && h.job.FailFast {
		if h.failure == nil {
			h.failure = &Failure{*r}
		}
		return h.failure
	}
	return nil
}

// append writes a record into the journal. Failing that, the job goes on without.
func (h *head) append(r *Record) {
	b, err := json.Marshal(r)
	if err == nil && r.ends() {
		err = h.fault("checkpoint")
	}
	if err == nil {
		err = h.log.Append(b)
	}
	if err != nil {
		h.giveUp(err)
	}
}

func (h *head) giveUp(err error) {
	text := fmt.Sprintf("journal: %v", err)
	h.given.CompareAndSwap(nil, &text)
}

// commit makes durable what is recorded, if it is time for it: first the outputs, and then the journal, which says so.
func (h *head) commit() {
	switch h.mode {
	case ranks.CheckpointOff:
		return
	case ranks.CheckpointAll: // the outputs are on the disk
		if err := h.log.Sync(); err != nil {
			h.giveUp(err)
		}
		return
	}
	h.pacer.Go(func() {
		if err := h.syncAll(); err != nil {
			h.giveUp(err)
		}
	})
}

// syncAll brings the outputs that are recorded to the disk, and then the journal. What other hosts have written is theirs to sync, if a file
// system does not do so when a file is closed.
func (h *head) syncAll() error {
	upTo := h.log.Bytes()
	f, err := os.Open(h.output)
	if err != nil {
		return err
	}
	err = errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
	if err != nil {
		return fmt.Errorf("bring the outputs to the disk: %w", err)
	}
	b, err := json.Marshal(Record{Synced: true, Bytes: upTo})
	if err == nil {
		err = h.log.Append(b)
	}
	if err == nil {
		err = h.log.Sync()
	}
	return err
}

// leave ends the head's part in an epoch.
func (h *head) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parked, h.quiet = nil, nil
}

// sum adds what the head knows to a Result.
func (h *head) sum(r *Result) {
	h.mu.Lock()
	r.Rows = int64(h.count)
	h.mu.Unlock()
	r.Kept = h.log.Bytes()
	if why := h.given.Load(); why != nil {
		r.Checkpoint = *why
	}
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(n int) bool { return n/64 < len(b) && b[n/64]>>(n%64)&1 != 0 }

// set adds a number, and tells whether it is new.
func (b *bits) set(n int) bool {
	if n < 0 || b.has(n) {
		return false
	}
	for n/64 >= len(*b) {
		*b = append(*b, make([]uint64, 1+len(*b))...)
	}
	(*b)[n/64] |= 1 << (n % 64)
	return true
}
