// Package testcluster makes real hosts of one machine, for tests: each is a set of Linux namespaces with a network, a host
// name, processes, a /tmp and a home folder of its own, and an sshd.
//
//	h1 10.77.0.1 ─┐
//	h2 10.77.0.2 ─┼─ bridge, in a network namespace of its own, so that no frame leaves the machine
//	h3 10.77.0.3 ─┘
//
// From every host 'ssh h2' works. The root file system is the machine's own, except /tmp, /run, /dev/shm and /root: a file in a
// host's /tmp is private to it, one in Cluster.Dir is seen by all, as on a network file system.
package testcluster

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

//go:embed host.sh
var hostScript string

// patience is how long a host may take to come up.
const patience = 20 * time.Second

// Cluster is some hosts, called h1, h2 and so on.
type Cluster struct {
	Dir string // a folder that all hosts see

	t     testing.TB
	hosts []*host
	sw    *exec.Cmd // holds the switch's network namespace
	calls chan func()
}

// host is one of them.
type host struct {
	name string
	holder,
	init *exec.Cmd // holder holds the network namespace, so that it outlives a power cut
}

// Up brings up n hosts, which go when the test ends. The test is left out for whoever is not root.
func Up(t testing.TB, n int) *Cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		// Only root can make namespaces with network devices in them, which are what makes one machine several. CI runs as root.
		t.Skip("a cluster of namespaces can only be made by root")
	}
	findSbin()
	for _, program := range []string{"ip", "sshd", "ssh", "ssh-keygen", "nft", "nsenter", "unshare", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: make test installs it", err)
		}
	}
	dir, err := os.MkdirTemp("/tmp", "halorun-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Dir: dir, t: t, calls: make(chan func())}
	go c.keep()
	t.Cleanup(c.down)
	c.sw = c.hold()
	c.ip(c.sw, "link", "set", "lo", "up")
	c.ip(c.sw, "link", "add", "br0", "type", "bridge", "forward_delay", "0", "stp_state", "0")
	c.ip(c.sw, "link", "set", "br0", "up")
	c.files(n)
	var g errgroup.Group
	for i := 1; i <= n; i++ {
		h := &host{name: fmt.Sprintf("h%d", i)}
		c.hosts = append(c.hosts, h)
		g.Go(func() error { return c.start(i, h) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

// findSbin makes programs be found that are for root only. Tests may run in parallel, so it is for good.
var findSbin = sync.OnceFunc(func() { os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin") })

// keep starts processes from a thread that lives as long as the cluster: the kernel takes the end of the thread that started a
// process for the death of its parent, and they are to die with this process.
func (c *Cluster) keep() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for call := range c.calls {
		call()
	}
}

func (c *Cluster) startKept(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	err := make(chan error)
	c.calls <- func() { err <- cmd.Start() }
	return <-err
}

// hold starts a process that does nothing but hold a new network namespace.
func (c *Cluster) hold() *exec.Cmd {
	cmd := exec.Command("unshare", "--net", "sleep", "infinity")
	if err := c.startKept(cmd); err != nil {
		c.t.Fatal(err)
	}
	// It has the namespace when it has become sleep.
	c.await("a network namespace", func() bool {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		return string(name) == "sleep\n"
	})
	return cmd
}

func (c *Cluster) await(what string, holds func() bool) {
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			c.t.Fatalf("waited %v in vain for %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond) // between looks at other processes, which cannot call us
	}
}

// inNet is a command in the network namespace of a process.
func inNet(holder *exec.Cmd, name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--net=/proc/" + strconv.Itoa(holder.Process.Pid) + "/ns/net", "--", name}, args...)...)
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, out)
	}
	return nil
}

func (c *Cluster) ip(holder *exec.Cmd, args ...string) {
	c.t.Helper()
	if err := run(inNet(holder, "ip", args...)); err != nil {
		c.t.Fatal(err)
	}
}

// files writes what all hosts share.
func (c *Cluster) files(n int) {
	hosts, known := "127.0.0.1 localhost\n", ""
	c.keygen("id")
	c.must(os.WriteFile(c.path("authorized_keys"), c.read("id.pub"), 0o600))
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("h%d", i)
		c.must(os.Mkdir(c.path(name), 0o755))
		hosts += fmt.Sprintf("%s %s\n", c.Address(name), name)
		c.keygen(name + "/hostkey")
		known += name + "," + c.Address(name) + " " + string(c.read(name+"/hostkey.pub"))
		c.must(os.WriteFile(c.path(name, "hostname"), []byte(name+"\n"), 0o644))
		c.must(os.WriteFile(c.path(name, "resolv.conf"), nil, 0o644))
		c.sshdConfig(name)
	}
	c.must(os.WriteFile(c.path("hosts"), []byte(hosts), 0o644))
	c.must(os.WriteFile(c.path("known_hosts"), []byte(known), 0o644))
	c.must(os.WriteFile(c.path("ssh_config"), fmt.Appendf(nil, `Host h* 10.77.0.*
  User root
  IdentityFile %[1]s/id
  IdentitiesOnly yes
  UserKnownHostsFile %[1]s/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
`, c.Dir), 0o600))
}

func (c *Cluster) sshdConfig(name string, lines ...string) {
	text := strings.Join(lines, "\n") // the first counts
	text += fmt.Sprintf(`
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 200
MaxSessions 200
`, c.Address(name), c.path(name, "hostkey"), c.path("authorized_keys"))
	c.must(os.WriteFile(c.path(name, "sshd_config"), []byte(text), 0o600))
}

func (c *Cluster) keygen(name string) {
	c.must(run(exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "halorun-test", "-f", c.path(name))))
}

func (c *Cluster) path(names ...string) string {
	return filepath.Join(append([]string{c.Dir}, names...)...)
}

func (c *Cluster) read(name string) []byte {
	b, err := os.ReadFile(c.path(name))
	c.must(err)
	return b
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// start brings a host up.
func (c *Cluster) start(i int, h *host) error {
	h.holder = c.hold()
	port, pid := fmt.Sprintf("p%d", i), strconv.Itoa(h.holder.Process.Pid)
	for _, err := range []error{
		run(inNet(c.sw, "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", pid)),
		run(inNet(c.sw, "ip", "link", "set", port, "master", "br0", "up")),
		run(inNet(h.holder, "ip", "link", "set", "lo", "up")),
		run(inNet(h.holder, "ip", "addr", "add", c.Address(h.name)+"/24", "dev", "eth0")),
		run(inNet(h.holder, "ip", "link", "set", "eth0", "up")),
	} {
		if err != nil {
			return err
		}
	}
	return c.boot(i, h)
}

// boot starts a host's processes.
func (c *Cluster) boot(i int, h *host) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_ = os.Remove(c.path(h.name, "ready"))
	log, err := os.Create(c.path(h.name, "init.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	h.init = exec.Command("nsenter", "--net=/proc/"+strconv.Itoa(h.holder.Process.Pid)+"/ns/net", "--",
		"unshare", "--uts", "--ipc", "--mount", "--pid", "--fork", "--kill-child",
		"bash", "-c", hostScript, "host", strconv.Itoa(i), c.Dir, filepath.Dir(self))
	h.init.Stdout, h.init.Stderr = log, log
	if err := c.startKept(h.init); err != nil {
		return err
	}
	return c.sshdUp(h)
}

// sshdUp waits until a host's sshd takes connections.
func (c *Cluster) sshdUp(h *host) error {
	for deadline := time.Now().Add(patience); ; {
		if inNet(h.holder, "bash", "-c", "exec 3<>/dev/tcp/"+c.Address(h.name)+"/22").Run() == nil {
			return nil
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(c.path(h.name, "init.log"))
			return fmt.Errorf("%s does not come up: %s", h.name, text)
		}
		time.Sleep(10 * time.Millisecond) // between attempts to connect
	}
}

func (c *Cluster) host(name string) *host {
	c.t.Helper()
	for _, h := range c.hosts {
		if h.name == name {
			return h
		}
	}
	c.t.Fatalf("there is no host %s", name)
	return nil
}

// Address returns a host's address.
func (c *Cluster) Address(name string) string {
	return "10.77.0." + strings.TrimPrefix(name, "h")
}

// inside returns the process that is PID 1 of a host, as this machine numbers it.
func (c *Cluster) inside(h *host) int {
	for _, pid := range c.Pids(h.name) {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, after, _ := strings.Cut(string(status), "\nNSpid:")
		line, _, _ := strings.Cut(after, "\n")
		if f := strings.Fields(line); len(f) == 2 && f[1] == "1" {
			return pid
		}
	}
	c.t.Fatalf("%s is not up", h.name)
	return 0
}

// Command returns a command that runs on a host, without ssh. Processes that it starts die with the host.
func (c *Cluster) Command(name, program string, args ...string) *exec.Cmd {
	c.t.Helper()
	cmd := exec.Command("nsenter", append([]string{
		"-t", strconv.Itoa(c.inside(c.host(name))), "--mount", "--uts", "--ipc", "--net", "--pid", "--",
		"sh", "-c", `cd && exec "$@"`, "sh", program,
	}, args...)...)
	cmd.Env = []string{"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return cmd
}

// Run runs a command on a host and returns what it prints. If it fails, so does the test.
func (c *Cluster) Run(name, program string, args ...string) string {
	c.t.Helper()
	out, err := c.Command(name, program, args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("on %s: %s %v: %v: %s", name, program, args, err, out)
	}
	return string(out)
}

// Pids returns the processes of a host, as this machine numbers them.
func (c *Cluster) Pids(name string) []int {
	h := c.host(name)
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", h.holder.Process.Pid))
	c.must(err)
	links, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	var pids []int
	for _, link := range links {
		pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
		if to, err := os.Readlink(link); err == nil && to == own && pid != h.holder.Process.Pid && pid != h.init.Process.Pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Cut pulls a host's cable, without a sound: no FIN, no RST, and the host does not notice.
func (c *Cluster) Cut(name string) { c.ip(c.sw, "link", "set", "p"+name[1:], "nomaster") }

// Heal plugs it in again.
func (c *Cluster) Heal(name string) {
	c.ip(c.sw, "link", "set", "p"+name[1:], "master", "br0")
	for _, h := range c.hosts {
		c.ip(h.holder, "neigh", "flush", "all")
	}
}

// PowerOff ends all processes of a host at once. Its connections get no FIN if it was cut before.
func (c *Cluster) PowerOff(name string) {
	h := c.host(name)
	c.must(syscall.Kill(c.inside(h), syscall.SIGKILL))
	_ = h.init.Wait()
}

// PowerOn brings a host up again after PowerOff.
func (c *Cluster) PowerOn(name string) {
	i, _ := strconv.Atoi(name[1:])
	c.must(c.boot(i, c.host(name)))
}

// Drop makes a host ignore what another sends, except ssh, until Undrop.
func (c *Cluster) Drop(at, from string) {
	cmd := inNet(c.host(at).holder, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader("table inet drops {\n chain in { type filter hook input priority 0;\n" +
		" tcp dport 22 accept\n tcp sport 22 accept\n ip saddr " + c.Address(from) + " drop\n }\n}\n")
	c.must(run(cmd))
}

// Undrop ends what Drop began.
func (c *Cluster) Undrop(at string) {
	c.must(run(inNet(c.host(at).holder, "nft", "delete", "table", "inet", "drops")))
}

// SSHD starts a host's sshd anew, with further lines of configuration, which count more than those that are there.
func (c *Cluster) SSHD(name string, lines ...string) {
	h := c.host(name)
	c.sshdConfig(name, lines...)
	before := c.read(name + "/sshd.pid")
	c.Run(name, "sh", "-c", "kill $(cat "+c.path(name, "sshd.pid")+")")
	c.await("another sshd", func() bool {
		now := c.read(name + "/sshd.pid")
		return len(now) > 0 && !bytes.Equal(before, now)
	})
	c.must(c.sshdUp(h))
}

// NewKey gives a host another key, so that those who knew it do not trust it any more.
func (c *Cluster) NewKey(name string) {
	for _, suffix := range []string{"", ".pub"} {
		c.must(os.Rename(c.path(name, "hostkey"+suffix), c.path(name, "oldkey"+suffix)))
	}
	c.keygen(name + "/hostkey")
	c.SSHD(name)
}

// OldKey takes NewKey back.
func (c *Cluster) OldKey(name string) {
	for _, suffix := range []string{"", ".pub"} {
		c.must(os.Rename(c.path(name, "oldkey"+suffix), c.path(name, "hostkey"+suffix)))
	}
	c.SSHD(name)
}

// down ends all processes and removes the folder. The namespaces go with the processes.
func (c *Cluster) down() {
	end := func(cmd *exec.Cmd) {
		if cmd != nil && cmd.Process != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	for _, h := range c.hosts {
		end(h.init) // --kill-child ends PID 1, and the kernel all others, which takes it a moment
		for deadline := time.Now().Add(patience); h.init != nil && len(c.Pids(h.name)) > 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond) // between looks at processes that are not our children
		}
		end(h.holder)
	}
	if c.sw != nil {
		_ = c.sw.Process.Kill()
		_ = c.sw.Wait()
	}
	close(c.calls)
	if err := os.RemoveAll(c.Dir); err != nil {
		c.t.Error(err)
	}
}
