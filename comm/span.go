package comm

// span walks over a list of buffers as over one run of bytes. Buffers that lie
// one after the other in memory, like rows of a plane without gaps, are taken
// together.
type span struct {
	bufs   [][]byte
	i, off int // the next byte is bufs[i][off]
}

func total(bufs [][]byte) uint64 {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	return uint64(n)
}

// next returns the longest run of at most most bytes and moves past it; nil at
// the end.
func (s *span) next(most int) []byte {
	var run []byte
	for s.i < len(s.bufs) && len(run) < most {
		b := s.bufs[s.i][s.off:]
		b = b[:min(len(b), most-len(run))]
		switch {
		case len(b) == 0:
		case run == nil:
			run = b
		case follows(run, b):
			run = run[:len(run)+len(b)]
		default:
			return run
		}
		if s.off += len(b); s.off == len(s.bufs[s.i]) {
			s.i, s.off = s.i+1, 0
		}
	}
	return run
}

// follows reports whether b begins where a ends, within what a may grow into.
func follows(a, b []byte) bool {
	n := len(a)
	return cap(a)-n >= len(b) && &a[:n+1][n] == &b[0]
}

// take appends the runs that make up the next n bytes to runs.
func (s *span) take(n int, runs [][]byte) [][]byte {
	for n > 0 {
		run := s.next(n)
		if run == nil {
			break
		}
		runs = append(runs, run)
		n -= len(run)
	}
	return runs
}
