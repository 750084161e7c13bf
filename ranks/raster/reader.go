package raster

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"

	"halorun/ranks/raster/metadata"
	"halorun/ranks/raster/scratch"
)

// Info is what a file's header tells of the picture, after its orientation was applied.
type Info struct {
	Width, Height int
	Channels      int      // 1 or 3, as it is read
	Depth         int      // bits a sample in the file
	Format        string   // png, jpeg, tiff, pnm
	Codec         string   // the code that reads it
	Notices       []string // what is not carried over, for the user
	Meta          metadata.Metadata
}

// Stream reads a picture from top to bottom.
type Stream interface {
	// ReadRows reads the next rows into dst, a slice of Width·Channels bytes each.
	ReadRows(dst [][]byte) error
	Close() error
}

// Reader reads a picture's rows. ReadRows may be called by several goroutines.
type Reader struct {
	name   string
	file   *os.File
	info   Info
	access access
	room   room
	memory need // that decoding takes

	mu     sync.Mutex // of what follows, if the picture is not direct
	stream Stream     // nil if it is to be begun
	next   int        // the row that comes next
	skip   []byte     // a row nobody wants
}

// access is how a picture's rows are read: in the first way that is set.
type access struct {
	place  *placed                         // they lie open in the file
	random func(y int, dst [][]byte) error // they can be decoded in any order, by several goroutines
	stream func(room) (Stream, error)      // they come from top to bottom
}

// direct tells whether rows can be read in any order.
func (a access) direct() bool { return a.place != nil || a.random != nil }

// header is what a format's parser makes of a file.
type header struct {
	Info
	access
	orientation int  // as in EXIF, 1 to 8
	pages       bool // there may be several
	// expansion is how many pixels a byte of the file can at most stand for.
	expansion int64
	need           // of the stream
	takes     need // about, of all that decodes; need counts what is much
}

// Open reads the header of the picture in f, which is called name in errors. It never moves f's position. The file stays the
// caller's until Open has succeeded; then Close closes it. Errors are *InputError.
func Open(f *os.File, name string, o Options) (*Reader, error) {
	r, err := open(f, o)
	if err != nil {
		return nil, &InputError{name, err}
	}
	r.name = name
	return r, nil
}

func open(f *os.File, o Options) (*Reader, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, errors.New("it is a folder, not a picture")
	}
	src := io.NewSectionReader(f, 0, st.Size())
	if st.Size() == 0 {
		return nil, errors.New("it is empty")
	}
	begin := make([]byte, 16)
	n, err := src.ReadAt(begin, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	h, err := parse(begin[:n], src, o)
	if err != nil {
		return nil, err
	}
	if err := o.onePage(); err != nil && !h.pages {
		return nil, err
	}
	if err := h.check(st.Size(), o); err != nil {
		return nil, err
	}
	r := &Reader{file: f, info: h.Info, room: o.room()}
	var takes need
	r.access, takes = h.orient(&Reader{file: f, info: h.Info, access: h.access})
	if err := takes.check(r.room, h.Width, h.Height); err != nil {
		return nil, err
	}
	r.memory = need{max(h.takes.memory, takes.memory), max(h.takes.least, takes.least)}
	if h.orientation > 1 {
		r.info.Notices = append(r.info.Notices, fmt.Sprintf("orientation %d applied", h.orientation))
	}
	if transposes(h.orientation) {
		r.info.Width, r.info.Height = h.Height, h.Width
	}
	r.info.takeMeta(h.Meta, h.orientation, o)
	return r, nil
}

// kindOf returns which kind of picture a file is that begins so: png, jpeg, tiff, pnm, pam, npy; or "".
func kindOf(begin []byte) string {
	switch {
	case hasPrefix(begin, "\x89PNG\r\n\x1a\n"):
		return "png"
	case hasPrefix(begin, "\xff\xd8"):
		return "jpeg"
	case isTIFF(begin):
		return "tiff"
	case len(begin) > 2 && begin[0] == 'P' && begin[1] >= '1' && begin[1] <= '6' && (isSpace(begin[2]) || begin[2] == '#'):
		return "pnm"
	case hasPrefix(begin, "P7\n"):
		return "pam"
	case hasPrefix(begin, npyMagic):
		return "npy"
	}
	return ""
}

// IsPicture tells whether a regular file begins as a picture that Open reads without being told how.
func IsPicture(name string) bool {
	st, err := os.Stat(name)
	if err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, 16)
	n, _ := io.ReadFull(f, begin)
	return kindOf(begin[:n]) != ""
}

