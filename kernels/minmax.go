package kernels

import "unsafe"

// extremeRows takes the least, or the greatest, of the rows for each of n bytes. Rows may overlap each other; dst may be the
// first of them, and overlaps no other.
func extremeRows(dst *byte, rows []*byte, n int, greatest bool) {
	const block = 32
	switch {
	case path >= isaAVX512 && greatest:
		maxRowsAVX512(dst, unsafe.SliceData(rows), len(rows), n)
	case path >= isaAVX512:
		minRowsAVX512(dst, unsafe.SliceData(rows), len(rows), n)
	case path >= isaAVX2 && n >= block && greatest:
		maxRowsAVX2(dst, unsafe.SliceData(rows), len(rows), n)
	case path >= isaAVX2 && n >= block:
		minRowsAVX2(dst, unsafe.SliceData(rows), len(rows), n)
	default:
		extremeRowsWords(dst, rows, n, greatest)
	}
}

// extremeRowsWords is extremeRows in Go.
func extremeRowsWords(dst *byte, rows []*byte, n int, greatest bool) {
	if dst != rows[0] {
		copy(unsafe.Slice(dst, n), unsafe.Slice(rows[0], n))
	}
	var flip uint64 // the greatest is the complement of the complements' least
	if greatest {
		flip = ^flip
	}
	for _, row := range rows[1:] {
		leastWords(dst, row, n/wordsz, flip)
		for i := n / wordsz * wordsz; i < n; i++ {
			d, v := (*byte)(unsafe.Add(unsafe.Pointer(dst), i)), *(*byte)(unsafe.Add(unsafe.Pointer(row), i))
			if (v < *d) != greatest {
				*d = v
			}
		}
	}
}

//go:noinline
func leastWords(dst, row *byte, words int, flip uint64) {
	const high = 0x8080808080808080
	for i := range words {
		a, b := load(dst, i*wordsz)^flip, load(row, i*wordsz)^flip
		// The high bit of each byte of low says whether a's other bits are at least b's; then that of notLess is a ≥ b.
		low := (a | high) - b&^high
		notLess := (a&^b | ^(a^b)&low) & high
		mask := notLess<<1 - notLess>>7
		store(dst, i*wordsz, a^(a^b)&mask^flip)
	}
}

// extremes finds the least or greatest samples of each channel in rectangular windows, of those that are in the picture. Along
// columns this is the algorithm of van Herk (1992) and of Gil and Werman (1993) on whole rows. Along rows, windows grow several
// times as wide with each pass, until they overlap to the width that is wanted.
type extremes struct {
	rectangle
	greatest bool
	in       Shape
	reach    int     // of the window to the left and right, in samples; no more than there are in the picture
	passes   [][]int // along a row: how far apart the windows stand that make a larger one, in samples
	lines    [][]byte
	prefixes [2][]byte
	rows     []*byte
	squares  func(dst *byte, rows **byte, channels, n int) // takes the samples in one go, away from the picture's edge; or nil
}

const (
	extremeBlock = 32   // rows in one go
	extremeStrip = 3072 // samples of a row in one go
	squaresLeast = 32   // samples that squares needs
	fewRows      = 7    // up to this many, every window's rows are taken one by one
)

// newExtremes returns what finds extremes for up to samples samples of a row in one go.
func newExtremes(r rectangle, greatest bool, in Shape, samples int) *extremes {
	pixels := min(r.width/2, in.Width-1)
	e := &extremes{rectangle: r, greatest: greatest, in: in, reach: pixels * in.Channels, passes: windowPasses(2*pixels+1, in.Channels)}
	padded := min(samples, in.RowBytes()) + 2*e.reach
	lines := extremeBlock
	if r.height <= fewRows {
		lines = 1
	}
	for range lines {
		e.lines = append(e.lines, make([]byte, padded))
	}
	e.prefixes = [2][]byte{make([]byte, padded), make([]byte, padded)}
	e.rows = make([]*byte, max(r.height, fewRows))
	if r.width == r.height && pixels == r.width/2 {
		e.squares = squaresOf(r.width, greatest)
	}
	return e
}

// squaresOf returns the routine for squares of a size, or nil.
func squaresOf(size int, greatest bool) func(dst *byte, rows **byte, channels, n int) {
	type square struct {
		size     int
		greatest bool
	}
	switch {
	case path >= isaAVX512:
		return map[square]func(dst *byte, rows **byte, channels, n int){
			{3, false}: minOf3RowsAVX512, {5, false}: minOf5RowsAVX512, {7, false}: minOf7RowsAVX512,
			{3, true}: maxOf3RowsAVX512, {5, true}: maxOf5RowsAVX512, {7, true}: maxOf7RowsAVX512,
		}[square{size, greatest}]
	case path >= isaAVX2 && size == 3 && greatest:
		return maxOf3RowsAVX2
	case path >= isaAVX2 && size == 3:
		return minOf3RowsAVX2
	}
	return nil
}

