package launcher

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// Config says what to start.
type Config struct {
	Executable string     // of agent and ranks; "" is this program
	AgentArgs  []string   // arguments that make it call Agent
	RankArgs   []string   // arguments that make it call Attach
	Size       int        // how many ranks
	Threads    int        // of each rank, passed on
	Job        string     // a short name
	Spec       []byte     // what the ranks are to do, passed on
	Remove     []string   // temporary files, by absolute path, that an agent removes if the launcher is gone
	Files      []*os.File // every rank inherits them, from descriptor 4 on

	// Lines gets every line that a rank prints, without its newline; stream is stdout or stderr. A line of more than
	// 64 KiB comes in pieces. Events gets events as they happen. Calls of both come one at a time, from one goroutine.
	// One that blocks holds up the ranks, but does not keep the context from ending the job.
	Lines  func(rank int, host, stream, line string)
	Events func(Event)

	// StartTimeout is how long it may take until all ranks have attached; zero is 10 s, and 20 ms more for each rank.
	StartTimeout time.Duration
}

// Event is something that happened to a rank.
type Event struct {
	Time   time.Time `json:"time"`
	Member uint32    `json:"member"`
	Rank   int       `json:"rank"`
	Host   string    `json:"host"`
	What   string    `json:"what"`
}

// Result is what became of the ranks, as far as is known.
type Result struct {
	Epochs, Restarts int
	Ranks            []RankResult // by rank
	Events           []Event
}

// RankResult is what became of one rank.
type RankResult struct {
	Rank        int
	Member      uint32
	Host        string
	PID         int // 0 if it was not started
	Threads     int
	MaxRSSBytes int64
	Result      []byte         // what the rank gave to Done or Fail
	Status      int            // of the process's exit
	Signal      syscall.Signal // that ended it; 0 if it exited by itself
}

const (
	// causeTime is how long an error that is a mere consequence waits for its cause.
	causeTime = 300 * time.Millisecond
	// exitTime is how long ranks may take to exit, once all have finished.
	exitTime = 2 * time.Second
	// stopTime is how long the agent may take to end its ranks and itself, before it is killed.
	stopTime = stopGrace + killTime + 250*time.Millisecond
)

// Run starts the ranks and returns when all have done their part, or at the first failure, with a *StartError, a
// *RankFailed, a *RankDied or the context's cause. In any case all processes have ended by then, and the result is not
// nil.
func Run(ctx context.Context, c Config) (*Result, error) {
	host, err := os.Hostname()
	if err == nil && c.Size < 1 {
		err = errors.New("there are no ranks to start")
	}
	if err != nil {
		return &Result{}, &StartError{Rank: theAgent, Host: host, Err: err}
	}
	j := newJob(c, host)
	a, err := startAgent(c, host)
	if err != nil {
		return &j.result, &StartError{Rank: theAgent, Host: host, Err: err}
	}
	j.reporter = newReporter()
	err = j.follow(ctx, a)
	j.finish(ctx, a)
	if errors.Is(err, errAgentLost) {
		err = j.agentLost(a)
	}
	return &j.result, err
}
