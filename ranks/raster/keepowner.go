package raster

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives f the owner, as far as that is allowed, and the permissions of the file it will replace.
func keepOwner(f *os.File, old fs.FileInfo) error {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid)) // only root may give files away
	}
	return f.Chmod(old.Mode().Perm())
}
