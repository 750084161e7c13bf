package png

import (
	"bufio"
	"io"

	"halorun/ranks/raster/scratch"
)

// held keeps the passes of an interlaced picture that have its even rows. The last pass has the odd rows as they are: it comes behind
// the others in the file, and goes straight to who reads.
type held struct {
	passes   []heldPass
	channels int
	part     []byte // a row of a pass

	file *scratch.File // where it is; nil: in the passes' memory
}

// heldPass is a pass that is kept, and how far it has been read.
type heldPass struct {
	pass
	from   *bufio.Reader // of a file
	memory []byte
}

const (
	holdBuffer = 256 << 10 // of what is written to a scratch file
	passBuffer = 128 << 10 // of what is read of each pass in it
)

// evenPasses returns the passes that have the even rows.
func evenPasses(passes []pass) []pass {
	if passes[len(passes)-1].y == 1 {
		return passes[:len(passes)-1]
	}
	return passes
}

// size is how many bytes a pass has as it is delivered.
func (p pass) size(channels int) int64 { return int64(p.width) * int64(channels) * int64(p.height) }

// heldBytes is how much is kept of the picture.
func (m *Image) heldBytes() (n int64) {
	if !m.interlaced {
		return 0
	}
	for _, p := range evenPasses(m.passes()) {
		n += p.size(m.Channels)
	}
	return n + int64(m.Width)*int64(m.Channels)
}

// spillBytes is how much memory it takes to keep it in a file.
func (m *Image) spillBytes() int64 {
	if !m.interlaced {
		return 0
	}
	return holdBuffer + 6*passBuffer + int64(m.Width)*int64(m.Channels)
}

// newHeld makes room for what is kept: in a file, if there may be one.
func newHeld(m *Image, passes []pass, file scratch.Maker) (h *held, err error) {
	h = &held{channels: m.Channels}
	for _, p := range evenPasses(passes) {
		h.passes = append(h.passes, heldPass{pass: p})
	}
	if file != nil {
		if h.file, err = scratch.New(file); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// hold reads the passes that are kept.
func (s *Stream) hold() error {
	h := s.held
	h.part = make([]byte, s.m.Width*h.channels)
	var (
		to     *bufio.Writer
		memory []byte
	)
	if h.file != nil {
		to = bufio.NewWriterSize(io.NewOffsetWriter(h.file, 0), holdBuffer)
	} else {
		memory = make([]byte, s.m.heldBytes()-int64(len(h.part)))
	}
	at := int64(0)
	for i := range h.passes {
		p := &h.passes[i]
		size := p.size(h.channels)
		if h.file == nil {
			p.memory = memory[at : at+size]
		}
		for y := range p.height {
			row, pass, err := s.next()
			if err != nil {
				return err
			}
			if pass != i {
				return Damage("its passes are not of the sizes that they should be of")
			}
			n := p.width * h.channels
			if h.file == nil {
				s.deliver(p.memory[y*n:(y+1)*n], row)
				continue
			}
			s.deliver(h.part[:n], row)
			if _, err := to.Write(h.part[:n]); err != nil {
				return err
			}
		}
		if h.file != nil {
			p.from = bufio.NewReaderSize(io.NewSectionReader(h.file, at, size), passBuffer)
		}
		at += size
	}
	if h.file == nil {
		return nil
	}
	return to.Flush()
}

// merge makes row y, which is even and comes next, of those of the passes.
func (h *held) merge(dst []byte, y int) error {
	for i := range h.passes {
		p := &h.passes[i]
		if y < p.y || (y-p.y)%p.stepY != 0 {
			continue
		}
		n := p.width * h.channels
		part := h.part[:n]
		if h.file == nil {
			part, p.memory = p.memory[:n], p.memory[n:]
		} else if _, err := io.ReadFull(p.from, part); err != nil {
			return err
		}
		p.spread(dst, part, h.channels)
	}
	return nil
}

// spread puts pixels of a row of a pass into their places.
func (p *pass) spread(dst, part []byte, channels int) {
	dst = dst[p.x*channels:]
	switch step := p.stepX * channels; {
	case step == channels:
		copy(dst, part)
	case channels == 1:
		for x, v := range part {
			dst[x*step] = v
		}
	default:
		for ; len(part) >= 3; part = part[3:] {
			dst[0], dst[1], dst[2] = part[0], part[1], part[2]
			dst = dst[min(step, len(dst)):]
		}
	}
}

// close frees what is kept.
func (h *held) close() {
	if h != nil {
		h.file.Close()
		h.passes = nil
	}
}
