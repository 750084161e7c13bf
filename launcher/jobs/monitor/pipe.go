package monitor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"halorun/launcher/jobs/watch"
)

// Pipe is a Source that is told of snapshots, one a line, as 'halorun top --json --stream' prints them, on whatever host.
type Pipe struct {
	r     io.ReadCloser
	lines *bufio.Scanner
}

// NewPipe returns a source that reads r.
func NewPipe(r io.ReadCloser) *Pipe {
	p := &Pipe{r, bufio.NewScanner(r)}
	p.lines.Buffer(nil, maxAnswer)
	return p
}

// Look returns what the next line says. The error is an io.EOF if there is none. When ctx ends r is closed.
func (p *Pipe) Look(ctx context.Context, _ string) ([]*watch.Status, error) {
	defer context.AfterFunc(ctx, func() { p.r.Close() })()
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
