package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"halorun/launcher/jobs"
	"halorun/ranks"
	"halorun/ranks/raster"
)

// kept is what is kept of a job while it runs.
type kept struct {
	checkpointOptions
	job    *jobs.Job
	unlock func()
	found  bool // there is something to resume
	log    func(format string, args ...any)

	mu     sync.Mutex
	saved  bool             // its description is on the disk
	rows   map[uint32]int64 // done, by member
	all    int64            // pictures, if there are many
	gone   bool             // nothing more is noted
	warned bool             // and that, or that a host keeps nothing more, has been said
	worth  bool             // there is something in the ledger
	first  chan struct{}    // closed when there is
	stop   chan struct{}
	done   chan struct{}
}

// keep finds the job that is to be resumed, or makes a new one. It is nil for jobs that cannot be resumed, since INPUT or OUTPUT is a
// stream, or nobody wants to.
func (o *runOptions) keep(report *report, job ranks.Job, in *os.File, p *ranks.Picture) (*kept, error) {
	stream := job.Input.FD != 0 || o.output == "-"
	if st, err := os.Stat(o.output); err == nil && !st.Mode().IsRegular() {
		stream = true
	}
	if stream && o.checkpoint.resume {
		return nil, usage("--resume: INPUT and OUTPUT must be files; a stream cannot be had once more")
	}
	if stream || o.checkpoint.mode == ranks.CheckpointOff {
		return nil, nil
	}
	k := newKept(o)
	var err error
	if k.job, err = describe(report.Job, o, in, job.InputID, p); err != nil {
		return nil, err
	}
	if o.checkpoint.resume {
		if err := k.find(o); err != nil {
			return nil, err
		}
		report.Job = k.job.ID
	}
	k.job.Flags = o.checkpoint.flags
	go jobs.Prune(k.root, k.job.ID, time.Now())
	return k, nil
}

func newKept(o *runOptions) *kept {
	return &kept{checkpointOptions: o.checkpoint, first: make(chan struct{}), rows: make(map[uint32]int64), log: func(format string, args ...any) { o.log.Warn(oneLine(fmt.Sprintf(format, args...))) }}
}

// find looks for the job that is to be resumed. If there is none, it is begun.
func (k *kept) find(o *runOptions) error {
	var old *jobs.Job
	if k.id != "" {
		var err error
		if old, err = jobs.Load(k.root, k.id); err != nil {
			return usageError{noJob(k.root, k.id, err)}
		}
	} else {
		all, err := jobs.List(k.root)
		if err != nil {
			return err
		}
		same := func(j *jobs.Job) bool {
			return j.Input == k.job.Input && j.Output == k.job.Output && slices.Equal(j.Ops, k.job.Ops)
		}
		i := slices.IndexFunc(all, same)
		if i < 0 {
			k.log("nothing is kept of such a job; it is begun anew")
			return nil
		}
		old = all[i]
	}
	changed := func(format string, args ...any) error {
		return &raster.InputError{Name: o.input, Err: fmt.Errorf("it has changed since job %s was begun: %s; run the job anew, without --resume", old.ID, fmt.Sprintf(format, args...))}
	}
	switch {
	case old.Size != k.job.Size:
		return changed("it had %d bytes and has %d", old.Size, k.job.Size)
	case !slices.Equal(old.Sample, k.job.Sample):
		return changed("its content is another")
	case old.Full != "" && k.job.Full != "" && old.Full != k.job.Full:
		return changed("its content is another")
	case !old.ModTime.Equal(k.job.ModTime):
		return changed("it was written at %s", k.job.ModTime.Format(time.DateTime))
	case old.Version != k.job.Version:
		return usage("job %s was begun by version %s of Halorun, and this is version %s: resume it with that one, or run it anew, without --resume", old.ID, old.Version, k.job.Version)
	case !slices.Equal(old.Ledger, k.job.Ledger):
		return usage("job %s is another: it wrote %s with %s, and with other flags for INPUT or OUTPUT, such as --format, --quality or --page, if these are the same; give what it had, or run it anew, without --resume",
			old.ID, old.Output, chainText(old.Ops, " "))
	}
	if k.full && old.Full == "" {
		k.log("job %s was begun without --verify-input full: only rows that are read again are compared", old.ID)
	}
	k.job, k.found, k.saved = old, true, true
	return nil
}

func noJob(root, id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no job %q in %s; 'halorun jobs' lists those that can be resumed", id, root)
	}
	return err
}

