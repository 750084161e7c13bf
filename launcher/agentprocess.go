package launcher

import (
	"crypto/rand"
	"os"
	"os/exec"
	"syscall"

	"halorun/launcher/control"
)

// firstEpoch is the number of a job's first membership.
const firstEpoch = 1

// agentProcess is an agent as the launcher sees it.
type agentProcess struct {
	cmd      *exec.Cmd
	keeper   *keeper
	conn     *control.Conn
	out      *outbox              // on the conn
	messages chan control.Message // closed at the stream's end
	broken   error                // why the stream ended; valid once messages is closed
}

// startAgent starts an agent and tells it what to start. If it dies at once, its stream ends.
func startAgent(c Config, host string) (*agentProcess, error) {
	executable := c.Executable
	if executable == "" {
		executable = self
	}
	cmd := newCommand(executable, c.AgentArgs, syscall.SIGTERM)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = c.Files
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	a := &agentProcess{cmd: cmd, keeper: newKeeper(), conn: control.NewConn(out, in), messages: make(chan control.Message, 64)}
	if err := a.keeper.start(cmd); err != nil {
		a.conn.Close()
		a.keeper.close()
		return nil, err
	}
	a.out = newOutbox(a.conn)
	a.out.post(startMessage(c, host))
	go a.out.run()
	go a.listen()
	return a, nil
}

func startMessage(c Config, host string) *control.Start {
	s := &control.Start{
		Job: c.Job, Epoch: firstEpoch, Threads: c.Threads, Key: make([]byte, 32), Spec: c.Spec, Args: c.RankArgs,
		Files: len(c.Files), Remove: c.Remove,
	}
	rand.Read(s.Key) // never fails
	for i := range c.Size {
		s.Hosts = append(s.Hosts, host)
		s.Ranks = append(s.Ranks, control.Assigned{Rank: i, Member: uint32(i)})
	}
	return s
}

func (a *agentProcess) listen() {
	defer close(a.messages)
	for {
		m, err := a.conn.Recv()
		if err != nil {
			a.broken = err
			return
		}
		a.messages <- m
	}
}

// wait waits for the agent's end, once its messages have ended and it was told to stop or killed.
func (a *agentProcess) wait() {
	_ = a.cmd.Wait() // its state says how it ended
	a.conn.Close()
	a.out.close()
	a.keeper.close()
}
