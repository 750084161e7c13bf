package main

import (
	"strings"

	"halorun/launcher"
	"halorun/ranks/folder"
)

// losses is what the journal and the launcher tell of ranks that were lost over pictures.
type losses struct {
	how     map[uint32]string // by member
	alone   map[int][]uint32  // by number: who has a suspect picture
	excused map[uint32]bool   // who has ended over a picture that was suspect before
	row     int               // how many pictures are suspect for the second time since the last that was done
}

// maxRow is how many pictures may end their ranks, one after the other, before it seems that not they are to blame.
const maxRow = 16

func newLosses() losses {
	return losses{how: make(map[uint32]string), alone: make(map[int][]uint32), excused: make(map[uint32]bool)}
}

// take takes note of a record of the journal.
func (l *losses) take(r *folder.Record) {
	switch {
	case r.Alone:
		for _, n := range r.Dealt {
			l.alone[n] = r.Members
		}
		return
	case r.Deaths > 1:
		l.row++
		for _, m := range r.Members {
			l.excused[m] = true
		}
	case r.State == folder.Done:
		l.row = 0
	}
	delete(l.alone, r.N)
}

// excuse tells whether the loss of a member is not its own fault, nor the machine's.
func (l *losses) excuse(member uint32) bool {
	if l.row >= maxRow {
		return false
	}
	if l.excused[member] {
		return true
	}
	for _, members := range l.alone {
		for _, m := range members {
			if m == member {
				return true
			}
		}
	}
	return false
}

// explain adds to the reason of a picture that has ended its rank how that was.
func (l *losses) explain(r *folder.Record) {
	if r.Kind != folder.RankLost || len(r.Members) == 0 {
		return
	}
	if how := l.how[r.Members[len(r.Members)-1]]; how != "" {
		r.Reason += "; the last time " + how
	}
}

// Excused tells the launcher whether a loss does not count.
func (t *tally) Excused(member uint32) bool {
	_ = t.follow() // it is said in the end
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.losses.excuse(member)
}

// event takes note of how a rank was lost.
func (t *tally) event(e launcher.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.losses.how[e.Member] == "" {
		t.losses.how[e.Member] = strings.TrimSpace(e.What)
	}
}
