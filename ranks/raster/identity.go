package raster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"syscall"
)

// Identity tells whether a file that another process opened is the same file, whatever its name there: by its size and a
// sample of its content, and on one machine by device and inode, else by its time. A copy on another machine that has all of
// these is as good to read; to write, see [Output.Mark].
type Identity struct {
	Boot          string // of the machine, anew at each boot
	Device, Inode uint64
	Size          int64
	ModTime       int64  // ns
	Sample        []byte // HMAC-SHA256 of the sampled blocks
}

const (
	sampleBlocks = 32
	sampleBytes  = 4096
)

// Identify returns f's identity. The key, which nobody else knows, chooses the blocks that are sampled.
func Identify(f *os.File, key []byte) (Identity, error) {
	st, err := f.Stat()
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Size: st.Size(), ModTime: st.ModTime().UnixNano()}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		id.Device, id.Inode = uint64(sys.Dev), sys.Ino
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		id.Boot = strings.TrimSpace(string(boot))
	}
	id.Sample, err = sample(f, st.Size(), key)
	return id, err
}

// Sample returns what Identify does as the Sample, of a file of the given size.
func Sample(f io.ReaderAt, size int64, key []byte) ([]byte, error) { return sample(f, size, key) }

func sample(f io.ReaderAt, size int64, key []byte) ([]byte, error) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("places"))
	places := mac.Sum(nil)
	mac.Reset()
	block := make([]byte, sampleBytes)
	for i := range sampleBlocks {
		at := int64(i) * sampleBytes // a small file is read whole
		if at >= size {
			break
		}
		if size > sampleBlocks*sampleBytes && i > 0 {
			h := sha256.Sum256(append(places, byte(i)))
			at = int64(binary.LittleEndian.Uint64(h[:]) % uint64(size-sampleBytes+1))
		}
		n, err := f.ReadAt(block, at)
		if err != nil && err != io.EOF {
			return nil, err
		}
		mac.Write(block[:n])
	}
	return mac.Sum(nil), nil
}

// Same tells whether two identities are of one file.
func (id Identity) Same(other Identity) bool {
	if id.Size != other.Size || !hmac.Equal(id.Sample, other.Sample) {
		return false
	}
	if id.Boot != "" && id.Boot == other.Boot {
		return id.Device == other.Device && id.Inode == other.Inode
	}
	return id.ModTime == other.ModTime
}
