package monitor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"halorun/launcher/jobs/watch"
)

// Pipe is a Source that is told of snapshots, one a line, as 'halorun top --json --stream' prints them, on whatever host.
type Pipe struct {
	lines *bufio.Scanner
	close func()
}

// NewPipe returns a source that reads r, and calls close at its end.
func NewPipe(r io.Reader, close func()) *Pipe {
	p := &Pipe{bufio.NewScanner(r), close}
	p.lines.Buffer(nil, maxAnswer)
	return p
}

// Look returns what the next line says. The error is an io.EOF if there is none.
func (p *Pipe) Look(string) ([]*watch.Status, error) {
	if !p.lines.Scan() {
		return nil, errors.Join(p.lines.Err(), io.EOF)
	}
	var snap Snapshot
	if err := json.Unmarshal(p.lines.Bytes(), &snap); err != nil {
		return nil, fmt.Errorf("it says what is no snapshot of jobs: %w", err)
	}
	var all []*watch.Status
	for i := range snap.Jobs {
		all = append(all, &snap.Jobs[i].Status)
	}
	return all, nil
}

// Close is for Source.
func (p *Pipe) Close() { p.close() }
