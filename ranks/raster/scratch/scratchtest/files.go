// Package scratchtest makes scratch files for tests, and knows which of them were not closed.
package scratchtest

import (
	"os"
	"sync"
	"testing"
)

// Files are scratch files.
type Files struct {
	dir  string
	mu   sync.Mutex
	made []*os.File
}

// New makes none yet.
func New(t testing.TB) *Files { return &Files{dir: t.TempDir()} }

// Make is a scratch.Maker.
func (s *Files) Make() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "")
	if err != nil {
		return nil, err
	}
	s.Add(f)
	return f, os.Remove(f.Name())
}

// Add counts a file among those that were made.
func (s *Files) Add(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, f)
}

// Made returns the files that were made.
func (s *Files) Made() []*os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// Open returns how many of them are open.
func (s *Files) Open() (n int) {
	for _, f := range s.Made() {
		if _, err := f.Stat(); err == nil {
			n++
		}
	}
	return n
}
