package tiff

import (
	"errors"
	"fmt"
	"io"
)

// maxDirectories bounds the walk along the chain of directories.
const maxDirectories = 1 << 22

// walk calls visit with the place of each directory in the chain and whether it is a page, until visit returns false.
//
// A page is a directory in the chain that says neither that it is a reduced version of another nor that it is a mask (NewSubfileType's
// bits 0 and 2), as the overviews and masks of GDAL and the pyramids of libvips do. SubIFDs are not in the chain.
func (f *file) walk(visit func(at uint64, page bool) bool) error {
	near := &window{src: f.src}
	head, size, tail := f.shape()
	// Brent's way to find a circle: a mark that is set anew after 1, 2, 4, … steps is met again.
	mark, steps, limit := uint64(0), 0, 1
	for at, n := f.first, 0; at != 0; n++ {
		if at == mark || n == maxDirectories {
			return errors.New("its directories go in a circle")
		}
		if steps++; steps == limit {
			mark, steps, limit = at, 0, 2*limit
		}
		count, err := f.entryCount(near, at)
		if err != nil {
			return err
		}
		page, err := f.isPage(near, int64(at)+head, count)
		if err != nil {
			return err
		}
		if !visit(at, page) {
			return nil
		}
		next, err := near.bytes(int64(at)+head+count*size, int(tail))
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil // some writers forget the last offset
			}
			return err
		}
		at = f.offset(next)
	}
	return nil
}

// isPage looks among the first entries: they rise, and few tags are below NewSubfileType.
func (f *file) isPage(near *window, at, count int64) (bool, error) {
	_, size, _ := f.shape()
	for i := range min(count, 8) {
		b, err := near.bytes(at+i*size, int(size))
		if err != nil {
			return false, err
		}
		tag := f.order.Uint16(b)
		if tag > tagNewSubfileType {
			break
		}
		if kind := f.order.Uint16(b[2:]); tag == tagNewSubfileType && isWhole(kind) && sizeOfType(kind) <= 4 {
			v := whole(f.order, b[4+(size-4)/2:], sizeOfType(kind))
			return v&(subfileReduced|subfileMask) == 0, nil
		}
	}
	return true, nil
}

// page finds the directory of a page, numbered from 1; with 0 the only page there is.
func (f *file) page(number int) (at uint64, err error) {
	const enough = 1000 // to count for a message
	first, pages, all := uint64(0), 0, 0
	err = f.walk(func(here uint64, page bool) bool {
		if all++; all == 1 {
			first = here
		}
		if page {
			if pages++; pages == max(number, 1) {
				at = here
			}
		}
		return pages < max(number, enough)
	})
	switch {
	case number > 0 && at != 0: // whatever comes behind it
	case err != nil && at != 0 && pages == 1 && all > 1:
		// The chain breaks behind the only page: what is wrong with overviews does not matter.
	case err != nil:
		return 0, err
	case all == 0:
		return 0, errors.New("it holds no picture")
	case pages == 0 && number <= 1:
		return first, nil // all say that they are reduced
	case number == 0 && pages >= enough:
		return 0, &PagesError{Pages: 0}
	case number == 0 && pages > 1:
		return 0, &PagesError{Pages: pages}
	case number > pages:
		return 0, fmt.Errorf("it has no page %d; there are %d, from 1 on", number, pages)
	}
	return at, nil
}

// PagesError says that a file has several pages and that none was chosen.
type PagesError struct {
	Pages int // 0 for very many
}

func (e *PagesError) Error() string {
	if e.Pages == 0 {
		return "TIFF of very many pages; choose with --page N or --page all"
	}
	return fmt.Sprintf("TIFF of %d pages; choose with --page N, from 1 to %d, or --page all", e.Pages, e.Pages)
}

// Pages counts the pages of a file: the directories in its chain that are neither reduced versions of others (NewSubfileType 1) nor masks
// (4). Where all are, as in no sensible file, the first counts.
func Pages(src io.ReaderAt, size int64) (int, error) {
	f, err := openFile(src, size)
	if err != nil {
		return 0, damaged(err)
	}
	pages := 0
	if err := f.walk(func(_ uint64, page bool) bool {
		if page {
			pages++
		}
		return true
	}); err != nil {
		return 0, damaged(err)
	}
	if pages == 0 && f.first != 0 {
		return 1, nil
	}
	return pages, nil
}
