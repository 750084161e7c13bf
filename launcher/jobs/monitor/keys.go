package monitor

import (
	"os"

	"golang.org/x/sys/unix"
)

// keyboard is a terminal whose keys come one by one, unseen.
type keyboard struct {
	file   *os.File
	before *unix.Termios // nil if it is none
}

// openKeyboard makes keys come one by one, if that is a terminal and we may.
func openKeyboard(f *os.File) *keyboard {
	k := &keyboard{file: f}
	if group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
		return k // to change it would stop a process in the background
	}
	if before, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
		k.before = before
		k.set()
	}
	return k
}

func (k *keyboard) set() {
	if k.before == nil {
		return
	}
	t := *k.before
	t.Lflag &^= unix.ICANON | unix.ECHO
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	_ = unix.IoctlSetTermios(int(k.file.Fd()), unix.TCSETS, &t) // a terminal that is gone has no keys
}

func (k *keyboard) restore() {
	if k.before != nil {
		_ = unix.IoctlSetTermios(int(k.file.Fd()), unix.TCSETS, k.before)
	}
}

// presses returns a channel that is closed when q is pressed. It never is if there is no terminal.
func (k *keyboard) presses() <-chan struct{} {
	quit := make(chan struct{})
	if k.before == nil {
		return quit
	}
	go func() {
		b := make([]byte, 1)
		for {
			n, err := k.file.Read(b)
			if err != nil || n == 0 {
				return
			}
			if b[0] == 'q' || b[0] == 'Q' {
				close(quit)
				return
			}
		}
	}()
	return quit
}
