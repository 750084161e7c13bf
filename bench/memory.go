package bench

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// rows returns n rows that lie side by side in memory of their own, in huge pages where the system has them, as those of OpenCV's
// pictures do. The memory is there already: to get a page when it is first written to takes longer than many an operation.
func rows(rowBytes, n int) (rs [][]byte, free func(), err error) {
	all, err := unix.Mmap(-1, 0, rowBytes*n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, fmt.Errorf("%d MB for a picture: %w", rowBytes*n>>20, err)
	}
	_ = unix.Madvise(all, unix.MADV_HUGEPAGE) // not every kernel has them
	for i := 0; i < len(all); i += 4096 {
		all[i] = 1
	}
	for y := range n {
		rs = append(rs, all[y*rowBytes:][:rowBytes:rowBytes])
	}
	return rs, func() { _ = unix.Munmap(all) }, nil
}
