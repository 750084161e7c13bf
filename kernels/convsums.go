package kernels

import (
	"math"
	"unsafe"
)

// correlator is the fast path of a correlation. It works on strips of some rows, in these steps:
//
//	load    the samples become numbers, also those beyond the picture's edge
//	sums    along the columns, then along the rows, term by term; or both at once, segment by segment
//	finish  the sums become samples
//
// T is the arithmetic. All strips are whole spans wide, so that what stands behind the picture's end is computed and dropped.
type correlator[T float32 | float64] struct {
	routines[T]
	in        Shape
	reach     int // of the kernel upwards and downwards
	segments  []segment[T]
	passes    []pass[T]
	gain      T
	delta     T
	edges     edges
	strip     int // samples of a row in one go
	numbers   plane[T]
	columns   plane[T] // sums along the columns
	sums      plane[T]
	lastBytes [span]byte
}

// span is how many numbers the routines work on at a time.
const span = 64

// routines are the loops over numbers.
type routines[T float32 | float64] struct {
	// load converts whole spans of bytes.
	load func(dst []T, src []byte)
	// one writes to whole spans of dst[i], or adds to them, the sum over the taps of weights[0]·src[offset+i].
	one func(dst, src []T, taps []weighted[T], add bool)
	// two does so for two rows: first has weights[0], second weights[1].
	two func(first, second, src []T, taps []weighted[T], add bool)
	// finish makes whole spans of sums samples.
	finish func(dst []byte, sums []T, gain, delta T)
}

// weighted is a tap: where its number stands, and its weights in two sums.
type weighted[T float32 | float64] struct {
	offset  int
	weights [2]T
}

// segment is some rows of the kernel.
type segment[T float32 | float64] struct {
	single []weighted[T] // the taps that are not 0, for one row of sums
	double []weighted[T] // those of two rows of sums, the second one being a row further down; nil if single taps are faster
}

// pass is a term.
type pass[T float32 | float64] struct {
	columns segment[T]
	row     []weighted[T]
}

// plane holds rows of numbers.
type plane[T float32 | float64] struct {
	numbers []T
	stride  int
}

// newPlane returns a plane of zeros. Rows begin at cache lines, and not all in the same sets of the cache.
func newPlane[T float32 | float64](rows, columns int) plane[T] {
	var number T
	size := int(unsafe.Sizeof(number))
	s := stride(columns*size) / size
	const line = 64
	all := make([]T, rows*s+line/size)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(all)))%line) / size
	return plane[T]{all[skip:], s}
}

func (p plane[T]) row(y int) []T { return p.numbers[y*p.stride : (y+1)*p.stride] }

const (
	batchRows    = 32
	stripNumbers = 16384   // at most: strips of whole rows are read from memory, and page by page, in order
	planeNumbers = 1 << 20 // about as many as a batch of strips may have
)

func newCorrelator[T float32 | float64](s scheme, in Shape, r routines[T]) *correlator[T] {
	k := &correlator[T]{routines: r, in: in, reach: s.rows / 2, gain: T(s.gain), delta: T(s.delta), edges: newEdges(in, s.columns/2)}
	rows := batchRows + 2*k.reach
	k.strip = spans(min(in.RowBytes(), stripNumbers, planeNumbers/rows))
	width := k.strip + spans(2*k.edges.pad)
	k.numbers = newPlane[T](rows, width)
	offsets := func(j int) int { return j * in.Channels }
	if s.terms == nil {
		k.sums = newPlane[T](2, k.strip)
		count := s.segmentRows()
		for first := 0; first < s.rows; first += count {
			rows := Rows{first, min(first+count, s.rows)}
			k.segments = append(k.segments, newSegment[T](rows, s.columns, s.kernel.At, func(i, j int) int { return i*k.numbers.stride + offsets(j) }))
		}
		return k
	}
	k.columns, k.sums = newPlane[T](batchRows, width), newPlane[T](batchRows, k.strip)
	for _, t := range s.terms {
		column := func(i, _ int) float64 { return t.column[i] }
		row := func(_, j int) float64 { return t.row[j] }
		k.passes = append(k.passes, pass[T]{
			newSegment[T](Rows{0, s.rows}, 1, column, func(i, _ int) int { return i * k.numbers.stride }),
			newSegment[T](Rows{0, 1}, s.columns, row, func(_, j int) int { return offsets(j) }).single,
		})
	}
	return k
}

