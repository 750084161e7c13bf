package raster

import (
	"math"

	"halorun/ranks/raster/scratch"
)

// A picture whose EXIF orientation is not 1 lies in its file otherwise than it is shown:
//
//	2 mirrored left to right     5 transposed
//	3 upside down                6 to be turned a quarter clockwise
//	4 mirrored top to bottom     7 transposed over the other diagonal
//	                             8 to be turned a quarter counter-clockwise

// mirrors tells whether rows are shown from right to left.
func mirrors(orientation int) bool { return orientation == 2 || orientation == 3 }

// transposes tells whether columns are shown as rows.
func transposes(orientation int) bool { return orientation > 4 }

// orient returns how rows are read as they are shown, if they are as from tells in a file, which has h.Width, h.Height and so on; and what
// memory that takes.
func (h *header) orient(from *Reader) (access, need) {
	orientation, stream := h.orientation, h.need
	if from.access.direct() {
		stream = need{}
	}
	switch a := from.access; {
	case orientation <= 1:
		return a, stream
	case transposes(orientation):
	case a.direct():
		return access{random: func(y int, dst [][]byte) error { return from.readMirrored(orientation, y, dst) }}, need{}
	case orientation == 2:
		return access{stream: func(r room) (Stream, error) {
			s, err := a.stream(r)
			return &mirrored{s, h.Channels}, err
		}}, stream
	}
	// Rows are read from top to bottom, once each.
	if from.access.stream != nil {
		from.access, stream = access{stream: from.access.stream}, h.need
	}
	t := turning{from: from, orientation: orientation, width: h.Width, height: h.Height, channels: h.Channels}
	n := need{stream.memory + t.whole(), stream.least + t.least()}
	return access{stream: func(r room) (Stream, error) { return t.stream(stream, r) }}, n
}

// readMirrored reads rows of a file whose rows can be read in any order, of orientation 2 to 4.
func (r *Reader) readMirrored(orientation, y int, dst [][]byte) error {
	if orientation > 2 {
		y = r.info.Height - y - len(dst)
		upward := make([][]byte, len(dst))
		for i, d := range dst {
			upward[len(dst)-1-i] = d
		}
		dst = upward
	}
	if err := r.readRows(y, dst); err != nil {
		return err
	}
	if mirrors(orientation) {
		mirrorRows(dst, r.info.Channels)
	}
	return nil
}

// mirrored is a stream whose rows are shown from right to left.
type mirrored struct {
	Stream
	channels int
}

func (s *mirrored) ReadRows(dst [][]byte) error {
	if err := s.Stream.ReadRows(dst); err != nil {
		return err
	}
	mirrorRows(dst, s.channels)
	return nil
}

// mirrorRows turns the order of pixels of one or three samples round.
func mirrorRows(rows [][]byte, channels int) {
	for _, row := range rows {
		if channels == 1 {
			for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
				row[i], row[j] = row[j], row[i]
			}
			continue
		}
		for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
			a, b := row[i:i+3], row[j:j+3]
			a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
		}
	}
}

// turning says how a picture of orientation 3 to 8 is turned. Its rows are read in strips, which go into a scratch file, unless there is one
// only. A strip of orientations 5 to 8 is stored by columns, so that what a run of columns has in it lies in one piece.
type turning struct {
	from                    *Reader
	orientation             int
	width, height, channels int // in the file
}

const (
	leastPiece = 16 << 10 // of a strip that is read at once, if there is little memory
	bestPiece  = 1 << 20  // if there is much
	groupRows  = 16       // are read, and transposed, at a time
	groupBytes = 4 << 20  // or as many as fit
)

// bytes is the size of the picture.
func (t *turning) bytes() int64 { return int64(t.width) * int64(t.height) * int64(t.channels) }

// group is how many rows are read, and transposed, at a time.
func (t *turning) group() int {
	return min(groupRows, max(1, groupBytes/(t.width*t.channels)), t.height)
}

// besides is what is needed besides a strip: a group of rows.
func (t *turning) besides() int64 {
	if !transposes(t.orientation) {
		return 0
	}
	return int64(t.group()) * int64(t.width) * int64(t.channels)
}

// whole is how many bytes turning takes without a scratch file.
func (t *turning) whole() int64 { return t.bytes() + t.besides() }

// least is how many bytes turning takes at least.
func (t *turning) least() int64 { return t.besides() + t.strip(leastPiece) }

// strip is how many bytes the strips must have if they are to be read in pieces of that many bytes: a strip of n bytes has a part n/bytes of
// the rows, and as large a part of its columns is read at once.
func (t *turning) strip(piece int64) int64 {
	n := max(piece, int64(t.width)*int64(t.channels))
	if transposes(t.orientation) {
		n = max(int64(t.width), int64(t.height)) * int64(t.channels)
		n = max(n, int64(math.Sqrt(float64(piece)*float64(t.bytes())))+1)
	}
	return min(n, t.bytes())
}

// split divides memory between what decodes and what turns.
func (t *turning) split(decode need, memory int64) (forDecoding, forTurning int64) {
	if rest := memory - t.whole(); rest >= decode.memory {
		return rest, t.whole()
	}
	best := t.besides() + t.strip(bestPiece)
	if rest := memory - decode.memory; rest >= t.least() {
		forTurning = min(rest, best)
	} else {
		forTurning = min(max(memory/2, t.least()), best, max(memory-decode.least, t.least()))
	}
	return memory - forTurning, forTurning
}

