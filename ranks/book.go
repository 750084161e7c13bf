package ranks

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"halorun/kernels"
	"halorun/ranks/ledger"
)

// Checkpoint says what of a job goes into the ledger, so that it need not be done again.
type Checkpoint struct {
	Mode  string        `json:"mode"`  // one of the modes below
	Every time.Duration `json:"every"` // how often what was written is made durable, in the mode CheckpointEvery
	Dir   string        `json:"dir"`   // the job's folder on this host
	ID    ledger.JobID  `json:"id"`
	Name  string        `json:"name"` // of this attempt at the job; no other had it
	// Resume tells to begin with what earlier attempts have left.
	Resume bool `json:"resume"`
}

// The modes of a Checkpoint.
const (
	CheckpointOff   = ""      // nothing
	CheckpointAuto  = "auto"  // what costs next to nothing, and nothing in the first seconds
	CheckpointEvery = "every" // everything
	CheckpointAll   = "all"   // everything, and a tile is finished when it is on the disk
)

const (
	// autoAfter is how long a job lasts before it is worth a checkpoint.
	autoAfter = 2 * time.Second
	// autoShare is the part of a lane's time that may go into storing tiles.
	autoShare = 0.02
	// storePace is how long a byte takes to be stored, as long as that was not measured.
	storePace = 3 * time.Nanosecond
)

// book is a rank's side of the ledger. A nil book is one in which nothing is written.
type book struct {
	Checkpoint
	name  string // of the segments
	began time.Time
	lanes int
	probe Probe
	meter *meter

	open   func() (*ledger.Writer, error) // when there is something to write
	writer atomic.Pointer[ledger.Writer]  // once it is open
	failed atomic.Pointer[string]         // why nothing is written any more
	lost   atomic.Pointer[error]          // why OUTPUT did not come to the disk

	spent, bytes atomic.Int64 // on storing tiles: ns, and how many bytes

	pacer *Pacer
}

// openBook prepares to write this rank's part of the ledger.
func (r *Rank) openBook() {
	c := r.job.Checkpoint
	if r.book != nil || c.Mode == CheckpointOff {
		return
	}
	b := &book{
		Checkpoint: c, name: fmt.Sprintf("%s-m%d", c.Name, r.world.Member()), began: r.began, lanes: r.job.lanes(), probe: r.probe,
		meter: r.meter, pacer: NewPacer(c.Mode, c.Every),
	}
	b.open = sync.OnceValues(func() (*ledger.Writer, error) {
		w, err := ledger.Create(c.Dir, b.name, c.ID, ledger.Options{
			WriteFault: func() error { return b.probe.fault("checkpoint") }, Damage: b.probe.corrupt,
		})
		b.writer.Store(w)
		return w, err
	})
	r.book = b
}

// idle tells whether nothing is to be written now.
func (b *book) idle() bool {
	return b == nil || b.failed.Load() != nil || b.Mode == CheckpointAuto && time.Since(b.began) < autoAfter
}

// giveUp ends checkpointing, but not the job.
func (b *book) giveUp(err error) {
	text := fmt.Sprintf("checkpoint: %v", err)
	b.failed.CompareAndSwap(nil, &text)
}

// put writes something into the ledger.
func (b *book) put(write func(*ledger.Writer) error) {
	w, err := b.open()
	if err == nil {
		err = write(w)
	}
	if err != nil {
		b.giveUp(err)
	}
}

// inPlace notes that a tile stands in OUTPUT.
func (b *book) inPlace(stage int, tile kernels.Rows, rows [][]byte) {
	if b.idle() {
		return
	}
	b.probe.at("checkpoint", stage)
	defer b.meter.time(checkpoint)()
	e := entry(stage, tile, rows)
	e.Sum = ledger.Sum(rows)
	b.put(func(w *ledger.Writer) error { return w.Add(e, nil) })
}

// store puts a tile into the ledger, if that is worth its price.
func (b *book) store(stage int, tile kernels.Rows, rows [][]byte) {
	if b.idle() {
		return
	}
	n := int64(tile.Len() * len(rows[0]))
	if b.Mode == CheckpointAuto {
		pace := float64(storePace)
		if bytes := b.bytes.Load(); bytes > 0 {
			pace = float64(b.spent.Load()) / float64(bytes)
		}
		allowed := autoShare * float64(time.Since(b.began)) * float64(b.lanes)
		if float64(b.spent.Load())+pace*float64(n) > allowed {
			return
		}
	}
	b.probe.at("checkpoint", stage)
	began := time.Now()
	e := entry(stage, tile, rows)
	b.put(func(w *ledger.Writer) error { return w.Add(e, rows) })
	took := time.Since(began)
	b.spent.Add(int64(took))
	b.bytes.Add(n)
	b.meter.add(checkpoint, took)
}

func entry(stage int, tile kernels.Rows, rows [][]byte) ledger.Entry {
	return ledger.Entry{Stage: stage, Lo: tile.Lo, Hi: tile.Hi, RowBytes: len(rows[0])}
}

// commit makes durable what was written, if it is time for it. output, which may be nil, brings OUTPUT to the disk. It waits for that in
// the mode CheckpointAll only.
func (b *book) commit(output func() error) {
	if b.idle() {
		return
	}
	if b.Mode == CheckpointAll {
		defer b.meter.time(checkpoint)()
		b.sync(output)
		return
	}
	b.pacer.Go(func() { b.sync(output) })
}

func (b *book) sync(output func() error) {
	if output != nil {
		if err := output(); err != nil && !errors.Is(err, fs.ErrClosed) { // OUTPUT may be complete by now
			b.lost.Store(&err)
			return
		}
	}
	b.put((*ledger.Writer).Sync)
}

// lostOutput returns why OUTPUT did not come to the disk, if a commit has found out. The kernel does not say so twice.
func (b *book) lostOutput() error {
	if b == nil {
		return nil
	}
	if err := b.lost.Load(); err != nil {
		return *err
	}
	return nil
}

// settled is lostOutput, once no commit is under way.
func (b *book) settled() error {
	if b == nil {
		return nil
	}
	defer b.pacer.Hold()()
	return b.lostOutput()
}

// close ends the book; its files stay.
func (b *book) close() {
	if b == nil {
		return
	}
	defer b.pacer.Hold()()
	if w := b.writer.Load(); w != nil {
		_ = w.Close() // what was not made durable may be lost
	}
}
