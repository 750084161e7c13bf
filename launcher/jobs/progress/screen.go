package progress

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"
	"golang.org/x/sys/unix"
)

// Screen is a terminal with a block of lines at the end of what it shows, which are drawn anew again and again; all else goes above them.
// It changes nothing about the terminal: the cursor is below the block, and who ends without a word leaves but the block.
//
// It is the mpb.ConsoleWriter of the bars.
type Screen struct {
	out *os.File

	mu     sync.Mutex
	next   bytes.Buffer // the block that is being written
	block  []string     // latest
	drawn  []string     // what is there of it
	hidden bool
	err    error // of the terminal, which then gets nothing more
}

// NewScreen returns a screen without a block.
func NewScreen(terminal *os.File) *Screen { return &Screen{out: terminal} }

// IsTerminal tells whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// size returns the columns and rows. Terminals that do not know theirs have the usual ones.
func (s *Screen) size() (columns, rows int) {
	columns, rows = 80, 24
	if ws, err := unix.IoctlGetWinsize(int(s.out.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 && ws.Row > 0 {
		columns, rows = int(ws.Col), int(ws.Row)
	}
	return columns, rows
}

// Room returns the columns and rows that a block may have: the last column is left out, since a line that fills it may count as two, and so is
// the row of the cursor.
func (s *Screen) Room() (columns, rows int) {
	columns, rows = s.size()
	return max(0, columns-1), max(0, rows-1)
}

// foreground tells whether what is drawn is in nobody's way: the shell has not put this job into the background.
func (s *Screen) foreground() bool {
	group, err := unix.IoctlGetInt(int(s.out.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}

// IsTerminal is for mpb.
func (s *Screen) IsTerminal() bool { return true }

// GetTermSize is for mpb, which is not to leave out lines: Show does.
func (s *Screen) GetTermSize() (width, height int, err error) {
	width, height = s.Room()
	return width, max(1, height), nil
}

// Write adds to the block that is being written.
func (s *Screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next.Write(b)
}

// ReadFrom adds to the block that is being written.
func (s *Screen) ReadFrom(r io.Reader) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next.ReadFrom(r)
}

// Flush draws the block that was written.
func (s *Screen) Flush(int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.TrimSuffix(s.next.String(), "\n")
	s.next.Reset()
	s.block = nil
	if text != "" {
		s.block = strings.Split(text, "\n")
	}
	s.redraw(nil)
	return s.err
}

// Show draws the lines as the block.
func (s *Screen) Show(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.block = lines
	s.redraw(nil)
}

// Print puts whole lines above the block.
func (s *Screen) Print(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redraw(b)
	return s.err
}

// Hide takes the block away, until Reveal.
func (s *Screen) Hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
	s.redraw(nil)
}

// Reveal draws the block again, below whatever is there now.
func (s *Screen) Reveal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden, s.drawn = false, nil
	s.redraw(nil)
}

// Forget leaves what is drawn to its fate: others have written since.
func (s *Screen) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drawn = nil
}

// Leave ends the screen. What the block shows stays.
func (s *Screen) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.block, s.drawn, s.hidden = nil, nil, true
}

// redraw prints text and draws the block below it, in one go. The lock is held.
func (s *Screen) redraw(text []byte) {
	if s.err != nil {
		return
	}
	if !s.foreground() {
		s.drawn = nil
		s.write(text)
		return
	}
	columns, rows := s.size()
	var b bytes.Buffer
	// Lines that were drawn when the terminal was wider take more rows now.
	if up := height(s.drawn, columns); up > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[J", min(up, rows-1))
	}
	b.Write(text)
	s.drawn = nil
	if !s.hidden {
		for _, line := range s.block[:min(len(s.block), rows-1)] {
			line = runewidth.Truncate(line, max(0, columns-1), "")
			b.WriteString(line + "\n")
			s.drawn = append(s.drawn, line)
		}
	}
	s.write(b.Bytes())
}

func (s *Screen) write(b []byte) {
	if len(b) > 0 {
		_, s.err = s.out.Write(b)
	}
}

// height returns how many rows lines take.
func height(lines []string, columns int) (n int) {
	for _, line := range lines {
		n += max(1, (runewidth.StringWidth(line)+columns-1)/columns)
	}
	return n
}
