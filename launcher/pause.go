package launcher

import (
	"syscall"
	"time"

	"halorun/launcher/control"
)

// readyTime is how long a rank may take to get ready to be stopped.
const readyTime = 200 * time.Millisecond

// pause is a suspension of the job.
type pause struct {
	ready map[uint32]bool // members that may be stopped
	all   chan struct{}   // closed when all are
}

// suspend stops the ranks, once they are ready for it.
func (a *agent) suspend() {
	a.patience.Store(0) // a launcher that is stopped sends nothing
	a.limit.Store(0)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pausing != nil {
		return
	}
	p := &pause{ready: make(map[uint32]bool), all: make(chan struct{})}
	a.pausing = p
	for _, c := range a.children {
		c.out.post(&control.Suspend{})
	}
	if len(a.children) == 0 {
		close(p.all)
	}
	go func() {
		select {
		case <-p.all:
		case <-time.After(readyTime):
		}
		a.mu.Lock()
		if a.pausing == p {
			for _, c := range a.children {
				signalGroup(c.cmd.Process.Pid, syscall.SIGSTOP)
			}
		}
		a.mu.Unlock()
		a.tell(&control.Suspended{})
	}()
}

// pauses notes that a rank is ready to be stopped.
func (a *agent) pauses(c *child) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pausing
	if p == nil || p.ready[c.member] {
		return
	}
	p.ready[c.member] = true
	if len(p.ready) == len(a.children) {
		close(p.all)
	}
}

// resume lets the ranks go on.
func (a *agent) resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pausing = nil
	for _, c := range a.children {
		signalGroup(c.cmd.Process.Pid, syscall.SIGCONT)
		c.out.post(&control.Resume{})
	}
}
