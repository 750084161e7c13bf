package launcher

import (
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"halorun/launcher/control"
)

// program is a process through which an agent is spoken to: the agent itself, or ssh, here or on another host.
type program interface {
	Stdin() io.WriteCloser
	Stdout() io.ReadCloser
	Stderr() io.ReadCloser
	// Kill ends the program, which Wait notices.
	Kill()
	// Wait returns how the program ended, once all that it printed to Stdout was read.
	Wait() exit
}

// localProgram is a program on this machine.
type localProgram struct {
	cmd     *exec.Cmd
	streams           // stdin, stdout, stderr
	ended   chan exit // gets how it ended
}

// startProgram starts a process as a program, with files from descriptor 3 on. If cmd has a Stderr, the program's Stderr is empty.
func startProgram(k *keeper, cmd *exec.Cmd, files []*os.File) (*localProgram, error) {
	p := &localProgram{cmd: cmd, ended: make(chan exit, 1)}
	var err error
	p.streams, err = k.spawn(cmd, nil, func(theirs [3]*os.File) {
		cmd.Stdin, cmd.Stdout = theirs[0], theirs[1]
		if cmd.Stderr == nil {
			cmd.Stderr = theirs[2]
		}
		cmd.ExtraFiles = files
	})
	if err != nil {
		return nil, err
	}
	go func() {
		awaitExit(cmd.Process.Pid)
		signalGroup(cmd.Process.Pid, syscall.SIGKILL) // what it may have started
		_ = cmd.Wait()                                // its error says what exitOf says
		p.closeRead()
		p.ended <- exitOf(cmd)
	}()
	return p, nil
}

func (p *localProgram) Stdin() io.WriteCloser { return halfClosing{p.streams[0]} }
func (p *localProgram) Stdout() io.ReadCloser { return p.streams[1] }
func (p *localProgram) Stderr() io.ReadCloser { return p.streams[2] }

// Kill may come after the end, when the process ID is another's: Process knows.
func (p *localProgram) Kill() { _ = p.cmd.Process.Kill() }

func (p *localProgram) Wait() exit {
	e := <-p.ended
	p.ended <- e
	return e
}

// halfClosing is a stdin: what was written before Close is still read.
type halfClosing struct{ *net.UnixConn }

func (h halfClosing) Close() error { return h.CloseWrite() }

// relayedHere is a program that an agent has started for its launcher.
type relayedHere struct {
	*localProgram
	input *inputQueue
}

// inputQueue holds what a program has not read yet, so that nobody waits for it. What a launcher has to say to another agent is
// little, apart from the program that it may have to send there.
type inputQueue struct {
	mu     sync.Mutex
	more   *sync.Cond
	data   [][]byte
	closed bool
}

func newInputQueue() *inputQueue {
	q := new(inputQueue)
	q.more = sync.NewCond(&q.mu)
	return q
}

// put adds input; none is its end.
func (q *inputQueue) put(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.data = append(q.data, b)
	q.more.Signal()
}

// close ends drain.
func (q *inputQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Signal()
}

// drain writes the input to w until it ends.
func (q *inputQueue) drain(w io.WriteCloser) {
	for {
		q.mu.Lock()
		for len(q.data) == 0 && !q.closed {
			q.more.Wait()
		}
		if q.closed {
			q.mu.Unlock()
			return
		}
		next := q.data[0]
		q.data = q.data[1:]
		q.mu.Unlock()
		if len(next) == 0 {
			_ = w.Close()
		} else if _, err := w.Write(next); err != nil {
			return // the program has ended
		}
	}
}

// relays are the programs that an agent has started for its launcher.
type relays struct {
	agent   *agent
	mu      sync.Mutex
	running map[uint32]*relayedHere
	ending  sync.WaitGroup
}

func (r *relays) obey(m control.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch m := m.(type) {
	case *control.Open:
		r.open(m)
	case *control.Input:
		if p := r.running[m.ID]; p != nil {
			p.input.put(m.Data)
		}
	case *control.Kill:
		if p := r.running[m.ID]; p != nil {
			p.Kill()
		}
	}
}

