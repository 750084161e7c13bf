package raster

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// begun makes a fresh OUTPUT, as it is before it is offered to other hosts.
func begun(t *testing.T, o Output) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	size, _ := o.Size()
	if err := errors.Join(Reserve(f, size), NewWriter(f, o, false).Begin()); err != nil {
		t.Fatal(err)
	}
	return f
}

// Two fresh files for one picture differ in nothing but their marks.
func TestMark(t *testing.T) {
	for _, o := range []Output{
		{Width: 300, Height: 200, Channels: 3, Format: "ppm"},
		{Width: 16, Height: 1, Channels: 1, Format: "pgm"},
		{Width: 5, Height: 90000, Channels: 1, Format: "tiff"},
	} {
		a, b := begun(t, o), begun(t, o)
		then := time.Unix(1000, 7)
		if err := errors.Join(os.Chtimes(a.Name(), then, then), os.Chtimes(b.Name(), then, then)); err != nil {
			t.Fatal(err)
		}
		if !identify(t, a.Name(), "key").Same(identify(t, b.Name(), "key").elsewhere()) {
			t.Errorf("%v: told apart without a mark; then it is not needed", o)
		}
		before, err := os.ReadFile(a.Name())
		if err != nil {
			t.Fatal(err)
		}
		mark, err := o.Mark(a, 0)
		if err != nil || mark == nil {
			t.Fatalf("%v: mark %x, %v", o, mark, err)
		}
		if !o.Marked(a, mark, 0) || o.Marked(b, mark, 0) || o.Marked(a, nil, 0) || o.Marked(b, nil, 0) || o.Marked(b, make([]byte, 1), 0) {
			t.Errorf("%v: not marked, or both are", o)
		}
		if other, err := o.Mark(b, 0); err != nil || bytes.Equal(other, mark) || o.Marked(b, mark, 0) {
			t.Errorf("%v: both have one mark, %v", o, err)
		}
		after, err := os.ReadFile(a.Name())
		if err != nil {
			t.Fatal(err)
		}
		header, _ := o.Layout()
		if len(after) != len(before) || !bytes.Equal(after[:header], before[:header]) {
			t.Errorf("%v: the mark stands in the header or makes the file longer", o)
		}
	}
}

// A mark needs room, and is nothing for formats whose rows do not lie open.
func TestNoMark(t *testing.T) {
	for _, o := range []Output{{Width: 5, Height: 1, Channels: 3, Format: "ppm"}, {Width: 15, Height: 1, Channels: 1, Format: "tiff"}} {
		f := begun(t, o)
		before, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		mark, err := o.Mark(f, 0)
		after, _ := os.ReadFile(f.Name())
		if mark != nil || err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v: %x, %v", o, mark, err)
		}
	}
	if mark, err := (Output{Width: 50, Height: 50, Channels: 3, Format: "png"}).Mark(nil, 0); mark != nil || err != nil {
		t.Errorf("png: %x, %v", mark, err)
	}
}
