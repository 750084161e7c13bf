package png

// filterer filters rows of whole pixels, which have a size.
type filterer struct {
	size int
	fast bool
}

// choose returns the filter whose residues are the least, taken as signed, without their signs (the heuristic that the standard proposes
// in 12.8); of several the first. It leaves out the first pixel.
func (f *filterer) choose(row, above []byte) int {
	var sums [filters]uint64
	at := f.size
	if f.fast {
		for len(row)-at >= 32 {
			n := min(len(row)-at, mostCall) &^ 31
			filterSumsAVX2(&row[at], &above[at], f.size, n, &sums)
			at += n
		}
	}
	sumPart(&sums, row, above, at, f.size)
	best := 0
	for i, s := range sums {
		if s < sums[best] {
			best = i
		}
	}
	return best
}

// apply writes to dst, as long as row, what a filter makes of row. Without a row above, that is zeros.
func (f *filterer) apply(dst []byte, filter int, row, above []byte) {
	n := f.size
	filterPart(dst, filter, row[:n], above, 0, f.size)
	if f.fast && above != nil {
		for len(row)-n >= 32 {
			part := min(len(row)-n, mostCall) &^ 31
			d, r, a := &dst[n], &row[n], &above[n]
			switch filter {
			case filterNone:
				copy(dst[n:n+part], row[n:])
			case filterSub:
				filterSubAVX2(d, r, a, f.size, part)
			case filterUp:
				filterUpAVX2(d, r, a, f.size, part)
			case filterAverage:
				filterAverageAVX2(d, r, a, f.size, part)
			case filterPaeth:
				filterPaethAVX2(d, r, a, f.size, part)
			}
			n += part
		}
	}
	filterPart(dst, filter, row, above, n, f.size)
}
