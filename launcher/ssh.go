package launcher

import (
	"fmt"
	"strings"
	"time"

	"halorun/hostfiles"
)

// sshFailed is the status with which ssh ends when it is ssh that failed, not what it ran.
const sshFailed = 255

// sshArgs returns the command that runs a command line on a host, with the program's name. Options are the first that counts for
// ssh: BatchMode is not to be changed, the others are the user's to choose.
func (c *Config) sshArgs(h hostfiles.Host, options []string, commandLine string) []string {
	args := append([]string{}, c.SSH...)
	args = append(args, "-o", "BatchMode=yes")
	args = append(args, c.SSHArgs...)
	seconds := max(1, int((c.LaunchTimeout-500*time.Millisecond)/time.Second))
	args = append(args, "-T", "-x", "-e", "none", "-o", "ClearAllForwardings=yes", "-o", "LogLevel=ERROR",
		"-o", fmt.Sprintf("ConnectTimeout=%d", seconds))
	args = append(args, options...)
	return append(append(args, destinationArgs(h)...), commandLine)
}

// destinationArgs returns the arguments that name a host.
func destinationArgs(h hostfiles.Host) []string {
	var args []string
	if h.Port != 0 {
		args = append(args, "-p", fmt.Sprint(h.Port))
	}
	if h.User != "" {
		args = append(args, "-l", h.User)
	}
	return append(args, "--", h.Name)
}

// advice says what to try when ssh says so.
var advice = []struct{ says, try string }{
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", "the host's key has changed: if that was to be expected, 'ssh-keygen -R {host}' and " +
		"'ssh {dest}' once by hand, else somebody may be between you and it"},
	{"Host key verification failed", "its host key is not known here: 'ssh {dest}' once by hand, or 'ssh-keyscan {host} >> ~/.ssh/known_hosts'"},
	{"Permission denied", "it wants a password or does not take your key: 'ssh-copy-id {dest}', or 'ssh-add' if the key has a passphrase"},
	{"Too many authentication failures", "name the key to use: IdentityFile and IdentitiesOnly in ~/.ssh/config"},
	{"Could not resolve hostname", "check the name in {origin}, DNS, /etc/hosts and ~/.ssh/config"},
	{"Connection timed out", "is it up, and is its port open? try 'ssh {dest}' (on Azure: a network security group rule for port 22)"},
	{"Operation timed out", "is it up, and is its port open? try 'ssh {dest}' (on Azure: a network security group rule for port 22)"},
	{"Connection refused", "it is up, but no sshd listens there: start it, or give port= in {origin}"},
	{"No route to host", "is it up, and in a network that is reached from here? try 'ping {host}'"},
	{"Network is unreachable", "is it in a network that is reached from here? try 'ping {host}'"},
	{"Connection closed", "its sshd turned the connection away: try 'ssh -v {dest}'; many hosts behind one jump host may want a lower --fanout"},
	{"Connection reset", "its sshd turned the connection away: try 'ssh -v {dest}'; many hosts behind one jump host may want a lower --fanout"},
	{"kex_exchange_identification", "its sshd turned the connection away: try 'ssh -v {dest}'; many hosts behind one jump host may want a lower --fanout"},
	{"Unprotected private key", "'chmod 600' the key file"},
	{"UNPROTECTED PRIVATE KEY", "'chmod 600' the key file"},
}

// Advice says what to try, by what ssh said of a host; "" if nothing comes to mind.
func Advice(h hostfiles.Host, said string) string {
	for _, a := range advice {
		if strings.Contains(said, a.says) {
			origin := h.Origin
			if origin == "" {
				origin = "the list of hosts"
			}
			return strings.NewReplacer("{host}", h.Name, "{dest}", destination(h), "{origin}", origin).Replace(a.try)
		}
	}
	return ""
}

// destination is what a user gives to ssh.
func destination(h hostfiles.Host) string {
	if h.Port != 0 {
		return fmt.Sprintf("-p %d %s", h.Port, h)
	}
	return h.String()
}

// quoted makes one word for a shell of it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Command returns the program and the arguments that run a command on a host, as agents are started there.
func (c Config) Command(h hostfiles.Host, words ...string) []string {
	c.setDefaults()
	var line []string
	for _, w := range words {
		line = append(line, quoted(w))
	}
	return c.sshArgs(h, nil, strings.Join(line, " "))
}
