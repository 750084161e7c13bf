package launcher

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// binaries are the builds of this program that can be sent to hosts which lack them.
type binaries struct {
	executable string
	list       []*binary // the first is the running one
}

// binary is one build.
type binary struct {
	machine string // as uname -m has it
	path    string
	sum     func() (string, error)
	packed  map[string]func() ([]byte, error) // by the tool that unpacks it
}

// machines says what uname -m is for a GOARCH.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// findBinaries finds the running program and builds for other architectures beside it, such as halorun-linux-arm64.
func findBinaries(executable string) *binaries {
	b := &binaries{executable: executable, list: []*binary{newBinary(runtime.GOARCH, executable)}}
	path := executable
	if path == self {
		path, _ = os.Readlink(self)
	}
	for arch := range machines {
		beside := otherBuild(path, arch)
		if st, err := os.Stat(beside); err == nil && st.Mode().IsRegular() && arch != runtime.GOARCH {
			b.list = append(b.list, newBinary(arch, beside))
		}
	}
	return b
}

// otherBuild returns where the build for another architecture stands: beside this one, its architecture in its name.
func otherBuild(path, arch string) string {
	base := strings.TrimSuffix(filepath.Base(path), "-linux-"+runtime.GOARCH)
	return filepath.Join(filepath.Dir(path), base+"-linux-"+arch)
}

func newBinary(arch, path string) *binary {
	b := &binary{machine: machines[arch], path: path}
	b.sum = sync.OnceValues(func() (string, error) { return sumOf(path) })
	b.packed = map[string]func() ([]byte, error){
		"zstd": sync.OnceValues(func() ([]byte, error) {
			return packed(path, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })
		}),
		"gzip": sync.OnceValues(func() ([]byte, error) {
			return packed(path, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
		}),
		"cat": sync.OnceValues(func() ([]byte, error) { return os.ReadFile(path) }),
	}
	return b
}

func packed(path string, packer func(io.Writer) (io.WriteCloser, error)) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	w, err := packer(&b)
	if err == nil {
		_, err = io.Copy(w, f)
		err = errors.Join(err, w.Close())
	}
	return b.Bytes(), err
}

// forMachine returns the build for what uname -m says, or an error that says where it is looked for.
func (b *binaries) forMachine(machine string) (*binary, error) {
	for _, one := range b.list {
		if one.machine == machine {
			return one, nil
		}
	}
	for arch, m := range machines {
		if m == machine {
			path, _ := filepath.EvalSymlinks(b.executable)
			return nil, fmt.Errorf("its processor is %s (%s) and this program is for %s: put a build for it at %s (make dist), "+
				"or install one there and give --remote-path", machine, arch, runtime.GOARCH, otherBuild(path, arch))
		}
	}
	return nil, fmt.Errorf("its processor is %q, for which there is no Halorun; there is one for x86_64 and aarch64", machine)
}

// announce is how a script begins: what goes wrong behind this line is not ssh's failure, whose exit status is also that of a program
// that a signal ended.
const announce = `printf "\nhalorun login\n"; `

// agentScript returns what a host's shell is to run so that it becomes an agent. A program that the host lacks it asks for, in a
// line that begins with "halorun staging", and gets it on stdin, behind a line that says how long it is, how packed and its
// SHA-256. With verify a program that is there is looked at closely before it is used.
//
// It is for any POSIX shell, run by any login shell: no newline, no single quote, no exclamation mark.
func (b *binaries) agentScript(args []string, verify bool) (string, error) {
	lookup := strings.Builder{}
	if len(b.list) > 1 || verify {
		lookup.WriteString(`case $(uname -m) in `)
		for _, one := range b.list {
			sum, err := one.sum()
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&lookup, "%s) h=%s;; ", one.machine, sum)
		}
		lookup.WriteString("*) h=none;; esac; ")
	} else {
		sum, err := b.list[0].sum()
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lookup, "h=%s; ", sum)
	}
	run := "agent"
	if len(args) > 0 {
		run = strings.Join(args, " ") // our own words, without anything a shell minds
	}
	var check string
	if verify {
		// Whoever runs a damaged program may hang in it, and does not end with its connection.
		check = `sum "$p" "$h" || { for e in /proc/[0-9]*; do [ "$e/exe" -ef "$p" ] && kill -9 "${e#/proc/}"; done; rm -f "$p"; }; `
	}
	return announce + `d="${XDG_CACHE_HOME:-$HOME/.cache}/halorun"; ` + lookup.String() + `p="$d/$h/halorun"; ` +
		// A host without a tool for checksums trusts the length.
		`sum() { s=$(sha256sum <"$1" 2>/dev/null || shasum -a 256 <"$1" 2>/dev/null); case "$s" in ""|"$2"*) [ -s "$1" ];; *) false;; esac; }; ` +
		check +
		`[ -x "$p" ] && exec "$p" ` + run + `; ` +
		`umask 077; t=cat; for z in gzip zstd; do command -v $z >/dev/null 2>&1 && t=$z; done; ` +
		`printf "\nhalorun staging %s %s\n" "$(uname -m)" $t; ` +
		`read -r n t h || exit 1; p="$d/$h/halorun"; ` +
		`fail() { rm -f "$new"; printf "\nhalorun staging failed\n"; exit 1; }; ` +
		// The capitals are where mktemp puts letters of its own, so that two that arrive at once do not meet.
		`mkdir -p "$d/$h" && new=$(mktemp "$d/$h/.new.XXXXXX") || fail; ` +
		`trap fail HUP INT TERM PIPE; ` +
		`{ if [ $t = cat ]; then head -c $n; else head -c $n | $t -dcq; fi; } >"$new" || fail; ` +
		`sum "$new" "$h" || { echo "what arrived is damaged: its SHA-256 is wrong" >&2; fail; }; ` +
		`chmod 755 "$new" && mv -f "$new" "$p" || fail; ` +
		`exec "$p" ` + run, nil
}

// remoteScript is agentScript for a program that the user has installed.
func remoteScript(path string, args []string) string {
	return announce + fmt.Sprintf(`[ -x %[1]s ] || { echo %[1]s is not there, or not a program >&2; exit 127; }; exec %[1]s %s`,
		`"`+path+`"`, strings.Join(args, " "))
}

// send answers a host that asks for a program. It calls progress as bytes are taken.
func (b *binaries) send(w io.Writer, machine, tool string, progress func()) (int, error) {
	one, err := b.forMachine(machine)
	if err != nil {
		return 0, err
	}
	pack, ok := one.packed[tool]
	if !ok {
		return 0, fmt.Errorf("it unpacks with %q, which is not known here", tool)
	}
	data, err := pack()
	if err != nil {
		return 0, fmt.Errorf("pack %s: %w", one.path, err)
	}
	sum, err := one.sum()
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(w, "%d %s %s\n", len(data), tool, sum); err != nil {
		return 0, err
	}
	const piece = 256 << 10
	for at := 0; at < len(data); at += piece {
		if _, err := w.Write(data[at:min(at+piece, len(data))]); err != nil {
			return at, err
		}
		progress()
	}
	return len(data), nil
}
