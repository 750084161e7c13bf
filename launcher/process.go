package launcher

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// self is the running program, even if its file was replaced.
const self = "/proc/self/exe"

// newCommand prepares a process of ours, in a process group of its own. It gets the signal parentDeath when its parent
// dies.
func newCommand(executable string, args []string, parentDeath syscall.Signal) *exec.Cmd {
	return &exec.Cmd{
		Path:        executable,
		Args:        append([]string{"halorun"}, args...),
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

func (k *keeper) start(c *exec.Cmd) error {
	result := make(chan error)
	k.calls <- func() { result <- c.Start() }
	return <-result
}

// close lets the thread go. All its processes have ended.
func (k *keeper) close() { close(k.calls) }

// awaitExit waits until the process has ended, and leaves its ID taken until it is waited for.
func awaitExit(pid int) {
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// killGroup ends a process and all that it started, except what has left its process group. Nobody may have waited for
// the process, or its ID could be another's.
func killGroup(pid int) {
	// It fails only if nobody is left.
	_ = unix.Kill(-pid, unix.SIGKILL)
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
