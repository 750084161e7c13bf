package tiff

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"halorun/ranks/raster/metadata"
)

// Image is a picture in a file. Its fields are for reading. Its methods may be called by several goroutines.
type Image struct {
	Width, Height int
	Channels      int // 1 or 3, as it is delivered
	Depth         int // bits a sample in the file
	Orientation   int // as in EXIF, 1 to 8; rows are delivered as they lie in the file
	Big           bool
	Compression   string // for people
	Meta          metadata.Metadata
	Notices       []string // what is not carried over, for the user

	file    *file
	blocks  *blocks
	unpack  *unpacker
	convert *converter
	mode    mode
	limit   int64 // of the cache
	open    bool  // rows lie in the file as they are delivered

	once   sync.Once
	shared *reader // of ReadRows
}

// mode is how strips and tiles are decoded.
type mode int

const (
	modeRaw   mode = iota // not compressed: rows are read where they lie
	modeWhole             // a block at a time
	modeRows              // large blocks: from top to bottom, row by row
)

// wholeBytes is the most that the blocks of a cell and their pixels take where they are decoded whole.
const wholeBytes = 24 << 20

// cacheBytes is what ReadRows keeps if nothing is said.
const cacheBytes = 32 << 20

// Codec names this package in reports.
const Codec = "halorun/tiff"

// Parse reads a picture's directory, but no samples. size is that of the file. It takes memory for what the directory holds, which it checks
// first, and for the tables of blocks only if they are in no order.
func Parse(src io.ReaderAt, size int64, o Options) (*Image, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := openFile(src, size)
	if err != nil {
		return nil, damaged(err)
	}
	at, err := f.page(o.Page)
	if err != nil {
		var pages *PagesError
		if errors.As(err, &pages) {
			return nil, err
		}
		return nil, damaged(err)
	}
	d, err := f.directoryAt(at)
	if err != nil {
		return nil, damaged(err)
	}
	return d.image(o)
}

// layout is what a directory tells of how pixels are stored.
type layout struct {
	compression uint64
	photometric uint64
	samples     int // of a pixel
	bits        int // of a sample
	format      uint64
	predictor   uint64
	planar      bool // each sample in a plane of its own
	extra       []uint64
	sameBits    bool
	inkSet      uint64
	reversed    bool
}

func (d *directory) layout() layout {
	l := layout{
		compression: d.number(tagCompression, compressNone),
		photometric: d.number(tagPhotometric, blackIsZero),
		samples:     int(min(d.number(tagSamples, 1), 1<<16)),
		bits:        int(min(d.number(tagBits, 1), 1<<16)),
		format:      d.number(tagSampleFormat, sampleUnsigned),
		predictor:   d.number(tagPredictor, 1),
		planar:      d.number(tagPlanar, 1) == 2,
		extra:       d.list(tagExtraSamples, 1<<16),
		inkSet:      d.number(tagInkSet, 1),
		reversed:    d.number(tagFillOrder, 1) == 2,
		sameBits:    true,
	}
	for _, b := range d.list(tagBits, 1<<16) {
		l.sameBits = l.sameBits && b == uint64(l.bits)
	}
	for _, f := range d.list(tagSampleFormat, 1<<16) {
		l.sameBits = l.sameBits && f == l.format
	}
	if l.format == sampleUnsaid {
		l.format = sampleUnsigned
	}
	l.planar = l.planar && l.samples > 1
	if l.compression == compressNone || l.compression == compressPackBits || l.compression == compressJPEG {
		l.predictor = 1 // libtiff knows no predictors there
	}
	return l
}