func spans(n int) int { return (n + span - 1) / span * span }

// edges says what stands beyond the ends of a row.
type edges struct {
	pad    int   // samples beyond a strip that the kernel reads on each side
	beyond []int // samples of a row that stand for those in the pad before its start, then for those behind its end
}

// newEdges returns the edges for a kernel that reads so many pixels on each side.
func newEdges(in Shape, pixels int) edges {
	e := edges{pad: pixels * in.Channels}
	for _, first := range []int{-pixels, in.Width} {
		for x := range pixels {
			for c := range in.Channels {
				e.beyond = append(e.beyond, BorderReflect101.At(first+x, in.Width)*in.Channels+c)
			}
		}
	}
	return e
}

// split returns the samples that a strip of the row from lo to hi reads: so many before its start, the part of the row, and so
// many behind its end.
func (e *edges) split(row []byte, lo, hi int) (before []int, middle []byte, behind []int) {
	from, to := lo-e.pad, hi+e.pad
	if from < 0 {
		before, from = e.beyond[from+e.pad:e.pad], 0
	}
	if over := to - len(row); over > 0 {
		behind, to = e.beyond[e.pad:e.pad+over], len(row)
	}
	return before, row[from:to], behind
}

// copy writes the samples lo−pad to hi+pad of the row.
func (e *edges) copy(dst, row []byte, lo, hi int) {
	before, middle, behind := e.split(row, lo, hi)
	for i, from := range before {
		dst[i] = row[from]
	}
	dst = dst[len(before):]
	copy(dst, middle)
	dst = dst[len(middle):]
	for i, from := range behind {
		dst[i] = row[from]
	}
}

// newSegment returns the segment of the rows of a kernel with the given number of columns.
func newSegment[T float32 | float64](rows Rows, columns int, kernel func(i, j int) float64, offset func(i, j int) int) segment[T] {
	var s segment[T]
	at := func(i, j int) T {
		if i < rows.Lo || i >= rows.Hi {
			return 0
		}
		return T(kernel(i, j))
	}
	for i := rows.Lo; i <= rows.Hi; i++ {
		for j := range columns {
			w := weighted[T]{offset(i, j), [2]T{at(i, j), at(i-1, j)}}
			if w.weights[0] != 0 {
				s.single = append(s.single, w)
			}
			if w.weights != [2]T{} {
				s.double = append(s.double, w)
			}
		}
	}
	if costTwo*len(s.double) > 2*costOne*len(s.single) {
		s.double = nil
	}
	return s
}

// Apply implements Applier. Strips are the outer loop, so that their numbers stay in the cache.
func (k *correlator[T]) Apply(dst, src [][]byte, _ Rows) {
	n := k.in.RowBytes()
	for lo := 0; lo < n; lo += k.strip {
		hi := min(lo+k.strip, n)
		for y := 0; y < len(dst); y += batchRows {
			rows := min(batchRows, len(dst)-y)
			if k.passes != nil {
				k.inPasses(dst[y:y+rows], src[y:], lo, hi)
			} else {
				k.atOnce(dst[y:y+rows], src[y:], lo, hi)
			}
		}
	}
}

// atOnce computes the samples lo to hi of some rows, two rows at a time, and loads their numbers just before.
func (k *correlator[T]) atOnce(dst, src [][]byte, lo, hi int) {
	loaded, width := 0, spans(hi-lo)
	for y := 0; y < len(dst); y += 2 {
		two := dst[y:min(y+2, len(dst))]
		for ; loaded < y+len(two)+2*k.reach; loaded++ {
			k.loadRow(k.numbers.row(loaded), src[loaded], lo, hi)
		}
		for i := range k.segments {
			k.sumUp(k.sums, 0, &k.segments[i], y, len(two), 0, width, i > 0)
		}
		for i, out := range two {
			k.finishRow(out[lo:hi], k.sums.row(i))
		}
	}
}

