package kernels

// direct is the fast path of a Convolution that has no factors: each tap adds its samples to a strip of sums.
type direct struct {
	k     *Convolution
	taps  []tap
	reach int // of the kernel to the left and right, in pixels
	in    Shape
	small *small // nil if the kernel's sums are too large for it, else in place of
	sums  []int32
}

// tap is a weight and where its sample stands.
type tap struct {
	row    int // of src, from the first that the out row reads
	right  int // offset in pixels
	weight int
}

const stripSamples = 1024

func newDirect(k *Convolution, in Shape) *direct {
	r, c := k.kernel.Dims()
	d := &direct{k: k, reach: c / 2, in: in}
	for i := range r {
		for j := range c {
			if v := k.kernel.At(i, j); v != 0 {
				d.taps = append(d.taps, tap{i, j - c/2, int(v)})
			}
		}
	}
	if d.small = newSmall(k, d.taps); d.small == nil {
		d.sums = make([]int32, stripSamples)
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
		for lo := side; lo < n-side; lo += stripSamples {
			strip := out[lo:min(lo+stripSamples, n-side)]
			if d.small != nil {
				d.small.strip(strip, rows, lo, d.in.Channels)
			} else {
				d.strip(strip, rows, lo)
			}
		}
		d.edge(out, rows, max(side, n-side), n)
	}
}

// strip computes the out samples from lo on.
func (d *direct) strip(out []byte, rows [][]byte, lo int) {
	sums := d.sums[:len(out)]
	clear(sums)
	for _, t := range d.taps {
		first := lo + t.right*d.in.Channels
		weight := int32(t.weight)
		samples := rows[t.row][first : first+len(sums)]
		for i, v := range samples {
			sums[i] += weight * int32(v)
		}
	}
	for i, s := range sums {
		out[i] = d.k.finishInt(s)
	}
}

func (d *direct) edge(out []byte, rows [][]byte, lo, hi int) {
	for i := lo; i < hi; i++ {
		x, c := i/d.in.Channels, i%d.in.Channels
		sum := int32(0)
		for _, t := range d.taps {
			sum += int32(t.weight) * int32(rows[t.row][BorderReflect101.At(x+t.right, d.in.Width)*d.in.Channels+c])
		}
		out[i] = d.k.finishInt(sum)
	}
}

// finishInt is Convolution.finish in whole numbers.
func (k *Convolution) finishInt(sum int32) byte {
	if k.shift > 0 {
		sum = (sum + 1<<(k.shift-1)) >> k.shift
	}
	if k.abs {
		sum = max(sum, -sum)
	}
	return byte(min(max(sum, 0), 255))
}
