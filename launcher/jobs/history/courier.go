package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// renewEvery is how often a running job says in the store that it is one.
	renewEvery = 10 * time.Second
	// touchEvery is how often its spool says so: from it one knows until when a job ran that was killed.
	touchEvery = time.Second
	// silence is after what time without that it counts as killed, for those who see nothing but the store or the time of its spool: more
	// than it takes a shared file system to tell.
	silence = 2 * time.Minute
	// maxWaiting is how many spools may wait for a store that cannot be had.
	maxWaiting = 1000
)

// spoolFolder returns where what is meant for a database waits.
func (t Target) spoolFolder() (string, error) {
	state, err := stateFolder()
	if err != nil {
		return "", err
	}
	name := "history"
	if !t.own {
		sum := sha256.Sum256([]byte(t.String()))
		name = hex.EncodeToString(sum[:8])
	}
	return filepath.Join(state, "spool", name), nil
}

// courier brings what is in the spools of a folder into a store.
type courier struct {
	dir  string
	open map[string]*carried
}

// carried is a spool on its way.
type carried struct {
	*unspool
	brought int64     // entries of the attempt
	renewed time.Time // in the store
}

func newCourier(dir string) *courier { return &courier{dir, make(map[string]*carried)} }

// bring adds to the store what has come since it was called last. It returns the attempts whose launchers live, as far as is known. A spool
// that cannot be had holds up no other; the error is a spoolError. When until is closed, it brings no more than one.
func (c *courier) bring(ctx context.Context, s Store, until <-chan struct{}) (living []string, err error) {
	runs, err := spools(c.dir)
	if err != nil {
		return nil, spoolError{err}
	}
	var left []error
	for _, run := range runs {
		lives, err := c.bringOne(ctx, s, run)
		if errors.As(err, new(spoolError)) {
			left = append(left, err)
			lives = true // who knows
		} else if err != nil {
			return living, err
		}
		if lives {
			living = append(living, run)
		}
		select {
		case <-until:
			return living, nil
		default:
		}
	}
	if len(left) > 0 {
		return living, spoolError{errors.Join(left...)}
	}
	return living, nil
}

// spoolError is about a spool, which is none of the store.
type spoolError struct{ error }

func (e spoolError) Unwrap() error { return e.error }

func (c *courier) bringOne(ctx context.Context, s Store, run string) (lives bool, err error) {
	u := c.open[run]
	if u == nil {
		file, err := openSpool(c.dir, run)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil // somebody else has brought it
		}
		if err != nil {
			return false, spoolError{err}
		}
		u = &carried{unspool: file}
		c.open[run] = u
	}
	offset, before := u.offset, u.folder
	defer func() {
		if err != nil {
			u.offset, u.folder = offset, before // to be brought once more
		}
	}()
	for more := true; more; {
		var entries []Entry
		if entries, more, err = u.next(); err != nil {
			return false, spoolError{err}
		}
		a := &u.folder.Attempt
		ended := !a.Running()
		lives = u.lives()
		if !lives && !more && !ended {
			a.State, a.Seen = Killed, exact(u.seen)
		}
		if now := time.Now(); lives && !ended && (len(entries) > 0 || now.Sub(u.renewed) >= renewEvery) {
			u.renewed, a.Seen = now, exact(u.seen)
		} else if a.Entries == u.brought && a.State != Killed {
			continue // nothing is new
		}
		if a.Run == "" || a.Run != run {
			continue // not even its beginning is written
		}
		if a.ExitStatus == usageStatus {
			err = s.Remove(ctx, []string{run})
		} else {
			err = s.Add(ctx, a, entries)
		}
		if err != nil {
			return false, err
		}
		u.brought = a.Entries
		offset, before = u.offset, u.folder
	}
	if lives = lives && (u.folder.Running() || u.folder.Run == ""); !lives {
		if err := os.Remove(u.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, spoolError{err}
		}
		u.close()
		delete(c.open, run)
	}
	return lives, nil
}

// usageStatus is the exit status of attempts that are not recorded, since there was a mistake in the command line and no job.
const usageStatus = 2

// limit removes the oldest spools, if too many wait.
func (c *courier) limit() {
	runs, _ := spools(c.dir)
	if len(runs) <= maxWaiting {
		return
	}
	type file struct {
		path    string
		changed time.Time
	}
	var files []file
	for _, run := range runs {
		path := filepath.Join(c.dir, run+spoolEnd)
		if st, err := os.Stat(path); err == nil {
			files = append(files, file{path, st.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return a.changed.Compare(b.changed) })
	for _, f := range files[:max(0, len(files)-maxWaiting)] {
		if open, err := os.Open(f.path); err == nil {
			if !locked(open) && time.Since(f.changed) >= silence {
				_ = os.Remove(f.path)
			}
			open.Close()
		}
	}
}

// forget makes it bring all once more, to a store that has nothing of it.
func (c *courier) forget() {
	c.close()
	clear(c.open)
}

func (c *courier) close() {
	for _, u := range c.open {
		u.close()
	}
}

// History is a store with what was still on the way to it.
type History struct {
	Store
	target  Target
	courier *courier
}

// Use opens the history and calls f with it. A damaged database is set aside, and f called with a new one. warn is told what was wrong and
// is no reason to stop.
func Use(ctx context.Context, t Target, warn func(string), f func(*History) error) error {
	for again := false; ; again = true {
		s, err := Open(ctx, t, warn)
		if err != nil {
			return err
		}
		h := &History{Store: s, target: t}
		dir, _ := t.spoolFolder() // without one, nothing waits
		h.courier = newCourier(dir)
		left, err := h.refresh(ctx)
		if left != nil {
			warn(fmt.Sprintf("not all that waits for the history can be brought: %s", strings.ReplaceAll(left.Error(), "\n", "; ")))
		}
		if err != nil && !isCorrupt(err) && ctx.Err() == nil {
			warn(err.Error()) // perhaps one may only read it
			err = nil
		}
		if err == nil {
			err = f(h)
		}
		h.courier.close()
		s.Close()
		if again || !isCorrupt(err) {
			return err
		}
		t.doubtful = true
	}
}

// Refresh brings what is new into the store, and looks who lives. Of spools that cannot be had Use has told.
func (h *History) Refresh(ctx context.Context) error {
	_, err := h.refresh(ctx)
	return err
}

func (h *History) refresh(ctx context.Context) (left, err error) {
	began := time.Now()
	living, err := h.courier.bring(ctx, h.Store, nil)
	if errors.As(err, new(spoolError)) {
		left = err
	} else if err != nil {
		return nil, h.target.about(err)
	}
	since := began
	if !h.target.own {
		since = began.Add(-silence)
	}
	if err := h.Bury(ctx, since, living); !isForbidden(err) {
		return left, h.target.about(err)
	}
	return left, nil // one may only read it
}
