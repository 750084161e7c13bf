package launcher

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// theAgent stands for the agent where errors name a rank.
const theAgent = -1

// StartError says that a rank could not be started or did not attach in time, or that the agent did not.
type StartError struct {
	Rank int // -1 is the agent
	Host string
	Err  error
}

func (e *StartError) Error() string {
	return fmt.Sprintf("start %s: %v", process(e.Rank, e.Host), e.Err)
}

func (e *StartError) Unwrap() error { return e.Err }

// RankFailed is an error that a rank reported.
type RankFailed struct {
	Rank    int
	Host    string
	Status  int // the exit status that it asks for, not 0
	Message string
}

func (e *RankFailed) Error() string { return process(e.Rank, e.Host) + ": " + e.Message }

// RankDied says that a rank ended without having finished its part, or that the agent did.
type RankDied struct {
	Rank int // -1 is the agent
	Host string
	How  string // in words, such as "was killed by SIGSEGV"
}

func (e *RankDied) Error() string { return process(e.Rank, e.Host) + " " + e.How }

func process(rank int, host string) string {
	if rank == theAgent {
		return "the agent on host " + host
	}
	return fmt.Sprintf("rank %d on host %s", rank, host)
}

// howEnded says in words how a process ended: with a status, or by a signal.
func howEnded(status int, signal syscall.Signal) string {
	switch {
	case signal == syscall.SIGKILL:
		return "was killed by SIGKILL (by somebody, or by the kernel for lack of memory)"
	case signal != 0:
		return "was killed by " + unix.SignalName(signal)
	case status == 0:
		return "exited without having finished its part"
	}
	return fmt.Sprintf("exited with status %d", status)
}
