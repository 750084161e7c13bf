package launcher

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// self is the running program, even if its file was replaced.
const self = "/proc/self/exe"

// newCommand prepares a process of ours, in a process group of its own. args begins with the name that it shall see. It gets the
// signal parentDeath when its parent dies.
func newCommand(executable string, args []string, parentDeath syscall.Signal) *exec.Cmd {
	return &exec.Cmd{
		Path:        executable,
		Args:        args,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: parentDeath},
	}
}

// keeper starts processes from a thread that outlives them, because the kernel takes the end of the thread that started
// a process for the death of its parent.
type keeper struct{ calls chan func() }

func newKeeper() *keeper {
	k := &keeper{calls: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for call := range k.calls {
			call()
		}
	}()
	return k
}

// start starts c, bound to the given CPUs if there are any.
func (k *keeper) start(c *exec.Cmd, cpus []int) error {
	result := make(chan error)
	k.calls <- func() { result <- bound(cpus, c.Start) }
	return <-result
}

// streams are our ends of three streams of a process. All are sockets, not pipes: when the process has ended, CloseRead
// gives us what it has sent and then the stream's end, even if a descendant holds the other end open.
type streams [3]*net.UnixConn

// spawn starts c with three streams, which connect gives to it.
func (k *keeper) spawn(c *exec.Cmd, cpus []int, connect func(theirs [3]*os.File)) (streams, error) {
	var ours streams
	var theirs [len(ours)]*os.File
	for i := range ours {
		var err error
		if ours[i], theirs[i], err = socketPair(); err != nil {
			ours.close()
			return ours, fmt.Errorf("make a socket pair: %w", err)
		}
		defer theirs[i].Close()
	}
	connect(theirs)
	if err := k.start(c, cpus); err != nil {
		ours.close()
		return ours, err
	}
	return ours, nil
}

func (s *streams) close() {
	for _, c := range s {
		if c != nil {
			c.Close()
		}
	}
}

// closeRead makes readers get what has come so far, and then the end.
func (s *streams) closeRead() {
	for _, c := range s {
		_ = c.CloseRead() // it may be closed already
	}
}

// socketPair returns the two ends of a stream between this process and one that it starts.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "socket")
	defer file.Close()
	theirs = os.NewFile(uintptr(fds[1]), "socket")
	conn, err := net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// close lets the thread go. All its processes have ended.
func (k *keeper) close() { close(k.calls) }

// awaitExit waits until the process has ended, and leaves its ID taken until it is waited for.
func awaitExit(pid int) {
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// signalGroup sends a signal to a process and all that it started, except what has left its process group. Nobody may have
// waited for the process, or its ID could be another's.
func signalGroup(pid int, s syscall.Signal) {
	// It fails only if nobody is left.
	_ = unix.Kill(-pid, s)
}

// exit is how a process ended.
type exit struct {
	status      int
	signal      syscall.Signal // 0 if it exited by itself
	maxRSSBytes int64
}

// exitOf returns how a command ended that was waited for.
func exitOf(c *exec.Cmd) exit {
	var e exit
	if ru, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		e.maxRSSBytes = ru.Maxrss << 10
	}
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		e.signal = ws.Signal()
	} else {
		e.status = ws.ExitStatus()
	}
	return e
}

// nameProcess sets what ps and top show for this process, which is "exe" for one started as /proc/self/exe. The kernel
// cuts it to 15 bytes.
func nameProcess(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // a name is not worth an error
}

// takeDescriptor moves an inherited pipe or socket to another number, where it does not go on to child processes and a
// Close ends pending reads and writes.
func takeDescriptor(fd int, name string) (*os.File, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFIFO && kind != unix.S_IFSOCK {
		// A terminal, for one, is shared with other programs, which do not expect it to stop blocking.
		return nil, fmt.Errorf("%s is neither a pipe nor a socket; this command is started by Halorun, not by hand", name)
	}
	taken, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := unix.SetNonblock(taken, true); err != nil {
		unix.Close(taken)
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return os.NewFile(uintptr(taken), name), nil
}

// awaitEnd waits, for a limited time, for the end of a process that may be no child of this one.
func awaitEnd(pid int, limit time.Duration) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		lookForEnd(pid, limit)
		return
	}
	defer unix.Close(fd)
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		// A zombie has ended, too.
		n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds())+1)
		if n > 0 {
			return
		}
	}
}

// lookForEnd is awaitEnd for kernels before 5.3, which do not tell of the end of a process that is no child.
func lookForEnd(pid int, limit time.Duration) {
	const pause = 5 * time.Millisecond // between looks, as there is nothing to wait for
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(pause) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return
		}
		// The state follows the name, which stands in brackets. A zombie has ended, too.
		if state := bytes.TrimSpace(b[bytes.LastIndexByte(b, ')')+1:]); len(state) == 0 || state[0] == 'Z' || state[0] == 'X' {
			return
		}
	}
}
