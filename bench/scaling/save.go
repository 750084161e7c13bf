package scaling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"halorun/ranks/raster"
)

// WriteJSON writes scaling.json.
func (s *Study) WriteJSON(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// ReadJSON reads scaling.json.
func ReadJSON(from io.Reader) (*Study, error) {
	s := new(Study)
	return s, json.NewDecoder(from).Decode(s)
}

// Save writes all files of the results into a folder, each of which appears when it is complete, and returns their names.
func (s *Study) Save(dir string) (names []string, err error) {
	put := func(name string, b []byte) error {
		if err := putFile(filepath.Join(dir, name), b); err != nil {
			return fmt.Errorf("write %s: %w", filepath.Join(dir, name), err)
		}
		names = append(names, name)
		return nil
	}
	var text bytes.Buffer
	if err := s.WriteJSON(&text); err != nil {
		return nil, err
	}
	if err := put("scaling.json", text.Bytes()); err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	if err := WriteCSV(&lines, s.Records()); err != nil {
		return nil, err
	}
	if err := put("scaling.csv", lines.Bytes()); err != nil {
		return nil, err
	}
	var svgs [][]byte
	for _, f := range s.plots() {
		svg, err := f.SVG()
		if err != nil {
			return nil, err
		}
		svgs = append(svgs, svg)
		png, err := f.PNG()
		if err != nil {
			return nil, err
		}
		if err := put(f.name+".svg", svg); err != nil {
			return nil, err
		}
		if err := put(f.name+".png", png); err != nil {
			return nil, err
		}
	}
	return names, put("report.html", s.page(svgs))
}

// putFile puts a file in place, whole or not at all.
func putFile(name string, b []byte) error {
	p, err := raster.NewPending(name)
	if err != nil {
		return err
	}
	return p.Put(b)
}

// Names are those of the files that Save writes.
func Names() []string {
	names := []string{"scaling.json", "scaling.csv", "report.html"}
	for _, f := range plotNames() {
		names = append(names, f+".svg", f+".png")
	}
	return names
}

func plotNames() []string { return []string{"speedup", "efficiency", "time"} }
