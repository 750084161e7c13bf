package ranks

import (
	"os"
	"testing"
)

// What a process says of itself is in the order of what it takes: more than its stack, less than all there is, and more time after work.
func TestOwnUsage(t *testing.T) {
	before := OwnUsage()
	if before.ResidentBytes < int64(os.Getpagesize()) || before.ResidentBytes > 1<<40 {
		t.Errorf("%d bytes are resident", before.ResidentBytes)
	}
	block := make([]byte, 64<<20)
	for u := before; u.CPUSeconds <= before.CPUSeconds; u = OwnUsage() {
		for i := range block {
			block[i]++
		}
	}
	if grown := OwnUsage().ResidentBytes - before.ResidentBytes; grown < 32<<20 {
		t.Errorf("%d bytes more are resident after 64 MiB were written", grown)
	}
	block[0]++
}
