package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"halorun/ranks"
	"halorun/ranks/raster"
	"halorun/ranks/raster/metadata"
)

// Whatever changes the bytes of OUTPUT makes another job of it; what only refuses some files does not.
func TestIdentityOfAJob(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	input, err := ranks.IdentifyInput(f)
	if err != nil {
		t.Fatal(err)
	}
	id := func(change func(*runOptions, *ranks.Picture)) []byte {
		o := &runOptions{input: path, output: "out.png", read: raster.Options{MaxPixels: 100}}
		p := &ranks.Picture{Ops: []string{"invert"}, Output: raster.Output{Width: 2, Height: 2, Channels: 3, Format: "png"}}
		change(o, p)
		j, err := describe("job", o, f, input, p)
		if err != nil {
			t.Fatal(err)
		}
		return j.Ledger
	}
	plain := id(func(*runOptions, *ranks.Picture) {})
	if !bytes.Equal(plain, id(func(o *runOptions, _ *ranks.Picture) { o.read.MaxPixels, o.read.Memory = 7, 8 })) {
		t.Error("limits change the job")
	}
	for name, change := range map[string]func(*runOptions, *ranks.Picture){
		"geometry": func(o *runOptions, _ *ranks.Picture) {
			o.read.Geometry = &raster.Geometry{Width: 1, Height: 1, Channels: 1}
		},
		"page":        func(o *runOptions, _ *ranks.Picture) { o.read.Page = 1 },
		"bands":       func(o *runOptions, _ *ranks.Picture) { o.read.Bands = []int{1} },
		"scale":       func(o *runOptions, _ *ranks.Picture) { o.read.Scale = &raster.Scale{Min: 0, Max: 1} },
		"strip":       func(o *runOptions, _ *ranks.Picture) { o.read.Strip = true },
		"compression": func(_ *runOptions, p *ranks.Picture) { p.Output.Compression = "deflate" },
		"level":       func(_ *runOptions, p *ranks.Picture) { p.Output.Level = 3 },
		"metadata":    func(_ *runOptions, p *ranks.Picture) { p.Output.Meta = metadata.Metadata{XMP: []byte("x")} },
	} {
		if bytes.Equal(plain, id(change)) {
			t.Errorf("another %s is the same job", name)
		}
	}
}
