package ledger

import (
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
)

// limited is set in a process that ownProcess started.
const limited = "HALORUN_LEDGER_TEST_LIMITED"

// ownProcess runs the test alone in a process of its own, in which it reports true. A limit on a process's files would
// also meet the file in which go test keeps what the tests read.
func ownProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(limited) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), limited+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// limitFiles lets no file of this process grow beyond n bytes from here on.
func limitFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ) // a write returns EFBIG instead
	limit.Cur = n
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}
