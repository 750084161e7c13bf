package tiff

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// blocks are the strips or tiles of a picture. Those that show the same pixels, one of each plane, are a cell.
type blocks struct {
	width, height int // of the picture
	blockW        int // of a block, in pixels
	blockH        int
	across, down  int // cells
	planes        int // 1 if samples lie side by side
	tiled         bool
	rowBytes      int64 // of a block's row
	offsets       *table
	sizes         *table // nil if blocks are not compressed
	whole         int64  // if there is one block of unknown size: how much there can be
}

// maxSide is the most pixels a side.
const maxSide = math.MaxInt32

// maxRowBytes is the most bytes of a block's row: 2^24 pixels of 16 bytes.
const maxRowBytes = 1 << 28

// cells is how many there are.
func (b *blocks) cells() int64 { return int64(b.across) * int64(b.down) }

// rows is how many rows of the picture a row of cells shows.
func (b *blocks) rows(row int) int { return min(b.blockH, b.height-row*b.blockH) }

// columns is how many pixels of a row of the picture a column of cells shows.
func (b *blocks) columns(column int) int { return min(b.blockW, b.width-column*b.blockW) }

// stored is how many rows the blocks of a row of cells have: tiles are whole, the last strip ends with the picture.
func (b *blocks) stored(row int) int {
	if b.tiled {
		return b.blockH
	}
	return b.rows(row)
}

// layOut reads how the picture is divided. A pixel of a block takes bits.
func (d *directory) layOut(width, height, planes, bits int) (*blocks, error) {
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("it claims %d×%d pixels", width, height)
	}
	if max(width, height) > maxSide {
		return nil, fmt.Errorf("it claims %d×%d pixels; a side has at most %d", width, height, maxSide)
	}
	b := &blocks{width: width, height: height, planes: planes}
	b.blockW, b.blockH = width, int(min(d.number(tagRowsPerStrip, math.MaxUint32), uint64(height)))
	offsets, sizes := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	if b.tiled = d.has(tagTileOffsets) || d.has(tagTileWidth) && !d.has(tagStripOffsets); b.tiled {
		offsets, sizes = tagTileOffsets, tagTileByteCounts
		b.blockW, b.blockH = int(min(d.number(tagTileWidth, 0), maxSide)), int(min(d.number(tagTileHeight, 0), maxSide))
	}
	if d.err != nil {
		return nil, d.err
	}
	if b.blockW < 1 || b.blockH < 1 {
		return nil, fmt.Errorf("its strips or tiles are of %d×%d pixels", b.blockW, b.blockH)
	}
	b.across, b.down = (width-1)/b.blockW+1, (height-1)/b.blockH+1
	b.rowBytes = (int64(b.blockW)*int64(bits) + 7) / 8
	var err error
	if b.offsets, err = d.table(offsets); err != nil {
		return nil, err
	}
	if b.sizes, err = d.table(sizes); err != nil {
		return nil, err
	}
	return b, nil
}

// bytes is how much all blocks together hold, decoded.
func (b *blocks) bytes() (int64, bool) {
	rows := int64(b.height)
	if b.tiled {
		rows = int64(b.down) * int64(b.blockH)
	}
	n, ok := product(rows*int64(b.across), b.rowBytes) // rows·across is below 2^62
	if !ok {
		return 0, false
	}
	return product(n, int64(b.planes))
}

// check holds the claims to a file of size bytes, each of which stands for at most expansion bytes, and looks through the tables: what
// overlaps would have the same bytes decoded over and over.
func (b *blocks) check(size, expansion int64, compressed bool) error {
	total, ok := b.bytes()
	if !ok || total/expansion > size {
		return fmt.Errorf("it claims %d×%d pixels, which its %d bytes cannot hold, unless it is sparse (gdal_translate fills it up)", b.width, b.height, size)
	}
	if b.rowBytes > maxRowBytes {
		return fmt.Errorf("a row of its strips or tiles has %d bytes; at most %d are read", b.rowBytes, maxRowBytes)
	}
	count := b.cells() * int64(b.planes)
	entries := func(t *table) int64 {
		if t == nil {
			return 0
		}
		return t.count
	}
	if compressed && b.sizes == nil && count == 1 && entries(b.offsets) == 1 {
		b.whole = size
	} else if entries(b.offsets) != count || compressed && entries(b.sizes) != count {
		return fmt.Errorf("its tables have %d offsets and %d sizes of %d strips or tiles", entries(b.offsets), entries(b.sizes), count)
	}
	if !compressed {
		b.sizes = nil // they are known, whatever the file says
	}
	return b.checkPlaces(size, count)
}

// maxSorted is how many blocks that are in no order are looked through for overlaps.
const maxSorted = 1 << 20

type place struct{ at, end int64 }

func (b *blocks) checkPlaces(size, count int64) error {
	last, rising, total := int64(0), true, int64(0)
	for i := range count {
		at, n, err := b.place(i)
		switch {
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("strip or tile %d of %d is missing: the file was not finished, or is sparse (gdal_translate fills it up)", i, count)
		case n > size-at:
			return fmt.Errorf("%w: strip or tile %d of %d lies beyond its %d bytes", errShort, i, count, size)
		}
		rising = rising && at >= last
		last = at + n
		if total += n; total > size {
			return errors.New("its strips or tiles overlap: together they are larger than the file")
		}
	}
	if rising || count > maxSorted {
		return nil
	}
	places := make([]place, count)
	for i := range places {
		at, n, err := b.place(int64(i))
		if err != nil {
			return err
		}
		places[i] = place{at, at + n}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(places); i++ {
		if places[i].at < places[i-1].end {
			return fmt.Errorf("its strips or tiles overlap, at byte %d", places[i].at)
		}
	}
	return nil
}

// place returns where a block lies. That it is inside the file was checked.
func (b *blocks) place(i int64) (at, n int64, err error) {
	from, err := b.offsets.get(i)
	if err != nil {
		return 0, 0, err
	}
	if from > math.MaxInt64 {
		return 0, 0, fmt.Errorf("%w: strip or tile %d lies at byte %d", errShort, i, from)
	}
	switch {
	case b.whole > 0:
		return int64(from), max(b.whole-int64(from), 1), nil
	case b.sizes == nil:
		row := int(i % b.cells() / int64(b.across))
		return int64(from), int64(b.stored(row)) * b.rowBytes, nil
	}
	size, err := b.sizes.get(i)
	if err != nil {
		return 0, 0, err
	}
	if from == 0 {
		size = 0 // where the file's header is no picture's data can be
	}
	return int64(from), int64(min(size, math.MaxInt64)), nil
}

// block returns the number of a cell's block in a plane.
func (b *blocks) block(row, column, plane int) int64 {
	return (int64(plane)*int64(b.down)+int64(row))*int64(b.across) + int64(column)
}
