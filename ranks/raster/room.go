package raster

import (
	"fmt"
	"math"

	"halorun/ranks/raster/scratch"
)

// room is what decoding may use.
type room struct {
	memory  int64         // bytes
	scratch scratch.Maker // of what does not fit; nil: it has to
}

// room returns what the options allow.
func (o Options) room() room {
	r := room{memory: o.Memory, scratch: o.Scratch}
	if r.memory == 0 {
		r.memory = math.MaxInt64
	}
	return r
}

// need is how many bytes of memory the decoding of a picture takes.
type need struct {
	memory int64 // without a scratch file
	least  int64 // with one
}

// fewBytes is what a stream that keeps some rows takes, without being asked for it.
const fewBytes = 64 << 20

// needOf returns what a codec's stream needs, which may keep much of the picture, and then knows what to do with a scratch file.
func needOf(m interface {
	Keeps() bool
	Memory() int64
	Least() int64
}) need {
	if n := m.Memory(); m.Keeps() || n > fewBytes {
		return need{n, m.Least()}
	}
	return need{}
}

// check holds a need to what there is.
func (n need) check(r room, width, height int) error {
	what := n.least
	if r.scratch == nil {
		what = n.memory
	}
	if what <= r.memory {
		return nil
	}
	return fmt.Errorf("its %d×%d pixels take %s to decode, of %s of memory; convert it to PPM or uncompressed TIFF, which are read by rows",
		width, height, mebibytes(what, true), mebibytes(r.memory, false))
}

// mebibytes is a number of bytes for people, rounded up or down.
func mebibytes(n int64, up bool) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	if up && n < math.MaxInt64-1<<20 {
		n += 1<<20 - 1
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
