package png

import "halorun/kernels/simd"

// mostCall is how many bytes an assembly routine is given at a time, which takes far less than a millisecond.
const mostCall = 64 << 10

// fast tells whether there is assembly for this processor. An error of what the environment asks for is reported where kernels run.
func fast() bool {
	path, _ := simd.Chosen()
	return path == simd.AVX2 || path == simd.AVX512
}

// pixelRoutine undoes a filter for n pixels; see the assembly.
type pixelRoutine func(row, above *byte, n int)

// pixelRoutines returns the routines for pixels of that many bytes, by filter, and how far they reach; nil where plain Go is as fast.
func pixelRoutines(size int) (routines [5]pixelRoutine, reach int) {
	switch size {
	case 2:
		return [5]pixelRoutine{1: unfilterSub2AVX2, 3: unfilterAverage2AVX2, 4: unfilterPaeth2AVX2}, 2
	case 3:
		return [5]pixelRoutine{1: unfilterSub3AVX2, 3: unfilterAverage3AVX2, 4: unfilterPaeth3AVX2}, 4
	case 4:
		return [5]pixelRoutine{1: unfilterSub4AVX2, 3: unfilterAverage4AVX2, 4: unfilterPaeth4AVX2}, 4
	case 6:
		return [5]pixelRoutine{1: unfilterSub6AVX2, 3: unfilterAverage6AVX2, 4: unfilterPaeth6AVX2}, 8
	case 8:
		return [5]pixelRoutine{1: unfilterSub8AVX2, 3: unfilterAverage8AVX2, 4: unfilterPaeth8AVX2}, 8
	}
	return routines, 0
}

// unfilterer undoes filters of rows whose pixels have a size.
type unfilterer struct {
	size     int
	fast     bool
	routines [5]pixelRoutine
	reach    int
}

func newUnfilterer(size int) *unfilterer {
	u := &unfilterer{size: size, fast: fast()}
	if u.fast {
		u.routines, u.reach = pixelRoutines(size)
	}
	return u
}

// The filters.
const (
	filterNone = iota
	filterSub
	filterUp
	filterAverage
	filterPaeth
	filters // their number
)

// undo undoes a filter in place, for whole pixels. Without a row above, that is zeros.
func (u *unfilterer) undo(filter byte, row, above []byte) {
	switch {
	case filter == filterNone:
	case above == nil:
		u.undoFirst(filter, row)
	case filter == filterUp:
		u.undoUp(row, above[:len(row)])
	default:
		u.undoPixels(filter, row, above[:len(row)])
	}
}

func (u *unfilterer) undoFirst(filter byte, row []byte) {
	switch filter {
	case filterSub, filterPaeth:
		u.undoPixels(filterSub, row, row) // which does not look above
	case filterAverage:
		for i := u.size; i < len(row); i++ {
			row[i] += row[i-u.size] / 2
		}
	}
}

func (u *unfilterer) undoUp(row, above []byte) {
	done := 0
	if u.fast {
		for len(row)-done >= 32 {
			n := min(len(row)-done, mostCall) &^ 31
			unfilterUpAVX2(&row[done], &above[done], n)
			done += n
		}
	}
	addRow(row[done:], above[done:])
}

func (u *unfilterer) undoPixels(filter byte, row, above []byte) {
	n := u.size
	switch filter { // the first pixel has none before it
	case filterAverage:
		for i := range n {
			row[i] += above[i] / 2
		}
	case filterPaeth:
		addRow(row[:n], above[:n])
	}
	at := n
	if f := u.routines[filter]; f != nil {
		// What follows the last pixel that a routine does is within the row.
		for len(row)-at >= u.size+u.reach {
			pixels := min((len(row)-at-u.reach)/u.size, mostCall/8)
			f(&row[at], &above[at], pixels)
			at += pixels * u.size
		}
	}
	switch filter {
	case filterSub:
		undoSub(row, at, u.size)
	case filterAverage:
		undoAverage(row, above, at, u.size)
	case filterPaeth:
		undoPaeth(row, above, at, u.size)
	}
}
