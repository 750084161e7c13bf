package scaling

import (
	"encoding/json"
	"os"
)

// report is what is taken from a job's report.
type report struct {
	Job        string       `json:"job"`
	State      string       `json:"state"`
	ExitStatus int          `json:"exit_status"`
	Error      string       `json:"error"`
	Size       int          `json:"size"`
	Restarts   int          `json:"restarts"`
	Input      Picture      `json:"input"`
	Output     Picture      `json:"output"`
	Ops        []string     `json:"ops"`
	Ranks      []rankReport `json:"ranks"`
	Head       *rankReport  `json:"head"`
}

type rankReport struct {
	Threads       int   `json:"threads"`
	BytesSent     int64 `json:"bytes_sent"`
	BytesReceived int64 `json:"bytes_received"`
	Seconds       Steps `json:"seconds"` // sums over threads, but for the start
}

func readReport(name string) (*report, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r := new(report)
	return r, json.Unmarshal(b, r)
}

// run returns what the report says of a run.
func (r *report) run() (run Run) {
	run.Restarts = r.Restarts
	n := float64(len(r.Ranks))
	most, sum := 0.0, 0.0
	mean, slowest := run.steps.list(), run.slowest.list()
	for _, rank := range r.Ranks {
		for i, s := range rank.Seconds.list() {
			a := *s
			if s != &rank.Seconds.Start { // which the threads have in common
				a /= float64(max(1, rank.Threads))
			}
			*mean[i] += a / n
			*slowest[i] = max(*slowest[i], a)
		}
		most, sum = max(most, rank.Seconds.Compute), sum+rank.Seconds.Compute
		run.Bytes += rank.BytesSent
		run.mostBytes = max(run.mostBytes, rank.BytesSent+rank.BytesReceived)
	}
	if sum > 0 {
		run.Imbalance = most/(sum/n) - 1
	}
	// A head that is no rank reads and writes for all the others.
	if h := r.Head; h != nil {
		for i, s := range h.Seconds.list() {
			*slowest[i] = max(*slowest[i], *s)
		}
		run.Bytes += h.BytesSent
		run.mostBytes = max(run.mostBytes, h.BytesSent+h.BytesReceived)
	}
	return run
}
