package launcher

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"halorun/hostfiles"
)

// quickKex is a key exchange that takes a tenth of the processor time of OpenSSH's default, which is also proof against quantum
// computers that do not exist yet. On the machine that connects to many hosts that is most of the time a launch takes.
const quickKex = "curve25519-sha256"

// kexOption returns the option that has ssh prefer quickKex for a host, or none where the user, or the system, has chosen key
// exchanges for it, or where ssh is not OpenSSH's.
func (l *launch) kexOption(ctx context.Context, h hostfiles.Host) []string {
	if filepath.Base(l.config.SSH[0]) != "ssh" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	usual := l.usualKex(ctx)
	if !slices.Contains(usual, quickKex) {
		return nil
	}
	args := append(slices.Clone(l.config.SSH[1:]), l.config.SSHArgs...)
	if !slices.Equal(kexAlgorithms(ctx, l.config.SSH[0], append(append([]string{"-G"}, args...), destinationArgs(h)...)), usual) {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(usual), func(k string) bool { return k == quickKex })
	return []string{"-o", fmt.Sprintf("KexAlgorithms=%s,%s", quickKex, strings.Join(rest, ","))}
}

// usualKex returns ssh's default key exchanges.
func (l *launch) usualKex(ctx context.Context) []string {
	l.once.Do(func() { l.usual = kexAlgorithms(ctx, l.config.SSH[0], []string{"-F", "none", "-G", "--", "host"}) })
	return l.usual
}

// kexAlgorithms asks ssh which key exchanges it would use.
func kexAlgorithms(ctx context.Context, ssh string, args []string) []string {
	cmd := exec.CommandContext(ctx, ssh, args...)
	cmd.WaitDelay = time.Second
	out, _ := cmd.Output() // what it does not say is not known
	for line := range bytes.Lines(out) {
		if list, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "kexalgorithms "); ok {
			return strings.Split(list, ",")
		}
	}
	return nil
}

// kexes is what launch knows of key exchanges.
type kexes struct {
	once  sync.Once
	usual []string
}
