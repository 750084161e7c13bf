package jpeg

// smoothed is how many coefficients, in the file's order, are guessed where a progressive file has not told them wholly.
const smoothed = 10

// coefRow is a row of blocks.
type coefRow = []int16

// guess says how a coefficient is guessed from the DC coefficients of 5 × 5 blocks: the sum of products with weights, times the
// quotient of the quantisation steps of DC and it, over 256 (libjpeg-turbo 2.1's jdcoefct.c, after T.81, K.8). The weights are those of
// blocks to the left or above; what is odd in a direction has the opposite ones on the other side.
type guess [25]int32

// The guesses of coefficients 1 to 9, and 0, where no AC coefficient is known.
var wideGuesses = [smoothed]guess{
	0: {-2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2},
	1: {-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1},
	2: {-1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1},
	3: {0, 0, 1, 0, 0, 0, 2, 7, 2, 0, 0, -5, -14, -5, 0, 0, 2, 7, 2, 0, 0, 0, 1, 0, 0},
	4: {-1, 0, 0, 0, 1, 0, 9, 0, -9, 0, 0, 0, 0, 0, 0, 0, -9, 0, 9, 0, 1, 0, 0, 0, -1},
	5: {0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0},
	6: {0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 2, 0, -2, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0},
	7: {0, 0, 0, 0, 0, 0, 1, -3, 1, 0, 0, 0, 0, 0, 0, 0, -1, 3, -1, 0, 0, 0, 0, 0, 0},
	8: {0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, -3, 0, 3, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0},
	9: {0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, -1, -2, -1, 0, 0, 0, 0, 0, 0},
}

// The guesses of coefficients 1 to 5 where something is known.
var narrowGuesses = [smoothed]guess{
	1: {10: -7, 50, 0, -50, 7},
	2: {2: -7, 7: 50, 17: -50, 22: 7},
	3: {2: -1, 7: 13, 12: -24, 17: 13, 22: -1},
	4: {1: -1, 3: 1, 5: -1, 10, 0, -10, 1, 15: 1, -10, 0, 10, -1, 21: 1, 23: -1},
	5: {10: -1, 13, -24, 13, -1},
}

// row returns a row of blocks of a component, the y-th of a row of MCUs, with what is guessed.
func (b *buffered) row(comp, band, y int) (coefRow, error) {
	l, coefs := &b.comps[comp], b.coefs[comp]
	at := band*l.v + y
	here, err := coefs.get(at)
	if !b.smooth || err != nil {
		return here, err
	}
	// The rows around it, as libjpeg takes them: those of the two first rows of MCUs see one row up only, and it looks two rows down
	// within the last but one row of MCUs only if this is the row's own.
	last := b.m.frame.mcusY - 1
	down := l.v
	if band == last {
		if down = l.down % l.v; down == 0 {
			down = l.v
		}
	}
	places := [5]int{at, at, at, at, at}
	if at > 0 {
		places[1] = at - 1
	}
	if places[0] = places[1]; y > 1 || band > 1 {
		places[0] = at - 2
	}
	if y < down-1 || band < last {
		places[3] = at + 1
	}
	if places[4] = places[3]; y < down-2 || band+1 < last {
		places[4] = at + 2
	}
	var rows [5]coefRow
	for i, place := range places {
		if rows[i], err = coefs.get(place); err != nil {
			return nil, err
		}
	}
	if b.guessed = append(b.guessed[:0], here...); l.across > 0 {
		b.guess(l, &b.known[comp], rows)
	}
	return b.guessed, nil
}

// guess fills in what is zero and not known for sure.
func (b *buffered) guess(l *plane, known *[64]int8, rows [5]coefRow) {
	guesses, count, first := &wideGuesses, smoothed, 0
	for _, bits := range known[1:smoothed] {
		if bits != -1 {
			guesses, count, first = &narrowGuesses, 6, 1
		}
	}
	var dc [25]int32
	for x := range l.across {
		for i, row := range rows {
			for j := range 5 {
				// To the left of the picture its first blocks go on, to the right its last ones; but the first of two.
				from := max(x+j-2, 0)
				if from >= l.across {
					if from = l.across - 1; l.across == 2 {
						from = 0
					}
				}
				dc[5*i+j] = int32(row[64*from])
			}
		}
		block := (*[64]int16)(b.guessed[64*x:])
		for k := first; k < count; k++ {
			at := order[k] & 63
			bits := known[k]
			if k > 0 && (bits == 0 || block[at] != 0) {
				continue
			}
			sum := int32(0)
			for i, weight := range guesses[k] {
				sum += weight * dc[i]
			}
			value := scaled(int64(sum)*int64(uint16(l.quant[0])), int64(uint16(l.quant[at])))
			if k > 0 && bits > 0 {
				most := int64(1)<<bits - 1
				value = min(max(value, -most), most)
			}
			block[at] = int16(value)
		}
	}
}

// scaled divides by 256 times a step, and rounds half away from zero.
func scaled(n, step int64) int64 {
	if n < 0 {
		return -((step<<7 - n) / (step << 8))
	}
	return (step<<7 + n) / (step << 8)
}