// inPasses computes the samples lo to hi of some rows term by term.
func (k *correlator[T]) inPasses(dst, src [][]byte, lo, hi int) {
	for i, row := range src[:len(dst)+2*k.reach] {
		k.loadRow(k.numbers.row(i), row, lo, hi)
	}
	width := spans(hi - lo)
	for i := range k.passes {
		p := &k.passes[i]
		// A span of all rows fits the first-level cache.
		for x := 0; x < width+2*k.edges.pad; x += span {
			for y := 0; y < len(dst); y += 2 {
				k.sumUp(k.columns, y, &p.columns, y, min(2, len(dst)-y), x, x+span, false)
			}
		}
		for y := range dst {
			k.one(k.sums.row(y)[:width], k.columns.row(y), p.row, i > 0)
		}
	}
	for y, out := range dst {
		k.finishRow(out[lo:hi], k.sums.row(y))
	}
}

// sumUp sums up a segment of the numbers from row y on, for one or two rows from toRow on, and for whole spans from lo to hi.
func (k *correlator[T]) sumUp(to plane[T], toRow int, s *segment[T], y, rows, lo, hi int, add bool) {
	src := k.numbers.numbers[y*k.numbers.stride+lo:]
	first := to.row(toRow)[lo:hi]
	if rows == 2 && s.double != nil {
		k.two(first, to.row(toRow + 1)[lo:hi], src, s.double, add)
		return
	}
	k.one(first, src, s.single, add)
	if rows == 2 {
		k.one(to.row(toRow + 1)[lo:hi], src[k.numbers.stride:], s.single, add)
	}
}

// loadRow converts the row's samples lo−pad to hi+pad.
func (k *correlator[T]) loadRow(numbers []T, row []byte, lo, hi int) {
	before, middle, behind := k.edges.split(row, lo, hi)
	for i, from := range before {
		numbers[i] = T(row[from])
	}
	numbers = numbers[len(before):]
	whole := len(middle) / span * span
	k.load(numbers[:whole], middle[:whole])
	for i, v := range middle[whole:] {
		numbers[whole+i] = T(v)
	}
	numbers = numbers[len(middle):]
	for i, from := range behind {
		numbers[i] = T(row[from])
	}
}

// finishRow makes the sums the samples of out.
func (k *correlator[T]) finishRow(out []byte, sums []T) {
	whole := len(out) / span * span
	k.finish(out[:whole], sums[:whole], k.gain, k.delta)
	if whole < len(out) {
		k.finish(k.lastBytes[:], sums[whole:whole+span], k.gain, k.delta)
		copy(out[whole:], k.lastBytes[:])
	}
}

// routines32 returns the fastest routines of this processor.
func routines32() routines[float32] {
	switch {
	case path >= isaAVX512:
		return routines[float32]{loadOf(convLoadAVX512), oneOf(convOne32AVX512), twoOf(convTwo32AVX512), finishOf(convFinishAVX512)}
	case path >= isaAVX2:
		return routines[float32]{loadOf(convLoadAVX2), oneOf(convOne32AVX2), twoOf(convTwo32AVX2), finishOf(convFinishAVX2)}
	}
	return goRoutines32
}

// routines64 is routines32 for float64, which is for large kernels or large numbers: what is done once for a number need not be fast.
func routines64() routines[float64] {
	r := goRoutines64
	switch {
	case path >= isaAVX512:
		r.one, r.two = oneOf(convOne64AVX512), twoOf(convTwo64AVX512)
	case path >= isaAVX2:
		r.one, r.two = oneOf(convOne64AVX2), twoOf(convTwo64AVX2)
	}
	return r
}

// These make routines of assembly.

func loadOf(f func(dst *float32, src *byte, spans int)) func(dst []float32, src []byte) {
	return func(dst []float32, src []byte) { f(unsafe.SliceData(dst), unsafe.SliceData(src), len(src)/span) }
}

