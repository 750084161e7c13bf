package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"halorun/kernels"
	"halorun/launcher"
	"halorun/ranks"
)

// lineSink is where the lines go that ranks print.
type lineSink struct {
	tag    bool
	files  []io.WriteCloser // by rank, if there is a folder for them
	speech *speech
	log    *slog.Logger
	once   sync.Once // for the first error
}

// newLineSink makes a file for each rank in dir, unless that is "".
func newLineSink(dir string, size int, tag bool, speech *speech, log *slog.Logger) (*lineSink, error) {
	s := &lineSink{tag: tag, speech: speech, log: log}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, &ranks.OutputError{Name: dir, Err: err}
	}
	width := len(fmt.Sprint(size - 1))
	for rank := range size {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("rank-%0*d.log", width, rank)))
		if err != nil {
			s.close()
			return nil, &ranks.OutputError{Name: dir, Err: err}
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

// line takes a whole line.
func (s *lineSink) line(rank int, host, stream, line string) {
	tagged := line
	if s.tag {
		tagged = fmt.Sprintf("[%s@%s] %s", launcher.RankName(rank), host, line)
	}
	var err error
	if rank >= 0 && rank < len(s.files) {
		_, err = io.WriteString(s.files[rank], tagged+"\n")
	} else {
		err = s.speech.line(rank, host, stream, line, tagged)
	}
	if err != nil && len(s.files) > 0 {
		s.once.Do(func() { s.log.Error(fmt.Sprintf("lines of ranks are lost: %v", err)) })
	}
}

func (s *lineSink) close() {
	for _, f := range s.files {
		_ = f.Close() // what is lost was told when it was written
	}
}

// chainText returns operations as people read them: of a large kernel the beginning.
func chainText(ops []string, separator string) string {
	var texts []string
	for _, op := range ops {
		texts = append(texts, kernels.Brief(op))
	}
	return strings.Join(texts, separator)
}