// windowPasses returns the passes that make windows of size pixels from single ones.
func windowPasses(size, channels int) (passes [][]int) {
	const direct, parts = 6, 4
	for covered := 1; covered < size; {
		count := parts
		if size <= direct {
			count = size
		}
		next := min(size, covered*count)
		var pass []int
		for at := 0; at < next-covered; at += covered {
			pass = append(pass, at*channels)
		}
		passes = append(passes, append(pass, (next-covered)*channels))
		covered = next
	}
	return passes
}

// apply finds the extremes of the samples lo to hi of consecutive rows. Sample x stands at x−dstFirst of a row of dst, and at
// x−srcFirst of one of src. src begins height/2 rows above dst and ends as many below.
func (e *extremes) apply(dst [][]byte, dstFirst int, src [][]byte, srcFirst, lo, hi int) {
	from, to := max(lo, e.reach), min(hi, e.in.RowBytes()-e.reach)
	if e.squares == nil || to-from < squaresLeast {
		e.inTwoPasses(dst, dstFirst, src, srcFirst, lo, hi)
		return
	}
	for y, out := range dst {
		first := from - e.reach - srcFirst
		for i, row := range src[y : y+e.height] {
			e.rows[i] = at(row, first, to-from+2*e.reach)
		}
		e.squares(at(out, from-dstFirst, to-from), unsafe.SliceData(e.rows), e.in.Channels, to-from)
	}
	e.inTwoPasses(dst, dstFirst, src, srcFirst, lo, from)
	e.inTwoPasses(dst, dstFirst, src, srcFirst, to, hi)
}

// inTwoPasses is apply, first along columns and then along rows.
func (e *extremes) inTwoPasses(dst [][]byte, dstFirst int, src [][]byte, srcFirst, lo, hi int) {
	if lo >= hi {
		return
	}
	from, to := max(0, lo-e.reach), min(e.in.RowBytes(), hi+e.reach)
	first, n := from-srcFirst, to-from
	start := e.reach - (lo - from) // of the samples in a line
	if e.height <= fewRows {
		for y, out := range dst {
			line := e.lines[0]
			e.extreme(line[start:start+n], src[y:y+e.height], first)
			e.along(out[lo-dstFirst:hi-dstFirst], line, start, n)
		}
		return
	}
	block := min(extremeBlock, e.height)
	for y := 0; y < len(dst); y += block {
		count := min(block, len(dst)-y)
		e.down(src[y:y+count+e.height-1], first, start, n)
		for i, out := range dst[y : y+count] {
			e.along(out[lo-dstFirst:hi-dstFirst], e.lines[i], start, n)
		}
	}
}

// extreme takes the extremes of the rows, from their sample first on.
func (e *extremes) extreme(dst []byte, rows [][]byte, first int) {
	pointers := e.rows[:len(rows)]
	for i, row := range rows {
		pointers[i] = at(row, first, len(dst))
	}
	extremeRows(unsafe.SliceData(dst), pointers, len(dst), e.greatest)
}

// down makes the lines of extremes along columns, for as many windows of src as there are. All of them share rows in the
// middle. What lies above these is taken from the middle upwards, what lies below downwards.
func (e *extremes) down(src [][]byte, first, start, n int) {
	count := len(src) - e.height + 1
	line := func(i int) []byte { return e.lines[i][start : start+n] }
	e.extreme(line(count-1), src[count-1:e.height], first)
	two := e.rows[:2]
	for i := count - 2; i >= 0; i-- {
		two[0], two[1] = at(src[i], first, n), unsafe.SliceData(line(i+1))
		extremeRows(unsafe.SliceData(line(i)), two, n, e.greatest)
	}
	var below *byte
	for i := 1; i < count; i++ {
		row := at(src[e.height+i-1], first, n)
		if i == 1 {
			below = row
		} else {
			two[0], two[1] = below, row
			below = at(e.prefixes[i%2], 0, n)
			extremeRows(below, two, n, e.greatest)
		}
		two[0], two[1] = unsafe.SliceData(line(i)), below
		extremeRows(unsafe.SliceData(line(i)), two, n, e.greatest)
	}
}

// along finds the extremes along a line, whose n samples begin at start: those of the picture's edge stand for what is beyond.
func (e *extremes) along(dst, line []byte, start, n int) {
	c := e.in.Channels
	for i := start - 1; i >= 0; i-- {
		line[i] = line[i+c]
	}
	whole := len(dst) + 2*e.reach
	for i := start + n; i < whole; i++ {
		line[i] = line[i-c]
	}
	from := unsafe.SliceData(line)
	if len(e.passes) == 0 {
		copy(dst, line[:whole])
	}
	for i, pass := range e.passes {
		whole -= pass[len(pass)-1]
		to := unsafe.SliceData(dst)
		if i < len(e.passes)-1 {
			to = unsafe.SliceData(e.prefixes[i%2])
		}
		pointers := e.rows[:len(pass)]
		for j, d := range pass {
			pointers[j] = (*byte)(unsafe.Add(unsafe.Pointer(from), d))
		}
		extremeRows(to, pointers, whole, e.greatest)
		from = to
	}
}
