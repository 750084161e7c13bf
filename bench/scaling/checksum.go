package scaling

import (
	"context"
	"encoding/hex"
	"io"
	"os"

	"github.com/zeebo/xxh3"
)

// checksum returns XXH3's of a file, in 128 bits.
func checksum(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxh3.New128()
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		_, _ = h.Write(buf[:n]) // never fails
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:]), nil
}