func (d *directory) image(o Options) (*Image, error) {
	l := d.layout()
	if d.err != nil {
		return nil, damaged(d.err)
	}
	if err := l.supported(o); err != nil {
		return nil, err
	}
	m := &Image{
		Width: int(min(d.number(tagWidth, 0), 1<<40)), Height: int(min(d.number(tagHeight, 0), 1<<40)),
		Depth: l.bits, Orientation: 1, Big: d.big, Compression: compressionNames[l.compression], file: d.file, limit: o.Cache,
	}
	if v := d.number(tagOrientation, 1); v >= 1 && v <= 8 {
		m.Orientation = int(v)
	}
	if d.err != nil {
		return nil, damaged(d.err)
	}
	planes, inBlock := 1, l.samples
	if l.planar {
		planes, inBlock = l.samples, 1
	}
	var err error
	if m.blocks, err = d.layOut(m.Width, m.Height, planes, inBlock*l.bits); err != nil {
		return nil, damaged(err)
	}
	expansion := expansions[l.compression]
	if err := m.blocks.check(d.size, expansion, l.compression != compressNone); err != nil {
		return nil, damaged(err)
	}
	if m.convert, err = d.converter(l, o, m.blocks.blockW); err != nil {
		return nil, damaged(err)
	}
	m.Channels = m.convert.channels
	if m.unpack, err = d.unpacker(l, inBlock, expansion); err != nil {
		return nil, damaged(err)
	}
	if d.err != nil {
		return nil, damaged(d.err)
	}
	m.mode, m.open = m.chooseMode(l), l.compression == compressNone && m.convert.copies && !l.reversed && m.blocks.across == 1 && m.blocks.blockW == m.Width
	if m.mode == modeRows && m.rowsMemory() > rowsBytes {
		return nil, fmt.Errorf("TIFF of %d tiles side by side, each of %d×%d pixels, is not read; smaller tiles are",
			m.blocks.across, m.blocks.blockW, m.blocks.blockH)
	}
	if m.limit == 0 {
		m.limit = cacheBytes
	}
	if m.Depth == 16 && o.Scale == nil {
		m.Notices = append(m.Notices, "16 bits reduced to 8")
	}
	if m.convert.notice != "" {
		m.Notices = append(m.Notices, m.convert.notice)
	}
	m.Meta = d.metadata(&m.Notices)
	return m, nil
}

// rowsBytes is the most memory that large tiles side by side may take to be decoded at once.
const rowsBytes = 1 << 30

func (m *Image) chooseMode(l layout) mode {
	switch cell := m.blocks.cellBytes() + m.pixelBytes(); {
	case l.compression == compressNone:
		return modeRaw
	case cell <= wholeBytes || int64(m.blocks.blockH) == 1:
		return modeWhole
	}
	return modeRows
}

// cellBytes is the size of the blocks of a cell, decoded.
func (b *blocks) cellBytes() int64 { return int64(b.planes) * b.rowBytes * int64(b.blockH) }

// pixelBytes is the size of the pixels of a cell, as they are delivered.
func (m *Image) pixelBytes() int64 {
	return int64(min(m.blocks.blockW, m.Width)) * int64(min(m.blocks.blockH, m.Height)) * int64(m.Channels)
}

// wanted is what of a refusal can be done about it.
const wanted = "say with --bands which become grey or red, green and blue"

