package progress

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"halorun/launcher/jobs/progress/terminaltest"
	"halorun/launcher/jobs/watch"
)

func openNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// openTerminal makes a pseudo-terminal, and an emulator that shows what is written to it.
func openTerminal(t *testing.T, columns, rows int) (*os.File, *emulator) {
	t.Helper()
	master, terminal := terminaltest.Open(t, columns, rows)
	e := &emulator{terminal: terminal, changed: make(chan struct{}, 1), done: make(chan struct{})}
	e.resize(t, columns, rows)
	go e.read(master)
	t.Cleanup(func() {
		terminal.Close()
		<-e.done
	})
	return terminal, e
}

// emulator is as much of a terminal as is needed here: text, newlines, going up, and erasing.
type emulator struct {
	terminal *os.File
	changed  chan struct{}
	done     chan struct{}

	mu       sync.Mutex
	columns  int
	rows     int
	lines    []string // all there ever were
	row, col int
	wide     int // the most columns that were ever used
	strange  []string
}

func (e *emulator) resize(t *testing.T, columns, rows int) {
	t.Helper()
	terminaltest.Resize(t, e.terminal, columns, rows)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.columns, e.rows, e.wide = columns, rows, 0
}

func (e *emulator) read(master *os.File) {
	defer close(e.done)
	b := make([]byte, 4096)
	rest := ""
	for {
		n, err := master.Read(b)
		if err != nil {
			return // the last one has closed the terminal
		}
		e.mu.Lock()
		rest = e.take(rest + string(b[:n]))
		e.mu.Unlock()
		select {
		case e.changed <- struct{}{}:
		default:
		}
	}
}

// take shows text, and returns what is not complete of it. The lock is held.
func (e *emulator) take(s string) (rest string) {
	for s != "" {
		for e.row >= len(e.lines) {
			e.lines = append(e.lines, "")
		}
		switch c := s[0]; {
		case c == '\r':
			e.col = 0
		case c == '\n':
			e.row++
		case c == 0x1b:
			end := strings.IndexAny(s, "ABCDHJKm")
			if end < 0 {
				return s
			}
			n := 0
			fmt.Sscanf(s[1:], "[%d", &n)
			switch s[end] {
			case 'A':
				top := max(0, len(e.lines)-e.rows)
				e.row = max(top, e.row-max(1, n))
			case 'J':
				e.lines = e.lines[:e.row+1]
				e.lines[e.row] = e.lines[e.row][:min(e.col, len(e.lines[e.row]))]
			default:
				e.strange = append(e.strange, s[:end+1])
			}
			s = s[end+1:]
			continue
		default:
			line := e.lines[e.row]
			line += strings.Repeat(" ", max(0, e.col-len(line)))
			e.lines[e.row] = line[:e.col] + string(c) + line[min(e.col+1, len(line)):]
			e.col++
			e.wide = max(e.wide, e.col)
		}
		s = s[1:]
	}
	return ""
}

func (e *emulator) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.TrimRight(strings.Join(e.lines, "\n"), "\n")
}

// shows waits until the terminal shows what ok wants.
func (e *emulator) shows(t *testing.T, what string, ok func(text string) bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !ok(e.text()) {
		select {
		case <-e.changed:
		case <-limit:
			t.Fatalf("it does not show %s:\n%s", what, e.text())
		}
	}
}

