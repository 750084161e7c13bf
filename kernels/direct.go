package kernels

// direct is the fast path of a Convolution that has no factors: one pass over a strip of samples for each tap.
type direct struct {
	k     *Convolution
	taps  []tap
	reach int // of the kernel to the left and right, in pixels
	in    Shape
	sums  [1024]int32
}

type tap struct {
	row    int // of src, from the first that the out row reads
	right  int // offset in pixels
	weight int32
}

func newDirect(k *Convolution, in Shape) *direct {
	r, c := k.kernel.Dims()
	d := &direct{k: k, reach: c / 2, in: in}
	for i := range r {
		for j := range c {
			if v := k.kernel.At(i, j); v != 0 {
				d.taps = append(d.taps, tap{i, j - c/2, int32(v)})
			}
		}
	}
	return d
}

// Apply implements Applier.
func (d *direct) Apply(dst, src [][]byte, _ Rows) {
	n := d.in.RowBytes()
	side := min(d.reach*d.in.Channels, n)
	for y, out := range dst {
		rows := src[y:]
		// Near the left and right edge every tap asks the border rule.
		d.edge(out, rows, 0, side)
		for lo := side; lo < n-side; lo += len(d.sums) {
			d.strip(out, rows, lo, min(lo+len(d.sums), n-side))
		}
		d.edge(out, rows, max(side, n-side), n)
	}
}

func (d *direct) strip(out []byte, rows [][]byte, lo, hi int) {
	sums := d.sums[:hi-lo]
	clear(sums)
	for _, t := range d.taps {
		at := lo + t.right*d.in.Channels
		samples := rows[t.row][at : at+len(sums)]
		switch t.weight {
		case 1:
			for i, v := range samples {
				sums[i] += int32(v)
			}
		case -1:
			for i, v := range samples {
				sums[i] -= int32(v)
			}
		default:
			for i, v := range samples {
				sums[i] += t.weight * int32(v)
			}
		}
	}
	out = out[lo:hi]
	for i, s := range sums {
		out[i] = d.finish(s)
	}
}

func (d *direct) edge(out []byte, rows [][]byte, lo, hi int) {
	for i := lo; i < hi; i++ {
		x, c := i/d.in.Channels, i%d.in.Channels
		sum := int32(0)
		for _, t := range d.taps {
			sum += t.weight * int32(rows[t.row][BorderReflect101.At(x+t.right, d.in.Width)*d.in.Channels+c])
		}
		out[i] = d.finish(sum)
	}
}

func (d *direct) finish(s int32) byte {
	if d.k.shift > 0 {
		s = (s + 1<<(d.k.shift-1)) >> d.k.shift
	}
	if d.k.abs {
		s = max(s, -s)
	}
	return byte(min(max(s, 0), 255))
}
