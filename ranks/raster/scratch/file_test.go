package scratch_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"halorun/ranks/raster/scratch"
	"halorun/ranks/raster/scratch/scratchtest"
)

func TestFile(t *testing.T) {
	files := scratchtest.New(t)
	f, err := scratch.New(files.Make)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("behind"), 10); err != nil {
		t.Error(err)
	}
	b := make([]byte, 6)
	if _, err := f.ReadAt(b, 10); err != nil || string(b) != "behind" {
		t.Errorf("%q, %v", b, err)
	}
	name := files.Made()[0].Name()
	if _, err := f.ReadAt(b, 11); err == nil || err.Error() != "scratch file "+name+": reading 6 bytes at byte 11: unexpected EOF" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if files.Open() != 1 {
		t.Error("it is not open")
	}
	f.Close()
	if files.Open() != 0 {
		t.Error("it is not closed")
	}
	(*scratch.File)(nil).Close()
}

func TestErrors(t *testing.T) {
	if _, err := scratch.New(func() (*os.File, error) { return os.Create("/no/such") }); err == nil ||
		err.Error() != "scratch file /no/such: it cannot be made: no such file or directory" || !errors.Is(err, unix.ENOENT) {
		t.Error(err)
	}
	if _, err := scratch.New(func() (*os.File, error) { return nil, errors.New("none") }); err == nil || err.Error() != "scratch file: it cannot be made: none" {
		t.Error(err)
	}
	f, err := scratch.New(func() (*os.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := "scratch file /dev/full: writing 3 bytes at byte 7: no space left on device; make room there, or allow more memory"
	if _, err := f.WriteAt(make([]byte, 3), 7); err == nil || err.Error() != want || !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
}
