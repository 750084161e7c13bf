package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"halorun/launcher/jobs/watch"
	"halorun/ranks"
	"halorun/ranks/folder"
	"halorun/ranks/journal"
	"halorun/ranks/raster"
)

// tally is how the pictures of a job end. It follows the journal, which the head writes.
type tally struct {
	say      *slog.Logger
	into     string // the folder OUTPUT
	details  io.WriteCloser
	stop     func()       // what closes it early
	listed   atomic.Int64 // so far
	complete atomic.Bool  // all are listed

	mu       sync.Mutex
	reader   *journal.Reader
	done     int
	resumed  int
	failures []failure
	lost     error // of details
	losses   losses
	notices  notices
}

// failure is a picture that failed.
type failure struct{ in, reason string }

// failureOf returns what is said of a failed picture. The reason of a page names it.
func failureOf(r *folder.Record) failure {
	if r.Page > 0 {
		return failure{r.In, fmt.Sprintf("page %d: %s", r.Page, r.Reason)}
	}
	return failure{r.In, r.Reason}
}

// picturesReport is what a report says of many pictures.
type picturesReport struct {
	Done    int `json:"done"`    // in this attempt
	Failed  int `json:"failed"`  // in this attempt, or in an earlier one for a reason that stays
	Resumed int `json:"resumed"` // done by earlier attempts
}

// newTally follows the journal from where this attempt begins.
func (f *folderRun) newTally(ctx context.Context, begins int64) (*tally, error) {
	t := &tally{
		say: f.runOptions.log, into: f.many.output, reader: journal.NewReaderAt(f.journal, f.id, begins), losses: newLosses(),
	}
	if name := f.many.log; name != "" {
		details, stop, err := openWritten(ctx, name)
		if err != nil {
			return nil, &ranks.OutputError{Name: name, Err: err}
		}
		t.details, t.stop = details, stop
	}
	return t, nil
}

// follow takes note of what the journal has got.
func (t *tally) follow() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		r, err := folder.Next(t.reader)
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		if r == nil {
			break
		}
		t.losses.take(r)
		switch r.State {
		case folder.Done:
			t.done++
		case folder.Failed:
			t.losses.explain(r)
			t.failed(r)
		default:
			continue
		}
		t.detail(r)
	}
	return t.lost
}

// failed takes note of a failure, and says so. The lock is held.
func (t *tally) failed(r *folder.Record) {
	f := failureOf(r)
	t.failures = append(t.failures, f)
	t.say.Error(oneLine(fmt.Sprintf("%s: %s", f.in, f.reason)))
}

// fail takes note of a picture that cannot be dealt out.
func (t *tally) fail(e *folder.Entry, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &folder.Record{In: e.In, Page: e.Page, State: folder.Failed, Kind: folder.BadData, Reason: reason}
	t.failed(r)
	t.detail(r)
}

// resume takes note of a picture that an earlier attempt has settled.
func (t *tally) resume(r *folder.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.State == folder.Failed {
		t.failed(r)
	} else {
		t.resumed++
	}
	line := *r
	if line.State == folder.Done {
		line.State = "resumed"
	}
	t.detail(&line)
}

// pictureLine is a line of --pictures-log. Its names are a promise to scripts.
type pictureLine struct {
	Input   string  `json:"input"`
	Page    int     `json:"page,omitempty"` // of --page all
	Output  string  `json:"output"`
	State   string  `json:"state"` // done, failed, resumed
	Kind    string  `json:"kind"`  // of a failure: data, io, rank
	Reason  string  `json:"reason"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	Bytes   int64   `json:"bytes"` // of the output
	Rank    int     `json:"rank"`
	Seconds float64 `json:"seconds"`

	Notices []string `json:"notices,omitempty"`
}

// detail takes note of what there is to tell of a picture, and writes a line of JSON about it. The lock is held.
func (t *tally) detail(r *folder.Record) {
	t.notices.take(r)
	if t.details == nil || t.lost != nil {
		return
	}
	b, err := json.Marshal(pictureLine{r.In, r.Page, r.Out, r.State, r.Kind, r.Reason, r.Width, r.Height, r.Bytes, r.Rank, r.Seconds, r.Notices})
	if err == nil {
		_, err = t.details.Write(append(b, '\n'))
	}
	if err != nil {
		t.lost = fmt.Errorf("write --pictures-log: %w", err)
	}
}

// tell tells what there is to tell of pictures.
func (t *tally) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range t.notices.lines() {
		t.say.Info(line)
	}
}

func (t *tally) ended() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done + t.resumed + len(t.failures)
}

// count returns how many pictures there are, as far as is known.
func (t *tally) count() int { return int(t.listed.Load()) }

// counted returns how the pictures stand, for who watches the job.
func (t *tally) counted() watch.Pictures {
	sum := t.sum()
	return watch.Pictures{Done: sum.Done, Failed: sum.Failed, Resumed: sum.Resumed, All: t.count(), Listed: t.complete.Load()}
}

func (t *tally) sum() *picturesReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &picturesReport{t.done, len(t.failures), t.resumed}
}

// failedName is the list of pictures that failed, in the output folder.
const failedName = "failed.tsv"

// writeFailed writes the list of pictures that failed, or removes an old one, and returns its path.
func (t *tally) writeFailed() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	path := filepath.Join(t.into, failedName)
	wrong := func(err error) error { return &ranks.OutputError{Name: path, Err: err} }
	if len(t.failures) == 0 {
		if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() {
			err = os.Remove(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return path, wrong(err)
			}
		}
		return path, nil
	}
	var b strings.Builder
	for _, f := range t.failures {
		fmt.Fprintf(&b, "%s\t%s\n", tsv.Replace(f.in), tsv.Replace(f.reason))
	}
	p, err := raster.NewPending(path)
	if err != nil {
		return path, wrong(err)
	}
	if err := p.Put([]byte(b.String())); err != nil {
		return path, wrong(err)
	}
	return path, nil
}

// tsv makes any text one field.
var tsv = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func (t *tally) close() {
	if t.details != nil {
		t.stop()
		t.details.Close()
	}
}
