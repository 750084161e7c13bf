package kernels

import "unsafe"

// The memory of sorted columns, as the assembly has it.
const (
	rankStride  = 2112
	medianSpill = 1024
	medianStrip = 768 // samples of a row in one go
	medianLeast = 32  // samples that the assembly needs
)

// medianNetwork is the fast path of small medians, by sorting networks on whole registers of samples: it sorts the columns of
// all squares in a row of them, and then merges each square's.
type medianNetwork struct {
	size  int
	in    Shape
	sort  func(dst *byte, rows **byte, n int)
	merge func(dst, columns *byte, channels, n int)
	whole func(dst *byte, rows **byte, channels, n int) // does both in one go, away from the picture's edge; or nil
	ranks []byte
	rows  []*byte
}

// hasMedianNetwork tells whether there is a network for the size by the instructions of the isa.
func hasMedianNetwork(size int, by isa) bool { return size <= 7 && by >= isaAVX2 }

// newMedianNetwork returns nil if there is no network for the size or the picture by the instructions of the isa.
func newMedianNetwork(size int, in Shape, by isa) *medianNetwork {
	if !hasMedianNetwork(size, by) || in.RowBytes() < medianLeast {
		return nil
	}
	m := &medianNetwork{size: size, in: in}
	switch {
	case by >= isaAVX512 && size == 3:
		m.sort, m.merge, m.whole = sort3RowsAVX512, median3AVX512, medianOf3RowsAVX512
	case by >= isaAVX512 && size == 5:
		m.sort, m.merge = sort5RowsAVX512, median5AVX512
	case by >= isaAVX512 && size == 7:
		m.sort, m.merge = sort7RowsAVX512, median7AVX512
	case by >= isaAVX2 && size == 3:
		m.sort, m.merge, m.whole = sort3RowsAVX2, median3AVX2, medianOf3RowsAVX2
	case by >= isaAVX2 && size == 5:
		m.sort, m.merge = sort5RowsAVX2, median5AVX2
	case by >= isaAVX2 && size == 7:
		m.sort, m.merge = sort7RowsAVX2, median7AVX2
	}
	m.ranks, m.rows = make([]byte, size*rankStride+medianSpill), make([]*byte, size)
	return m
}

// Apply implements Applier.
func (m *medianNetwork) Apply(dst, src [][]byte, _ Rows) {
	n := m.in.RowBytes()
	inner := m.whole != nil && n >= 3*medianLeast
	for y, out := range dst {
		if inner {
			rows := src[y : y+m.size]
			m.strip(out[:medianLeast], rows, 0, medianLeast)
			m.strip(out[n-medianLeast:], rows, n-medianLeast, n)
			if y%2 == 0 {
				m.inner(dst[y:min(y+2, len(dst))], src[y:])
			}
			continue
		}
		for lo := 0; lo < n; {
			hi := min(lo+medianStrip, n)
			if n-hi < medianLeast {
				hi = n
			}
			m.strip(out[lo:hi], src[y:y+m.size], lo, hi)
			lo = hi
		}
	}
}

// inner finds the medians of the samples whose squares lie within the picture's width, of a row or two. These share source rows.
func (m *medianNetwork) inner(dst, src [][]byte) {
	pad := m.size / 2 * m.in.Channels
	end := m.in.RowBytes() - pad
	for lo := pad; lo < end; {
		hi := min(lo+medianStrip, end)
		if end-hi < medianLeast {
			hi = end
		}
		for y, out := range dst {
			for i, row := range src[y : y+m.size] {
				m.rows[i] = at(row, lo-pad, hi-lo+2*pad)
			}
			m.whole(&out[lo], unsafe.SliceData(m.rows), m.in.Channels, hi-lo)
		}
		lo = hi
	}
}

// strip finds the medians of the samples lo to hi.
func (m *medianNetwork) strip(out []byte, rows [][]byte, lo, hi int) {
	c := m.in.Channels
	pad := m.size / 2 * c
	from, to := max(0, lo-pad), min(m.in.RowBytes(), hi+pad)
	for i, row := range rows {
		m.rows[i] = at(row, from, to-from)
	}
	start := pad - (lo - from)
	m.sort(&m.ranks[start], unsafe.SliceData(m.rows), to-from)
	// Beyond the picture's edge stands its edge column.
	for rank := range m.size {
		columns := m.ranks[rank*rankStride:]
		for i := start - 1; i >= 0; i-- {
			columns[i] = columns[i+c]
		}
		for i := start + to - from; i < hi-lo+2*pad; i++ {
			columns[i] = columns[i-c]
		}
	}
	m.merge(&out[0], &m.ranks[0], c, len(out))
}
