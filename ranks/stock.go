package ranks

import (
	"sync"

	"halorun/kernels"
)

// stock is what a rank has of the stages' results. Its lanes add to it.
type stock struct {
	mu        sync.Mutex
	decisions []*settling               // by stage
	kept      map[kernels.Rows][][]byte // tiles of the last stage that the sink has not taken yet
	written   rowSet                    // rows of OUTPUT that this rank has written, or, as the sink, taken
	partly    rowSet                    // those of which the head writes some bytes
	shared    rowSet                    // and, on the head, those whose bytes it has written
	computed  map[int]rowSet            // by stage
	complete  bool                      // this rank was the sink, which takes rows in order, and has finished it
}

// settling is a stage's decision, with the rows that are in it.
type settling struct {
	kernels.Decision
	have rowSet
}

func newSettling(st kernels.Stage, rows rowSet, room kernels.Room) (*settling, error) {
	d, err := st.Global().Decide(st.Out, rows, room)
	return &settling{Decision: d}, err
}

// bytes returns how much memory it takes; it may be nil.
func (s *settling) bytes() int64 {
	if s == nil {
		return 0
	}
	return s.Bytes()
}

// close gives a scratch file back; s may be nil.
func (s *settling) close() {
	if s != nil {
		s.Close()
	}
}

func newStock() stock {
	return stock{kept: make(map[kernels.Rows][][]byte), computed: make(map[int]rowSet)}
}

func (s *stock) add(set *rowSet, r kernels.Rows) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*set = set.with(r)
}

// keep holds tiles till the next epoch.
func (s *stock) keep(tiles []kept) {
	for _, k := range tiles {
		if k.rows != nil {
			s.kept[k.tile] = k.rows[:k.tile.Len()]
		}
	}
}

// done notes that this rank has computed a tile.
func (s *stock) done(stage int, tile kernels.Rows) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.computed[stage] = s.computed[stage].with(tile)
}
