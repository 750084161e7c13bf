package raster

import (
	"errors"
	"fmt"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

// Reserve makes f as long as size and makes sure that there is room for it, so that a full disk is known before the work.
func Reserve(f *os.File, size int64) error {
	fd := int(f.Fd())
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("ask for free space: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("ask for its size: %w", err)
	}
	missing := max(0, size-st.Blocks*512)                 // part of it may be there
	over, free := bits.Mul64(fs.Bavail, uint64(fs.Bsize)) // some network file systems claim more than there can be
	if fs.Blocks > 0 && over == 0 && uint64(missing) > free {
		return fmt.Errorf("%w: %d bytes are needed and %d are free", unix.ENOSPC, missing, free)
	}
	// A tmpfs would fill the pages with zeros now and has the picture overwrite them later.
	if fs.Type != unix.TMPFS_MAGIC {
		var err error = unix.EINTR
		for errors.Is(err, unix.EINTR) {
			err = unix.Fallocate(fd, 0, 0, size)
		}
		if err == nil || !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
			return err
		}
	}
	return f.Truncate(size)
}
