package launcher

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"halorun/hostfiles"
)

const (
	// AgentRank stands for an agent, or for no rank at all, where errors and events name a rank.
	AgentRank = -1
	// HeadRank stands for the member that reads INPUT and writes OUTPUT, where that is no rank.
	HeadRank = -2
)

// RankName returns what people call a rank, an agent or the head.
func RankName(rank int) string {
	switch rank {
	case AgentRank:
		return "agent"
	case HeadRank:
		return "head"
	}
	return strconv.Itoa(rank)
}

// StartError says that a rank could not be started or did not attach in time, or that the agent did not.
type StartError struct {
	Rank int // or AgentRank, or HeadRank
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

func (e *RankFailed) Error() string {
	who := process(e.Rank, e.Host) + ": "
	return who + strings.TrimPrefix(e.Message, who) // it may say so itself
}

// RankDied says that a rank ended without having finished its part, or that the agent did.
type RankDied struct {
	Rank int // or AgentRank, or HeadRank
	Host string
	How  string // in words, such as "was killed by SIGSEGV"
}

func (e *RankDied) Error() string { return process(e.Rank, e.Host) + " " + e.How }

// tooOften says that a rank was lost once more than it may be.
type tooOften struct {
	err      error
	restarts int
}

func (e *tooOften) Error() string {
	return fmt.Sprintf("%v; it has been replaced %d times before, and --max-restarts allows no more", e.err, e.restarts)
}

func (e *tooOften) Unwrap() error { return e.err }

// howOf returns what is to be told to other ranks of a rank's loss.
func howOf(err error) string {
	var died *RankDied
	if errors.As(err, &died) {
		if died.Rank == AgentRank {
			return fmt.Sprintf("went with the agent on host %s, which %s", died.Host, died.How)
		}
		return died.How
	}
	return err.Error()
}

// HostError says that a host could not be reached, or that no agent could be started there.
type HostError struct {
	Host string
	Err  error
}

func (e *HostError) Error() string { return fmt.Sprintf("host %s: %v", e.Host, e.Err) }

func (e *HostError) Unwrap() error { return e.Err }

// sshError is a failure of ssh itself.
type sshError struct {
	host hostfiles.Host
	said []string
}

func (e *sshError) Error() string {
	text := "it ended without a word"
	if n := len(e.said); n > 0 {
		text = strings.TrimPrefix(e.said[n-1], "ssh: ")
		text = strings.TrimSuffix(text, ".")
	}
	if try := Advice(e.host, strings.Join(e.said, "\n")); try != "" {
		return fmt.Sprintf("ssh: %s; %s", text, try)
	}
	return fmt.Sprintf("ssh: %s; try 'ssh -o BatchMode=yes %s true'", text, destination(e.host))
}

// agentEnded says that an agent ended, or was ended, before it said hello.
type agentEnded struct {
	how  string
	said []string
}

func (e *agentEnded) Error() string { return withLast(errors.New("the agent "+e.how), e.said).Error() }

// stagingError says that the program could not be put on a host.
type stagingError struct{ err error }

func (e *stagingError) Error() string { return "sending the program: " + e.err.Error() }

func (e *stagingError) Unwrap() error { return e.err }

// withLast adds the last that was said to an error.
func withLast(err error, said []string) error {
	if len(said) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", err, said[len(said)-1])
}

func process(rank int, host string) string {
	if rank == AgentRank {
		return "the agent on host " + host
	}
	if rank == HeadRank {
		return fmt.Sprintf("the source and sink on host %s", host)
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
