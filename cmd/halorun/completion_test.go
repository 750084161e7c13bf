package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halorun/launcher/jobs"
	"halorun/launcher/jobs/progress/terminaltest"
)

// Real shells complete what is typed, at a terminal. In their place of halorun there is a function that shows what it is called with.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	job := &jobs.Job{ID: "5c0ffee5", Begun: time.Now(), Input: "/a.png", Output: "/b.png", Ops: []string{"gray"}}
	if err := job.Save(filepath.Join(state, "halorun", "jobs")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one picture.png", "list.txt", "kernel.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "results"), 0o777); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o777); err != nil {
		t.Fatal(err)
	}
	program, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, filepath.Join(bin, "halorun"), program)
	cases := []struct{ typed, want string }{
		{"halorun comple", "completion"},
		{"halorun ho", "hosts"},
		{"halorun hosts ch", "hosts|check"},
		{"halorun run --tile", "run|--tile-rows"},
		{"halorun run a b gray --qua", "run|a|b|gray|--quality"},
		{"halorun run --on-failure sh", "run|--on-failure|shrink"},
		{"halorun run --on-failure=sh", "run|--on-failure=shrink"},
		{"halorun run a b sharp", "run|a|b|sharpen"},
		{"halorun run a b blur:siz", "run|a|b|blur:size="},
		{"halorun run a b blur:size=5,", "run|a|b|blur:size=5,sigma="},
		{"halorun run a b edges:l2=t", "run|a|b|edges:l2=true"},
		{"halorun run a b conv:kernel=@ker", "run|a|b|conv:kernel=@kernel.csv"},
		{"halorun resume 5c", "resume|5c0ffee5"},
		{"halorun logs 5c", "logs|5c0ffee5"},
		{"halorun jobs show 5c", "jobs|show|5c0ffee5"},
		{"halorun run --progress js", "run|--progress|json"},
		{"halorun run --log-format=j", "run|--log-format=json"},
		{"halorun jobs --state resu", "jobs|--state|resumable"},
		{"halorun logs --level war", "logs|--level|warn"},
		{"halorun run one", "run|one picture.png"},
		{"halorun run @li", "run|@list.txt"},
		{"halorun run --hostfile li", "run|--hostfile|list.txt"},
		{"halorun run --report=li", "run|--report=list.txt"},
		{"halorun run --output-dir re", "run|--output-dir|results"},
		{"halorun completion zs", "completion|zsh"},
	}
	for shell, start := range map[string]struct {
		args []string
		rc   string
	}{
		"bash": {[]string{"--noprofile", "--norc", "-i"}, `
			source <(command halorun completion bash)
			halorun() { if [[ $1 == complete ]]; then command halorun "$@"; else local IFS='|'; echo "GOT[$*]"; fi; }`},
		"zsh": {[]string{"-d", "-f", "-i"}, `
			autoload -Uz compinit && compinit -u -D
			source <(command halorun completion zsh)
			halorun() { if [[ $1 == complete ]]; then command halorun "$@"; else local IFS='|'; echo "GOT[$*]"; fi; }`},
		"zsh by file": {[]string{"-d", "-f", "-i"}, `
			mkdir functions && command halorun completion zsh > functions/_halorun
			fpath=($PWD/functions $fpath)
			autoload -Uz compinit && compinit -u -D
			halorun() { if [[ $1 == complete ]]; then command halorun "$@"; else local IFS='|'; echo "GOT[$*]"; fi; }`},
		"fish": {[]string{"--no-config", "-i"}, `
			command halorun completion fish | source
			function halorun
				if test "$argv[1]" = complete
					command halorun $argv
				else
					echo "GOT["(string join '|' -- $argv)"]"
				end
			end`},
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			shell, byFile := strings.CutSuffix(shell, " by file")
			rc := "rc-" + shell
			if byFile {
				rc += "-file"
			}
			if err := os.WriteFile(filepath.Join(dir, rc), []byte(start.rc+"\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(shell, start.args...)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "XDG_STATE_HOME=" + state, "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir,
				"TERM=dumb", "LC_ALL=C.UTF-8"}
			term := openTerminal(t, cmd)
			term.send("source ./" + rc + "; echo READY''.\n") // the quotes tell what is echoed from what is printed
			term.await("READY.")
			for i, c := range cases {
				if byFile && i == 3 {
					break
				}
				term.send(c.typed + "\t\n")
				if got := term.await("GOT[", "]"); strings.TrimSuffix(got, "/") != c.want { // zsh takes the slash away
					t.Errorf("%s: %s, want %s", c.typed, got, c.want)
				}
			}
		})
	}
}

// terminal is one at which a program is used.
type terminal struct {
	t    *testing.T
	file *os.File
	seen bytes.Buffer
	from int // what is before has been awaited
}

// openTerminal starts a program at a terminal of its own.
func openTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	file, other := terminaltest.Open(t, 250, 50)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	other.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &terminal{t: t, file: file}
}

func (t *terminal) send(text string) {
	t.t.Helper()
	if _, err := t.file.WriteString(text); err != nil {
		t.t.Fatal(err)
	}
}

// await waits for a text on the terminal, and returns what stands between it and the next one, if there is one.
func (t *terminal) await(text string, until ...string) string {
	t.t.Helper()
	_ = t.file.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 4096)
	for {
		seen := t.seen.String()[t.from:]
		if _, rest, ok := strings.Cut(seen, text); ok {
			if len(until) == 0 {
				t.from = t.seen.Len() - len(rest)
				return ""
			}
			if between, after, ok := strings.Cut(rest, until[0]); ok {
				t.from = t.seen.Len() - len(after)
				return between
			}
		}
		n, err := t.file.Read(buf)
		t.seen.Write(buf[:n])
		if err != nil {
			t.t.Fatalf("%q did not come: %v\n%s", text, err, seen)
		}
	}
}