// stream begins to turn the picture, as soon as a row is read.
func (t *turning) stream(decode need, r room) (Stream, error) {
	memory, own := t.split(decode, r.memory)
	s := &turned{turning: t, from: &Reader{file: t.from.file, info: t.from.info, access: t.from.access, room: room{memory, r.scratch}}}
	rowBytes := int64(t.width) * int64(t.channels)
	s.rows = int(min(int64(t.height), max(1, (own-t.besides())/rowBytes)))
	size := int64(s.rows) * rowBytes
	if transposes(t.orientation) && s.rows < t.height {
		columnBytes := int64(t.height) * int64(t.channels)
		s.columns = int(min(int64(t.width), max(1, (own-t.besides())/columnBytes)))
		size = max(size, int64(s.columns)*columnBytes)
	}
	if s.rows < t.height {
		var err error
		if s.file, err = scratch.New(r.scratch); err != nil {
			return nil, err
		}
	}
	s.buf = make([]byte, size)
	return s, nil
}

// turned is a Stream of a picture that is turned.
type turned struct {
	*turning
	from    *Reader
	file    *scratch.File // nil if there is one strip
	rows    int           // of a strip
	columns int           // that are read at once
	buf     []byte        // a strip; then what is read at once of all strips
	begun   bool
	next    int // the row that is shown next
	strip   int // whose rows are in buf
	first   int // of the columns that are in buf
	held    int // their number
}

func (s *turned) ReadRows(dst [][]byte) error {
	if !s.begun {
		s.begun = true
		if err := s.take(); err != nil {
			return err
		}
		s.from.rewind() // what it holds is not needed any more
	}
	for _, d := range dst {
		var err error
		if transposes(s.orientation) {
			err = s.column(d, s.next)
		} else {
			err = s.backwards(d, s.height-1-s.next)
		}
		if err != nil {
			return err
		}
		s.next++
	}
	return nil
}

// take reads all strips.
func (s *turned) take() error {
	n := s.width * s.channels
	lines := make([][]byte, s.group())
	var group []byte
	if transposes(s.orientation) {
		group = make([]byte, s.besides())
	}
	for y := 0; y < s.height; y += s.rows {
		s.strip = y / s.rows
		rows := s.stripRows(s.strip)
		strip := s.buf[:rows*n]
		for at := 0; at < rows; {
			to := strip[at*n:]
			if group != nil {
				to = group
			}
			some := min(len(lines), rows-at)
			for i := range some {
				lines[i] = to[i*n : (i+1)*n]
			}
			if err := s.from.readRows(y+at, lines[:some]); err != nil {
				return err
			}
			if group != nil {
				s.transpose(strip, group, rows, at, some)
			}
			at += some
		}
		if s.file == nil {
			continue
		}
		if _, err := s.file.WriteAt(strip, int64(y)*int64(n)); err != nil {
			return err
		}
	}
	return nil
}

// upward tells whether rows of the file are shown as columns from right to left.
func (t *turning) upward() bool { return t.orientation == 6 || t.orientation == 7 }

// transpose puts some rows from row at on into a strip of so many rows, which lies by columns; from its last row to its first, if these are
// shown so.
func (s *turned) transpose(strip, group []byte, rows, at, some int) {
	n, from := s.width*s.channels, 0
	step := n
	if s.upward() {
		at, from, step = rows-at-some, (some-1)*n, -n
	}
	if s.channels == 1 {
		for x := range s.width {
			d, at := strip[x*rows+at:][:some], from+x
			for i := range d {
				d[i] = group[at]
				at += step
			}
		}
		return
	}
	for x := range s.width {
		d, at := strip[3*(x*rows+at):][:3*some], from+3*x
		for ; len(d) >= 3; d = d[3:] {
			g := group[at : at+3]
			d[0], d[1], d[2] = g[0], g[1], g[2]
			at += step
		}
	}
}

// column makes row y as it is shown, of a column of the file.
func (s *turned) column(dst []byte, y int) error {
	x := y
	if s.orientation > 6 {
		x = s.width - 1 - y
	}
	if s.file == nil {
		n := s.height * s.channels
		copy(dst, s.buf[x*n:][:n])
		return nil
	}
	if x < s.first || x >= s.first+s.held {
		if err := s.readColumns(x); err != nil {
			return err
		}
	}
	strips := (s.height-1)/s.rows + 1
	for i := range strips {
		if s.upward() {
			i = strips - 1 - i
		}
		n := s.stripRows(i) * s.channels
		at := s.held*i*s.rows*s.channels + (x-s.first)*n
		dst = dst[copy(dst, s.buf[at:at+n]):]
	}
	return nil
}

// stripRows is how many rows a strip has.
func (s *turned) stripRows(strip int) int { return min(s.rows, s.height-strip*s.rows) }

// readColumns reads columns of all strips: x, and those that come behind it.
func (s *turned) readColumns(x int) error {
	s.first, s.held = x, min(s.columns, s.width-x)
	if s.orientation > 6 { // from the right to the left
		s.held = min(s.columns, x+1)
		s.first = x + 1 - s.held
	}
	at := 0
	for y := 0; y < s.height; y += s.rows {
		rows := s.stripRows(y / s.rows)
		n := s.held * rows * s.channels
		if _, err := s.file.ReadAt(s.buf[at:at+n], (int64(y)*int64(s.width)+int64(s.first)*int64(rows))*int64(s.channels)); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// backwards makes a row of row y of the file, above the last one.
func (s *turned) backwards(dst []byte, y int) error {
	n := s.width * s.channels
	if strip := y / s.rows; strip != s.strip {
		s.strip = strip
		if _, err := s.file.ReadAt(s.buf[:s.rows*n], int64(strip)*int64(s.rows)*int64(n)); err != nil {
			return err
		}
	}
	copy(dst, s.buf[y%s.rows*n:][:n])
	if s.orientation == 3 {
		mirrorRows([][]byte{dst[:n]}, s.channels)
	}
	return nil
}

func (s *turned) Close() error {
	s.from.rewind()
	s.file.Close()
	s.buf = nil
	return nil
}
