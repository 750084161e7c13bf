package ledger

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// pictures are of 1 MiB: a tile of labels, as an edge detector leaves them, and one of noise.
func pictures() map[string]tile {
	const width, height = 4096, 256
	labels := tile{Entry: Entry{0, 0, height, width, 0, true}, rows: make([]byte, width*height)}
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		for x, y := r.IntN(width), 0; y < height; x, y = x+r.IntN(3)-1, y+1 {
			labels.rows[y*width+(x+width)%width] = byte(1 + r.IntN(2))
		}
	}
	return map[string]tile{"labels": labels, "noise": newTile(0, 0, height, width, true)}
}

func BenchmarkAdd(b *testing.B) {
	for _, name := range []string{"in place", "labels", "noise"} {
		a, stored := pictures()[name]
		if !stored {
			a = pictures()["noise"]
		}
		rows, size := rowsOf(a.rows, a.RowBytes), len(a.rows)
		if !stored {
			rows, size = nil, recordSize
		}
		b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			dir := filepath.Join(b.TempDir(), "ledger")
			w := create(b, dir, "w", Options{})
			for b.Loop() {
				if err := w.Add(a.Entry, rows); err != nil {
					b.Fatal(err)
				}
				if w.Bytes() > 256<<20 { // lest it fill the disk
					b.StopTimer()
					w.Close()
					if err := os.RemoveAll(dir); err != nil {
						b.Fatal(err)
					}
					w = create(b, dir, "w", Options{})
					b.StartTimer()
				}
			}
			w.Close()
		})
	}
}

func BenchmarkSync(b *testing.B) {
	for _, goroutines := range []int{1, 16} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			w := create(b, b.TempDir(), "w", Options{})
			defer w.Close()
			b.SetParallelism(goroutines)
			if goroutines == 1 {
				for b.Loop() {
					addAndSync(b, w)
				}
				return
			}
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					addAndSync(b, w)
				}
			})
		})
	}
}

func addAndSync(b *testing.B, w *Writer) {
	if err := w.Add(Entry{Hi: 1, RowBytes: 1}, nil); err != nil {
		b.Error(err)
	}
	if err := w.Sync(); err != nil {
		b.Error(err)
	}
}

func BenchmarkRead(b *testing.B) {
	for name, a := range pictures() {
		b.Run(fmt.Sprintf("%s/%d", name, len(a.rows)), func(b *testing.B) {
			dir := b.TempDir()
			w := create(b, dir, "w", Options{})
			defer w.Close()
			a.add(b, w)
			s, err := Open(segments(b, dir)[0], job)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.SetBytes(int64(len(a.rows)))
			dst := rowsOf(make([]byte, len(a.rows)), a.RowBytes)
			for b.Loop() {
				if err := s.Read(0, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, damaged := range []bool{false, true} {
		for _, name := range []string{"in place", "stored"} {
			b.Run(fmt.Sprintf("%s/damaged=%v", name, damaged), func(b *testing.B) {
				path := filepath.Join(b.TempDir(), "segment")
				w := create(b, filepath.Dir(path), "w", Options{})
				defer w.Close()
				a := newTile(0, 0, 1, 1<<20, true)
				if name != "stored" {
					a.Stored, a.rows = false, nil
				}
				for w.Bytes() < 60<<20 {
					a.add(b, w)
				}
				content, err := os.ReadFile(segments(b, filepath.Dir(path))[0])
				if err != nil {
					b.Fatal(err)
				}
				if damaged {
					for at := headerSize; at < len(content); at += recordSize + len(a.rows) {
						content[at+10] ^= 1
					}
				}
				put(b, path, content)
				b.SetBytes(int64(len(content)))
				for b.Loop() {
					s, err := Open(path, job)
					if err != nil {
						b.Fatal(err)
					}
					s.Close()
				}
			})
		}
	}
}
