package kernels

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// direct is the fast path of a filter by a kernel of whole numbers that is used as it is: all taps add up their samples, for a strip of a
// row at a time, in 16-bit lanes if they fit, else in 32 bits.
type direct struct {
	finish
	in    Shape
	taps  []tap
	small *small // nil if the kernel's sums are too large for it, else in place of
	sums  []int32
	// At the ends of rows, where the border rule says what is beyond, this is done on copies. So it is everywhere if a row is hardly more
	// than its ends, or if the kernel has many rows: those of a picture may fall into the same few sets of the cache.
	reach  int // of the kernel upwards and downwards
	edges  edges
	end    int      // samples of an end, some more than have to be
	strip  int      // samples that are done on copies in one go, at most
	copies [][]byte // of batchRows rows, and those around them that the kernel reads
	result []byte   // of both ends, and of what is between their copies
}

// tap is a weight and where its sample stands.
type tap struct {
	row    int // of src, from the first that the out row reads
	right  int // offset in pixels
	weight int
}

// finish says what becomes of a sum: saturate((sum + delta + 2^(shift−1)) >> shift), or of the absolute value.
type finish struct {
	delta int
	shift uint
	abs   bool
}

// interval is the samples lo to hi of a row.
type interval struct{ lo, hi int }

const (
	stripSamples = 1024
	rowsInPlace  = 3 // of a kernel, at most: in a cache of eight ways, rows of two lines each have room
)

func newDirect(kernel mat.Matrix, f finish, in Shape) *direct {
	r, c := kernel.Dims()
	d := &direct{finish: f, in: in, taps: tapsOf(kernel), reach: r / 2, edges: newEdges(in, c/2)}
	if d.small = newSmall(d.taps, f); d.small == nil {
		d.sums = make([]int32, stripSamples)
	}
	d.end = d.edges.pad
	if d.small != nil && path >= isaAVX2 {
		d.end = max(d.end, tapsBlock/2-d.edges.pad) // so that both make a block
	}
	d.strip = max(2*d.end, stripSamples/4)
	if r > rowsInPlace {
		d.strip = max(d.strip, min(in.RowBytes(), stripNumbers))
	}
	d.result = make([]byte, max(2*d.end+2*d.edges.pad, tapsBlock))
	width := max(d.strip, len(d.result)) + 2*d.edges.pad
	copies := make([]byte, (batchRows+2*d.reach)*stride(width))
	for ; len(copies) > 0; copies = copies[stride(width):] {
		d.copies = append(d.copies, copies[:width])
	}
	return d
}

// tapsOf returns the kernel's entries that are not 0.
func tapsOf(kernel mat.Matrix) (taps []tap) {
	r, c := kernel.Dims()
	for i := range r {
		for j := range c {
			if v := kernel.At(i, j); v != 0 {
				taps = append(taps, tap{i, j - c/2, int(v)})
			}
		}
	}
	return taps
}

// Apply implements Applier.
func (d *direct) Apply(dst, src [][]byte, _ Rows) {
	n, pad := d.in.RowBytes(), d.edges.pad
	if d.reach > rowsInPlace/2 || n <= d.strip {
		for lo := 0; lo < n; lo += d.strip {
			d.fromCopies(dst, src, interval{lo, min(lo+d.strip, n)})
		}
		return
	}
	for y, out := range dst {
		d.samples(out[pad:n-pad], src[y:], pad)
	}
	if pad > 0 {
		d.fromCopies(dst, src, interval{0, d.end}, interval{n - d.end, n})
	}
}

// fromCopies computes parts of all rows, a strip or both ends, whose copies stand side by side.
func (d *direct) fromCopies(dst, src [][]byte, parts ...interval) {
	pad := d.edges.pad
	loaded := 0 // rows of src
	for y, out := range dst {
		at := y % batchRows
		if at == 0 {
			loaded = y
		}
		for ; loaded <= y+2*d.reach; loaded++ {
			to := d.copies[loaded-y+at]
			for _, p := range parts {
				d.edges.copy(to, src[loaded], p.lo, p.hi)
				to = to[p.hi-p.lo+2*pad:]
			}
		}
		rows := d.copies[at:]
		if p := parts[0]; len(parts) == 1 && p.hi-p.lo >= tapsBlock {
			d.samples(out[p.lo:p.hi], rows, pad)
			continue
		}
		d.samples(d.result, rows, pad)
		from := 0
		for _, p := range parts {
			from += copy(out[p.lo:p.hi], d.result[from:]) + 2*pad
		}
	}
}

// samples computes out, which begins at sample lo of the rows.
func (d *direct) samples(out []byte, rows [][]byte, lo int) {
	if d.small != nil && d.small.row(out, rows, lo, d.in.Channels) {
		return
	}
	for x := 0; x < len(out); x += stripSamples {
		strip := out[x:min(x+stripSamples, len(out))]
		if d.small != nil {
			d.small.strip(strip, rows, lo+x, d.in.Channels)
		} else {
			d.sumUp(strip, rows, lo+x)
		}
	}
}

// sumUp computes the out samples from lo on in 32 bits.
func (d *direct) sumUp(out []byte, rows [][]byte, lo int) {
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
		out[i] = d.of(s)
	}
}

// of returns the sample.
func (f finish) of(sum int32) byte {
	sum += int32(f.delta)
	if f.shift > 0 {
		sum = (sum + 1<<(f.shift-1)) >> f.shift
	}
	if f.abs {
		sum = max(sum, -sum)
	}
	return byte(min(max(sum, 0), 255))
}

// exactly is of in float64, for references.
func (f finish) exactly(sum float64) float64 {
	sum += float64(f.delta)
	if f.shift > 0 {
		sum = math.Floor((sum + float64(uint64(1)<<(f.shift-1))) / float64(uint64(1)<<f.shift))
	}
	if f.abs {
		sum = math.Abs(sum)
	}
	return min(max(sum, 0), 255)
}
