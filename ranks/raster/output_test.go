package raster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]string{"a.png": "png", "a.PNG": "png", "x/y.z.Jpg": "jpeg", "a.jpeg": "jpeg", "a.tif": "tiff",
		"a.TIFF": "tiff", "a.ppm": "ppm", "a.pgm": "pgm", "a.pnm": "pnm", ".png": "png"} {
		if got, err := FormatOf(name); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"out": "end the name in", "out.gif": `unknown output format "gif"; there are png`,
		"dir.png/out": "end the name in", "out.": "end the name in"} {
		if got, err := FormatOf(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func outputOf(width, height, channels int, format string, quality int) Output {
	return Output{Width: width, Height: height, Channels: channels, Format: format, Quality: quality}
}

func TestOutputCheck(t *testing.T) {
	ok := []Output{
		outputOf(65535, 65535, 3, "jpeg", 1), outputOf(1, 1, 1, "jpeg", 100), outputOf(1<<31-1, 1<<31-1, 3, "png", 0),
		outputOf(65536, 65535, 1, "pgm", 0), outputOf(1<<20, 4000, 1, "tiff", 0), outputOf(1<<16, 1<<16, 3, "tiff", 0), outputOf(1<<24, 1<<24, 3, "tiff", 0), outputOf(1<<30, 1<<31, 3, "ppm", 0),
	}
	for _, o := range ok {
		if err := o.Check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	bad := map[string]Output{
		"a JPEG has at most 65535 pixels a side, not 65536×1": outputOf(65536, 1, 3, "jpeg", 95),
		"not 1×65536":                            outputOf(1, 65536, 3, "jpeg", 95),
		"from 1 to 100, not 0":                   outputOf(1, 1, 3, "jpeg", 0),
		"from 1 to 100, not 101":                 outputOf(1, 1, 3, "jpeg", 101),
		"a PNG has at most 2147483647":           outputOf(1<<31, 1, 3, "png", 0),
		"a .pgm holds grey only; add gray":       outputOf(1, 1, 3, "pgm", 0),
		"beyond what a file can hold":            outputOf(1<<31, 1<<31, 3, "ppm", 0),
		"a TIFF of 4611686018427387905×3 pixels": outputOf(1<<62+1, 3, 3, "tiff", 0), // a row's bytes overflow
		"a TIFF of 4294967295×4294967295 pixels": outputOf(1<<32-1, 1<<32-1, 3, "tiff", 0),
		"a TIFF of 1×4294966000 pixels":          outputOf(1, 4294966000, 1, "tiff", 0),
		`unknown output format "gif"`:            outputOf(1, 1, 3, "gif", 0),
		"of 2 channels cannot be written":        outputOf(1, 1, 2, "png", 0),
		"0×1 pixels":                             outputOf(0, 1, 3, "png", 0),
	}
	for want, o := range bad {
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, not %s", o, err, want)
		}
	}
}

func TestOutputSize(t *testing.T) {
	for _, o := range []Output{outputOf(5, 7, 3, "png", 0), outputOf(5, 7, 3, "jpeg", 90)} {
		if _, known := o.Size(); known {
			t.Errorf("the size of a %s is known", o.Format)
		}
	}
	if n, known := outputOf(5, 7, 3, "ppm", 0).Size(); !known || n != int64(len("P6\n5 7\n255\n")+5*7*3) {
		t.Errorf("a PPM of %d bytes", n)
	}
}

func TestReserve(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/dev/shm"} { // a disk's, probably, and a tmpfs
		f, err := os.Create(filepath.Join(dir, filepath.Base(t.TempDir())+"halorun-test"))
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(f.Name())
		defer f.Close()
		if err := Reserve(f, 1<<20+1); err != nil {
			t.Fatal(err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &st); err != nil || st.Size != 1<<20+1 {
			t.Errorf("%s: %v, %v", dir, st.Size, err)
		}
		// What it has already need not be free.
		err = Reserve(f, 1<<60)
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), fmt.Sprintf(": %d bytes are needed and ", 1<<60-st.Blocks*512)) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