// supported returns an error for what is not read, which says what could be done about it.
func (l layout) supported(o Options) error {
	colours := map[uint64]int{whiteIsZero: 1, blackIsZero: 1, colourMap: 1, colourRGB: 3, colourYCbCr: 3, colourInks: 4}[l.photometric]
	wholes := []int{1, 2, 4, 8, 16}
	switch {
	case expansions[l.compression] == 0:
		return fmt.Errorf("TIFF of compression %s is not read; none, LZW, deflate, zstd, PackBits and JPEG are (tiffcp -c)", compressionName(l.compression))
	case l.samples < 1 || l.samples > 1<<12:
		return fmt.Errorf("TIFF of %d samples a pixel is not read", l.samples)
	case !l.sameBits:
		return errors.New("TIFF of samples of different kinds is not read")
	case l.photometric == colourYCbCr && l.compression != compressJPEG:
		return errors.New("TIFF of YCbCr is read in JPEG only; convert it to RGB (tiff2rgba)")
	case l.photometric == colourYCbCr && l.planar:
		return errors.New("TIFF of YCbCr in planes is not read; convert it to RGB (tiff2rgba)")
	case l.compression == compressJPEG && l.bits != 8:
		return fmt.Errorf("TIFF of JPEG of %d bits a sample is not read; 8 are", l.bits)
	case l.compression == compressJPEG && !l.planar && l.samples != 1 && l.samples != 3 && l.samples != 4:
		return fmt.Errorf("TIFF of JPEG of %d samples a pixel is not read; 1, 3 and 4 are", l.samples)
	case l.format == sampleUnsigned && !slices.Contains(append(wholes, 32, 64), l.bits):
		return fmt.Errorf("TIFF of %d bits a sample is not read; 1, 2, 4, 8 and 16 are", l.bits)
	case l.format == sampleSigned && !slices.Contains([]int{8, 16, 32, 64}, l.bits):
		return fmt.Errorf("TIFF of signed numbers of %d bits is not read", l.bits)
	case l.format == sampleFloat && l.bits != 32 && l.bits != 64:
		return fmt.Errorf("TIFF of floating-point numbers of %d bits is not read; 32 and 64 are, with --scale", l.bits)
	case l.format > sampleFloat:
		return fmt.Errorf("TIFF of sample format %d is not read; whole and floating-point numbers are", l.format)
	case l.predictor == 2 && l.bits < 8 || l.predictor == 3 && l.format != sampleFloat || l.predictor < 1 || l.predictor > 3:
		return fmt.Errorf("TIFF of predictor %d with %d bits a sample is not read", l.predictor, l.bits)
	case l.photometric == colourMap && (l.bits > 8 || l.samples != 1):
		return fmt.Errorf("TIFF of a palette with %d samples of %d bits is not read", l.samples, l.bits)
	case l.photometric == colourMap && (o.Bands != nil || o.Scale != nil):
		return errors.New("TIFF of a palette has neither bands nor a scale")
	case o.Bands != nil && slices.Max(o.Bands) > l.samples:
		return fmt.Errorf("it has no band %d; there are %d, from 1 on", slices.Max(o.Bands), l.samples)
	case l.format == sampleFloat && o.Scale == nil:
		return errors.New("TIFF of floating-point samples; say with --scale MIN,MAX which become black and white")
	case l.format == sampleSigned && o.Scale == nil:
		return errors.New("TIFF of signed samples; say with --scale MIN,MAX which become black and white")
	case l.bits > 16 && o.Scale == nil:
		return fmt.Errorf("TIFF of %d bits a sample; say with --scale MIN,MAX which become black and white", l.bits)
	case o.Bands != nil:
		return nil
	case colours == 0:
		return fmt.Errorf("TIFF of photometric interpretation %d is not read; grey, RGB, palettes and CMYK are", l.photometric)
	case l.photometric == colourInks && (l.bits != 8 || l.samples != 4 || l.inkSet != 1 || o.Scale != nil):
		return fmt.Errorf("TIFF of %d inks of %d bits is not read; CMYK of 8 is; or %s", l.samples, l.bits, wanted)
	case l.samples < colours:
		return fmt.Errorf("TIFF of %d samples with photometric interpretation %d is not read", l.samples, l.photometric)
	case l.samples > colours+1 || l.samples == 2 && !l.alpha():
		return fmt.Errorf("TIFF of %d bands; %s", l.samples, wanted)
	}
	return nil
}

// alpha tells whether the first sample beyond the colours is said to be alpha.
func (l layout) alpha() bool { return len(l.extra) > 0 && (l.extra[0] == 1 || l.extra[0] == 2) }

var compressionNames = map[uint64]string{
	compressNone: "none", compressLZW: "LZW", compressJPEG: "JPEG", compressDeflate: "deflate", compressOldDeflate: "deflate",
	compressPackBits: "PackBits", compressZstd: "zstd",
	2: "CCITT RLE", 3: "CCITT T.4", 4: "CCITT T.6", compressOldJPEG: "old JPEG", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA",
	50001: "WebP", 50002: "JPEG XL",
}

func compressionName(c uint64) string {
	if name, ok := compressionNames[c]; ok {
		return fmt.Sprintf("%d (%s)", c, name)
	}
	return fmt.Sprint(c)
}