// The view is below all lines that are printed, garbles none of them, whatever the size of the terminal, and in the end it is gone.
func TestView(t *testing.T) {
	for _, c := range []struct {
		columns, rows int
		bar, hosts    bool
	}{{80, 24, true, true}, {200, 50, true, true}, {40, 8, true, false}, {20, 5, true, false}, {6, 3, false, false}, {1, 1, false, false}, {0, 0, true, true}} {
		t.Run(fmt.Sprintf("%dx%d", c.columns, c.rows), func(t *testing.T) {
			terminal, e := openTerminal(t, c.columns, c.rows)
			if c.columns == 0 {
				e.columns, e.rows = 80, 24
			}
			b := watch.NewBoard(watch.Job{Began: time.Now(), Size: 2})
			b.Describe("j", watch.Picture{Width: 4000, Height: 3000}, nil)
			console := NewConsole(terminal)
			v := &view{console: console, screen: NewScreen(terminal), board: b}
			teller := start(v.run)
			fmt.Fprintln(console, "line 0")
			b.Progress(0, 0, "alpha", told(1, 200, 200, 50))
			b.Progress(1, 1, "beta", told(1, 200, 200, 10))
			if c.columns >= 6 || c.columns == 0 {
				e.shows(t, "30 %", func(s string) bool { return strings.Contains(s, "30 %") })
			}
			for i := range 9 {
				fmt.Fprintln(console, "line", i+1)
			}
			b.Progress(0, 0, "alpha", told(1, 200, 200, 100))
			if c.columns >= 6 || c.columns == 0 {
				e.shows(t, "55 % below all lines", func(s string) bool {
					return strings.Contains(s, "line 9\n") && strings.Contains(s[strings.Index(s, "line 9\n"):], "55 %")
				})
			}
			text := e.text()
			if got := strings.Contains(text, "[="); got != c.bar {
				t.Errorf("there is a bar: %v\n%s", got, text)
			}
			if got := strings.Contains(text, "alpha") && strings.Contains(text, "beta"); got != c.hosts {
				t.Errorf("there are hosts: %v\n%s", got, text)
			}
			teller.Close()
			fmt.Fprintln(console, "the end")
			e.shows(t, "the end", func(s string) bool { return strings.HasSuffix(s, "the end") })
			var want []string
			for i := range 10 {
				want = append(want, fmt.Sprint("line ", i))
			}
			if got := e.text(); got != strings.Join(want, "\n")+"\nthe end" {
				t.Errorf("what stays:\n%s", got)
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.columns > 8 && e.wide >= e.columns {
				t.Errorf("%d of %d columns were used", e.wide, e.columns)
			}
			if len(e.strange) > 0 {
				t.Errorf("what not every terminal knows: %q", e.strange)
			}
		})
	}
}

// A job that is over in a moment shows nothing.
func TestShortJob(t *testing.T) {
	terminal, e := openTerminal(t, 80, 24)
	b := watch.NewBoard(watch.Job{Began: time.Now()})
	console := NewConsole(terminal)
	teller := View(console, b)
	fmt.Fprintln(console, "a line")
	teller.Close()
	fmt.Fprintln(console, "another")
	e.shows(t, "both lines", func(s string) bool { return s == "a line\nanother" })
}

// When the terminal gets another size the view fits it, and while the process is to stop there is no view.
func TestResize(t *testing.T) {
	terminal, e := openTerminal(t, 120, 30)
	b := watch.NewBoard(watch.Job{Began: time.Now()})
	b.Describe("j", watch.Picture{Width: 4000, Height: 3000}, nil)
	b.Progress(0, 0, "alpha", told(1, 200, 200, 50))
	console := NewConsole(terminal)
	teller := start((&view{console: console, screen: NewScreen(terminal), board: b}).run)
	defer teller.Close()
	e.shows(t, "a long line", func(s string) bool { return strings.Contains(s, "megapixels") && strings.Contains(s, "alpha") })
	e.resize(t, 30, 5)
	b.Progress(0, 0, "alpha", told(1, 200, 200, 60))
	e.shows(t, "a short line", func(s string) bool {
		lines := strings.Split(s, "\n")
		return strings.Contains(s, "30 %") && len(lines[len(lines)-1]) < 30 && !strings.Contains(s, "alpha")
	})
	proceed := console.AroundStop()
	e.shows(t, "nothing", func(s string) bool { return !strings.Contains(s, "[=") })
	fmt.Fprintln(terminal, "$ fg")
	b.Progress(0, 0, "alpha", told(1, 200, 200, 80))
	proceed()
	e.shows(t, "the view below the shell's text", func(s string) bool { return strings.Contains(s, "$ fg\n[=") && strings.Contains(s, "40 %") })
}
