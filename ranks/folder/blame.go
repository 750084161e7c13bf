package folder

import (
	"fmt"
	"slices"
)

// A rank may end because of what it is at: a picture takes more memory than the machine has, or breaks what reads it. Which one it was nobody
// can say. So those that were dealt to it are suspect, and each is done alone: its rank has nothing else meanwhile. If that rank ends as
// well, the picture is to blame, and fails. All this stands in the journal, for the head may be the rank that ends.

// suspicion is what speaks against a picture that is not finished.
type suspicion struct {
	deaths int      // how often a rank has ended that was at it
	lost   []uint32 // the members that have
	large  bool     // all ranks were at it
}

// deal is who a picture was given to.
type deal struct {
	members []uint32
	large   bool
}

// replay takes note of what an earlier head of this attempt has recorded.
func (h *head) replay(r *Record) {
	switch {
	case r.Epoch > 0:
		clear(h.dealt)
	case len(r.Dealt) > 0:
		for _, n := range r.Dealt {
			h.dealt[n] = deal{r.Members, r.Large}
		}
	case r.State == large:
		delete(h.dealt, r.N)
	case r.State == suspect:
		h.suspects[r.N] = &suspicion{r.Deaths, r.Members, r.Large}
		delete(h.dealt, r.N)
	}
}

// recordDeal records that pictures go to members. The lock is held.
func (h *head) recordDeal(d deal, alone bool, entries ...*Entry) {
	r := &Record{Members: d.members, Large: d.large, Alone: alone}
	for _, e := range entries {
		h.dealt[e.N] = d
		r.Dealt = append(r.Dealt, e.N)
	}
	h.append(r)
}

// suspectAll finds out which pictures members were at that are no more. The lock is held.
func (h *head) suspectAll() {
	for n, d := range h.dealt {
		gone := slices.DeleteFunc(slices.Clone(d.members), func(m uint32) bool { return slices.Contains(h.members, m) })
		if len(gone) == 0 || h.finished.has(n) {
			continue
		}
		s := h.suspects[n]
		if s == nil {
			s = new(suspicion)
			h.suspects[n] = s
		}
		s.deaths++
		s.lost, s.large = append(s.lost, gone...), d.large
		h.append(&Record{State: suspect, N: n, Deaths: s.deaths, Members: s.lost, Large: s.large})
	}
	clear(h.dealt)
	h.append(&Record{Epoch: h.world.Epoch()})
}

// guilty tells whether a picture is to fail after so many deaths, if it is 0 after none. One that all ranks are at gets another chance, since
// tiles are half as high when it has taken too much memory.
func (s *suspicion) guilty(patience int) bool {
	if s.large {
		patience++
	}
	return patience > 1 && s.deaths >= patience
}

// blame returns the record of a picture whose ranks have ended once too often.
func (s *suspicion) blame(e *Entry) *Record {
	return &Record{
		N: e.N, In: e.In, Page: e.Page, Out: e.Out, Size: e.Size, ModTime: e.ModTime, State: Failed, Kind: RankLost, Members: s.lost,
		Reason: fmt.Sprintf("its rank was lost %d times while it was at this picture", s.deaths),
	}
}

// sort puts a picture that is to be dealt where it belongs: among the others, or among the suspect, or it fails. The lock is held.
func (h *head) sort(e *Entry) error {
	switch s := h.suspects[e.N]; {
	case s == nil:
		h.waiting = append(h.waiting, e)
	case s.guilty(h.job.Patience):
		return h.conclude(s.blame(e))
	default:
		h.accused = append(h.accused, e)
	}
	return nil
}
