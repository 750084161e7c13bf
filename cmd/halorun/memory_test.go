package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "268435456": 1 << 28, "1b": 1, "256MiB": 256 << 20, "256mib": 256 << 20, "256M": 256 << 20, "1k": 1024, "3GB": 3e9,
		"1T": 1 << 40, "9223372036854775807": math.MaxInt64,
	} {
		if got, err := parseSize("memory", text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5G", "1 GiB", "1X", "9223372036854775808", "9999999999T", "1bb", "1ib"} {
		if got, err := parseSize("memory", text); err == nil {
			t.Errorf("%s: %d", text, got)
		}
	}
}

// TestMemory: no process of a job takes more than --memory says, whatever is decided over the whole picture, and the result is the same.
func TestMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, err := buildProgram() // the race detector takes several times as much
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "halorun")
	writeProgram(t, exe, program)
	// Rows of a pattern that repeats, with edges that run from top to bottom, through all that is in memory at a time.
	const width, height, pattern = 16384, 12000, 512
	rows := make([]byte, width*pattern)
	for i := range rows {
		x, y := i%width, i/width
		rows[i] = byte(60 * (x >> 6 & 1))
		if (x+y)%509 < 3 {
			rows[i] = 255
		}
	}
	in := filepath.Join(dir, "in.pgm")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintf(f, "P5\n%d %d\n255\n", width, height)
	for y := 0; y < height; y += pattern {
		if _, err := f.Write(rows[:width*min(pattern, height-y)]); err != nil {
			t.Fatal(err)
		}
	}
	run := func(out string, args ...string) (peak int64, text string) {
		report := filepath.Join(dir, "report.json")
		cmd := exec.Command(exe, append(append([]string{"run", "-n", "2", "--checkpoint", "off", "--report", report}, args...), in, filepath.Join(dir, out))...)
		cmd.Args = append(cmd.Args, map[string][]string{"e": {"edges:low=20,high=300"}, "o": {"equalize"}}[out[:1]]...)
		b, err := cmd.CombinedOutput()
		if err != nil {
			return 0, string(b)
		}
		var r struct {
			Ranks []struct {
				MaxRSSBytes int64 `json:"max_rss_bytes"`
			}
			Launcher struct {
				MaxRSSBytes int64 `json:"max_rss_bytes"`
			}
		}
		if b, err = os.ReadFile(report); err == nil {
			err = json.Unmarshal(b, &r)
		}
		if err != nil || len(r.Ranks) != 2 {
			t.Fatalf("%v: %s", err, b)
		}
		peak = r.Launcher.MaxRSSBytes
		for _, rank := range r.Ranks {
			peak = max(peak, rank.MaxRSSBytes)
		}
		return peak, ""
	}
	for _, kind := range []string{"e", "o"} {
		_, failed := run(kind + "1.pgm")
		peak, failedTight := run(kind+"2.pgm", "--memory", "52MiB", "--scratch-dir", dir)
		if failed+failedTight != "" {
			t.Fatal(failed, failedTight)
		}
		if peak > 52<<20 {
			t.Errorf("%s: a process took %d KiB", kind, peak>>10)
		}
		one, err := os.ReadFile(filepath.Join(dir, kind+"1.pgm"))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(dir, kind+"2.pgm"))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s: other bytes, %v", kind, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "halorun-*")); left != nil {
		t.Errorf("%v is left", left)
	}
	if _, failed := run("e3.pgm", "--memory", "40MiB"); !strings.Contains(failed, "MiB at least, not 40") || strings.Count(failed, "\n") != 1 {
		t.Errorf("too little memory: %q", failed)
	}
	if _, failed := run("e3.pgm", "--memory", "52MiB", "--scratch-dir", filepath.Join(dir, "none")); !strings.Contains(failed, "scratch file") || strings.Count(failed, "\n") != 1 {
		t.Errorf("no scratch folder: %q", failed)
	}
}

// TestFolderMemory: in a folder, too, what does not fit into memory goes to scratch files, and the result is the same.
func TestFolderMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	exe, photos := filepath.Join(dir, "halorun"), filepath.Join(dir, "photos")
	writeProgram(t, exe, program)
	const width, height = 5200, 6000 // of which a progressive JPEG has 60 MiB of coefficients
	pgm := fmt.Appendf(nil, "P5\n%d %d\n255\n", width, height)
	for i := range width * height {
		x, y := i%width, i/width
		pgm = append(pgm, byte(x*7+x/9+y*97))
	}
	in := filepath.Join(dir, "in.pgm")
	if err := errors.Join(os.WriteFile(in, pgm, 0o666), os.Mkdir(photos, 0o777)); err != nil {
		t.Fatal(err)
	}
	photo := filepath.Join(photos, "a.jpg")
	if b, err := exec.Command("cjpeg", "-progressive", "-outfile", photo, in).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	run := func(args ...string) string {
		b, _ := exec.Command(exe, append([]string{"run", "-n", "1", "--checkpoint", "off"}, args...)...).CombinedOutput()
		return string(b)
	}
	want, out := filepath.Join(dir, "want.jpg"), filepath.Join(dir, "out")
	if said := run(photo, want, "blur:size=5") + run("--memory", "72MiB", "--scratch-dir", dir, photos, out, "blur:size=5"); said != "" {
		t.Fatal(said)
	}
	one, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := os.ReadFile(filepath.Join(out, "a.jpg")); err != nil || !bytes.Equal(one, two) {
		t.Errorf("other bytes, %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "halorun-*")); left != nil {
		t.Errorf("%v is left", left)
	}
	none := filepath.Join(dir, "none")
	if said := run("--memory", "72MiB", "--scratch-dir", none, photos, out, "blur:size=5"); !strings.Contains(said, "a.jpg: scratch file "+none+"/") || strings.Count(said, "\n") != 2 {
		t.Errorf("no scratch folder: %q", said)
	}
}