func parse(begin []byte, src *io.SectionReader, o Options) (*header, error) {
	if o.Geometry != nil {
		return parseRaw(src, o)
	}
	switch kindOf(begin) {
	case "png":
		return checked(o, "PNG", parsePNG, src)
	case "jpeg":
		return checked(o, "JPEG", func(src *io.SectionReader) (*header, error) { return parseJPEG(src, o) }, src)
	case "tiff":
		return parseTIFF(src, o)
	case "pnm":
		return parsePNM(src, o)
	case "pam":
		return parsePAM(src, o)
	case "npy":
		return parseNPY(src, o)
	}
	return nil, fmt.Errorf("not a picture that Halorun reads (PNG, JPEG, TIFF, PNM, PAM, .npy; a raw one with --geometry); it begins with %q",
		begin[:min(8, len(begin))])
}

// checked parses a format that has no use for some of the options.
func checked(o Options, format string, parse func(*io.SectionReader) (*header, error), src *io.SectionReader) (*header, error) {
	if err := o.check(format); err != nil {
		return nil, err
	}
	return parse(src)
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// check holds the header's claims to the limits and to what the file can hold, before anything is allocated for them.
func (h *header) check(size int64, o Options) error {
	if h.Width < 1 || h.Height < 1 {
		return fmt.Errorf("damaged %s: it claims %d×%d pixels", h.Format, h.Width, h.Height)
	}
	over, pixels := bits.Mul64(uint64(h.Width), uint64(h.Height))
	if over > 0 || pixels > uint64(o.MaxPixels) {
		return fmt.Errorf("its %d×%d pixels are beyond --max-pixels %d", h.Width, h.Height, o.MaxPixels)
	}
	if !plausible(h.Width, h.Height, h.expansion, size) {
		return fmt.Errorf("damaged %s: it claims %d×%d pixels, which its %d bytes cannot hold", h.Format, h.Width, h.Height, size)
	}
	return nil
}

// plausible tells whether size bytes, each standing for at most expansion pixels, can hold a picture.
func plausible(width, height int, expansion, size int64) bool {
	over, pixels := bits.Mul64(uint64(width), uint64(height))
	return over == 0 && pixels/uint64(expansion) <= uint64(size)
}

// Memory returns about how many bytes reading takes, without a scratch file.
func (r *Reader) Memory() int64 { return r.memory.memory }

// Reading says how a picture's rows are read.
type Reading struct {
	Direct bool  // in any order, as Reader.Direct tells
	Least  int64 // bytes of memory that decoding takes, with a scratch file, about; 0 if nothing is decoded
}

// Reading returns what there is to know for who plans with it.
func (r *Reader) Reading() Reading { return Reading{r.Direct(), r.memory.least} }

// Info returns what the header told.
func (r *Reader) Info() Info { return r.info }

// Direct tells whether ReadRows takes time for the rows it reads alone, whichever they are. If not, it decodes all rows above them, too,
// unless these were read before.
func (r *Reader) Direct() bool { return r.access.direct() }

// ReadRows reads the rows from y on into dst, a slice of Width·Channels bytes each. Errors are *InputError, save those of a scratch file.
func (r *Reader) ReadRows(y int, dst [][]byte) error {
	err := r.readRows(y, dst)
	if err == nil {
		return nil
	}
	if full := new(scratch.Error); errors.As(err, &full) {
		return fmt.Errorf("%s%w", beginning(r.name), full) // which is not the file's fault
	}
	if r.access.place == nil {
		err = damaged(r.info.Format, err)
	}
	return &InputError{r.name, err}
}

func (r *Reader) readRows(y int, dst [][]byte) (err error) {
	switch {
	case r.access.place != nil:
		return r.access.place.read(r.file, y, dst)
	case r.access.random != nil:
		return r.access.random(y, dst)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() {
		// A library's decoder may trip over what a hostile file says.
		if e := recover(); e != nil {
			err = fmt.Errorf("%v", e)
		}
		if err != nil {
			r.rewind()
		}
	}()
	if y < r.next {
		r.rewind()
	}
	if r.stream == nil {
		if r.stream, err = r.access.stream(r.room); err != nil {
			r.stream = nil
			return err
		}
	}
	for ; r.next < y; r.next++ {
		if r.skip == nil {
			r.skip = make([]byte, r.info.Width*r.info.Channels)
		}
		if err := r.stream.ReadRows([][]byte{r.skip}); err != nil {
			return err
		}
	}
	r.next += len(dst)
	return r.stream.ReadRows(dst)
}

// rewind ends the stream.
func (r *Reader) rewind() {
	if r.stream != nil {
		_ = r.stream.Close() // it was only read
	}
	r.stream, r.next = nil, 0
}

// Close closes the file.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.rewind()
	r.mu.Unlock()
	return r.file.Close()
}