func finishOf(f func(dst *byte, sums *float32, spans int, gain, delta float32)) func(dst []byte, sums []float32, gain, delta float32) {
	return func(dst []byte, sums []float32, gain, delta float32) {
		f(unsafe.SliceData(dst), unsafe.SliceData(sums), len(dst)/span, gain, delta)
	}
}

func oneOf[T float32 | float64](f func(dst, src *T, taps *byte, count, spans, add int)) func(dst, src []T, taps []weighted[T], add bool) {
	return func(dst, src []T, taps []weighted[T], add bool) {
		first := (*byte)(unsafe.Pointer(unsafe.SliceData(taps)))
		f(unsafe.SliceData(dst), unsafe.SliceData(src), first, len(taps), len(dst)/span, oneIf(add))
	}
}

func twoOf[T float32 | float64](f func(a, b, src *T, taps *byte, count, spans, add int)) func(a, b, src []T, taps []weighted[T], add bool) {
	return func(a, b, src []T, taps []weighted[T], add bool) {
		first := (*byte)(unsafe.Pointer(unsafe.SliceData(taps)))
		f(unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(src), first, len(taps), len(a)/span, oneIf(add))
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// The routines in Go. The conversions of products keep compilers from fusing them with the sums.
var (
	goRoutines32 = routines[float32]{loadNumbers[float32], sumOne[float32], sumTwo[float32], finish32}
	goRoutines64 = routines[float64]{loadNumbers[float64], sumOne[float64], sumTwo[float64], finish64}
)

func loadNumbers[T float32 | float64](dst []T, src []byte) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = T(v)
	}
}

func sumOne[T float32 | float64](dst, src []T, taps []weighted[T], add bool) {
	for x := 0; x < len(dst); x += span {
		sumTaps((*[span]T)(dst[x:]), src[x:], taps, 0, add)
	}
}

func sumTwo[T float32 | float64](first, second, src []T, taps []weighted[T], add bool) {
	for x := 0; x < len(first); x += span {
		sumTaps((*[span]T)(first[x:]), src[x:], taps, 0, add)
		sumTaps((*[span]T)(second[x:]), src[x:], taps, 1, add)
	}
}

// sumTaps adds up four taps at a time, so that the sums go through memory less often.
func sumTaps[T float32 | float64](dst *[span]T, src []T, taps []weighted[T], which int, add bool) {
	var sums [span]T
	for len(taps) >= 4 {
		a, b, c, d := taps[0], taps[1], taps[2], taps[3]
		taps = taps[4:]
		wa, wb, wc, wd := a.weights[which&1], b.weights[which&1], c.weights[which&1], d.weights[which&1]
		va, vb, vc, vd := (*[span]T)(src[a.offset:]), (*[span]T)(src[b.offset:]), (*[span]T)(src[c.offset:]), (*[span]T)(src[d.offset:])
		for i := range sums {
			sums[i] = sums[i] + T(wa*va[i]) + T(wb*vb[i]) + T(wc*vc[i]) + T(wd*vd[i])
		}
	}
	for _, t := range taps {
		w, v := t.weights[which&1], (*[span]T)(src[t.offset:])
		for i := range sums {
			sums[i] += T(w * v[i])
		}
	}
	if add {
		for i := range sums {
			dst[i] += sums[i]
		}
		return
	}
	*dst = sums
}

// finish32 rounds by adding 2^23: numbers so large have no bits behind the point.
func finish32(dst []byte, sums []float32, gain, delta float32) {
	const whole = 1 << 23
	sums = sums[:len(dst)]
	for i, s := range sums {
		v := min(max(float32(s*gain)+delta, 0), white)
		dst[i] = byte(math.Float32bits(v + whole))
	}
}

func finish64(dst []byte, sums []float64, gain, delta float64) {
	const whole = 1 << 52
	sums = sums[:len(dst)]
	for i, s := range sums {
		v := min(max(float64(s*gain)+delta, 0), white)
		dst[i] = byte(math.Float64bits(v + whole))
	}
}