// reserve makes sure that nobody else runs the job, if anybody may know of it.
func (k *kept) reserve() error {
	if k == nil || k.mode == ranks.CheckpointAuto && !k.found {
		return nil
	}
	return k.lock()
}

func (k *kept) lock() (err error) {
	k.unlock, err = jobs.Lock(k.root, k.job.ID)
	if errors.Is(err, jobs.ErrRuns) {
		return usage("job %s: %v", k.job.ID, err)
	}
	if err != nil {
		k.giveUp(err)
	}
	return nil
}

// checkpoint returns what ranks need to know.
func (k *kept) checkpoint(attempt string) ranks.Checkpoint {
	if k == nil {
		return ranks.Checkpoint{}
	}
	c := ranks.Checkpoint{Mode: k.mode, Every: k.every, Name: attempt, Resume: k.found}
	copy(c.ID[:], k.job.Ledger)
	if c.Dir = k.job.ID; k.shared {
		c.Dir = filepath.Join(k.root, k.job.ID)
	}
	return c
}

func (k *kept) file() string {
	if k == nil {
		return ""
	}
	return jobs.File(k.root, k.job.ID)
}

const (
	// saveEvery is how often the progress of a job is noted.
	saveEvery = time.Second
	// saveTime is how long a job waits at its end for the last note.
	saveTime = 2 * time.Second
)

// begin notes what the job is, as soon as it is worth it, and its progress again and again.
func (k *kept) begin() {
	if k == nil {
		return
	}
	stop, done := make(chan struct{}), make(chan struct{})
	k.stop, k.done = stop, done
	if k.mode != ranks.CheckpointAuto || k.found {
		k.save()
	}
	go func() {
		defer close(done)
		select {
		case <-k.first:
			k.save()
		case <-stop:
			return
		}
		for {
			select {
			case <-time.After(saveEvery):
				k.save()
			case <-stop:
				return
			}
		}
	}()
}

func (k *kept) save() {
	k.mu.Lock()
	gone := k.gone
	var done int64
	for _, rows := range k.rows {
		done += rows
	}
	all := k.all
	k.mu.Unlock()
	if gone {
		return
	}
	if all > 0 {
		k.job.Rows = all
	}
	if k.unlock == nil && (k.lock() != nil || k.unlock == nil) {
		return
	}
	k.job.Done = max(k.job.Done, min(done, k.job.Rows))
	err := k.job.Save(k.root) // which may take its time, and nobody may have to wait for it
	if err != nil {
		k.giveUp(err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.saved = true
}

// progress takes note of what a rank says of itself.
func (k *kept) progress(member uint32, result []byte) {
	var r ranks.Result
	if k == nil || json.Unmarshal(result, &r) != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows[member] = r.Rows
	if r.Kept > 0 && !k.worth {
		k.worth = true
		close(k.first)
	}
	if r.Checkpoint != "" {
		k.warn(errors.New(r.Checkpoint)) // other hosts may still keep what they have done
	}
}

// pictures takes note of how many of a job's pictures have ended.
func (k *kept) pictures(ended, all int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows[0], k.all = int64(ended), int64(all)
	if ended > 0 && !k.worth {
		k.worth = true
		close(k.first)
	}
}

// giveUp notes no more of the job.
func (k *kept) giveUp(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = true
	k.warn(err)
}

// warn says once that there will be no more checkpoints. The lock is held.
func (k *kept) warn(err error) {
	if !k.warned {
		k.warned = true
		k.log("checkpoints are given up: %v; the job goes on without", err)
	}
}

// pause ends the notes of progress.
func (k *kept) pause() {
	if k != nil && k.stop != nil {
		close(k.stop)
		select {
		case <-k.done:
		case <-time.After(saveTime): // the disk hangs
		}
		k.stop = nil
	}
}

// last notes how far a job has come that has failed, once more.
func (k *kept) last() {
	if k == nil {
		return
	}
	k.pause()
	select {
	case <-k.done:
	default:
		return // it never began, or still hangs
	}
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		k.save()
	}()
	select {
	case <-saved:
	case <-time.After(saveTime):
	}
}

// end ends the notes. If the job has failed, what can be resumed stays, and true is returned: whatever the reason is, who mends it
// can go on.
func (k *kept) end(err error) (resumable bool) {
	if k == nil {
		return false
	}
	k.pause()
	resumable = err != nil && k.saved && (k.worth || k.found)
	if !resumable {
		_ = jobs.Sweep(filepath.Join(k.root, k.job.ID)) // what is left goes with time
	}
	if k.unlock != nil {
		k.unlock()
	}
	return resumable
}