func (r *relays) open(m *control.Open) {
	ended := &control.Ended{ID: m.ID}
	path, err := exec.LookPath(m.Args[0])
	p := &relayedHere{input: newInputQueue()}
	if err == nil {
		p.localProgram, err = startProgram(r.agent.keeper, newCommand(path, m.Args, syscall.SIGTERM), nil)
	}
	if err != nil {
		ended.Error = err.Error()
		r.agent.tell(ended)
		return
	}
	if r.running == nil {
		r.running = make(map[uint32]*relayedHere)
	}
	r.running[m.ID] = p
	var reading sync.WaitGroup
	forward := func(stream string, from io.Reader) {
		b := make([]byte, 32<<10)
		for {
			n, err := from.Read(b)
			if n > 0 {
				r.agent.tell(&control.Output{ID: m.ID, Stream: stream, Data: b[:n]})
			}
			if err != nil {
				return
			}
		}
	}
	reading.Go(func() { forward("stdout", p.Stdout()) })
	reading.Go(func() { forward("stderr", p.Stderr()) })
	reading.Go(func() { p.input.drain(p.Stdin()) })
	r.ending.Go(func() {
		e := p.Wait()
		p.input.close()
		reading.Wait()
		p.streams.close()
		ended.Status, ended.Signal = e.status, int(e.signal)
		r.mu.Lock()
		delete(r.running, m.ID)
		r.mu.Unlock()
		r.agent.tell(ended)
	})
}

func (r *relays) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.running {
		p.Kill()
	}
}

func (r *relays) wait() { r.ending.Wait() }

// relayedProgram is a program on another host, started by the agent there.
type relayedProgram struct {
	id       uint32
	via      *control.Conn // to that agent
	out, err *io.PipeReader
	toOut    *io.PipeWriter
	toErr    *io.PipeWriter
	ended    chan exit
}

// relayed are the programs that one agent runs for this launcher.
type relayed struct {
	mu       sync.Mutex
	gone     bool // the agent is
	programs map[uint32]*relayedProgram
	lastID   uint32
}

// start starts a program at the other end of via.
func (r *relayed) start(via *control.Conn, args []string) (program, error) {
	p := &relayedProgram{via: via, ended: make(chan exit, 1)}
	p.out, p.toOut = io.Pipe()
	p.err, p.toErr = io.Pipe()
	r.mu.Lock()
	if r.gone {
		r.mu.Unlock()
		return nil, io.ErrClosedPipe
	}
	if r.programs == nil {
		r.programs = make(map[uint32]*relayedProgram)
	}
	r.lastID++
	p.id = r.lastID
	r.programs[p.id] = p
	r.mu.Unlock()
	return p, via.Send(&control.Open{ID: p.id, Args: args})
}

// take takes what the agent tells of its programs.
func (r *relayed) take(m control.Message) {
	switch m := m.(type) {
	case *control.Output:
		r.mu.Lock()
		p := r.programs[m.ID]
		r.mu.Unlock()
		switch {
		case p == nil:
		case m.Stream == "stdout":
			_, _ = p.toOut.Write(m.Data) // an error is that nobody wants it any more
		default:
			_, _ = p.toErr.Write(m.Data)
		}
	case *control.Ended:
		r.mu.Lock()
		p := r.programs[m.ID]
		delete(r.programs, m.ID)
		r.mu.Unlock()
		if p != nil {
			if m.Error != "" {
				_, _ = io.WriteString(p.toErr, m.Error+"\n")
				m.Status = sshFailed
			}
			p.end(exit{status: m.Status, signal: syscall.Signal(m.Signal)})
		}
	}
}

// lost ends all programs, because the agent is gone.
func (r *relayed) lost() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
	for id, p := range r.programs {
		delete(r.programs, id)
		p.end(exit{status: sshFailed})
	}
}

func (p *relayedProgram) end(e exit) {
	p.ended <- e
	p.toOut.Close()
	p.toErr.Close()
}

func (p *relayedProgram) Stdin() io.WriteCloser { return relayedInput{p} }
func (p *relayedProgram) Stdout() io.ReadCloser { return p.out }
func (p *relayedProgram) Stderr() io.ReadCloser { return p.err }
func (p *relayedProgram) Kill()                 { go func() { _ = p.via.Send(&control.Kill{ID: p.id}) }() }

func (p *relayedProgram) Wait() exit {
	e := <-p.ended
	p.ended <- e
	return e
}

type relayedInput struct{ p *relayedProgram }

func (i relayedInput) Write(b []byte) (int, error) {
	const piece = 64 << 10
	sent := 0
	for sent < len(b) {
		next := b[sent:min(sent+piece, len(b))]
		if err := i.p.via.Send(&control.Input{ID: i.p.id, Data: next}); err != nil {
			return sent, err
		}
		sent += len(next)
	}
	return sent, nil
}

func (i relayedInput) Close() error {
	return i.p.via.Send(&control.Input{ID: i.p.id})
}
