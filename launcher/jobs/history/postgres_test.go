package history

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postgres starts a cluster of its own, which listens on a socket in a temporary folder alone, and returns the URI of an empty database for
// each name. The server's own account is nobody's if the tests run as root, as whom it does not run.
func postgres(t *testing.T) func(name string) string {
	t.Helper()
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(programs) == 0 {
		t.Fatal("there is no PostgreSQL server; 'make tools' installs it")
	}
	bin := filepath.Dir(programs[len(programs)-1])
	dir, err := os.MkdirTemp("/tmp", "hpg") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	server := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		const nobody = 65534
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		server.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	data := filepath.Join(dir, "data")
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr = dir, server
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "HOME=" + dir}
		return c
	}
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(testPassword+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := command("initdb", "-D", data, "-U", "tester", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "unix_socket_permissions=0777")
	var log bytes.Buffer
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGQUIT)
		_ = run.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	uri := func(name string) string {
		return fmt.Sprintf("postgres://tester:%s@/%s?host=%s", strings.ReplaceAll(testPassword, "/", "%2F"), name, dir)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		s, err := openPostgres(ctx, uri("postgres"))
		if err == nil {
			t.Cleanup(func() { s.Close() })
			return func(name string) string {
				if _, err := s.db.Exec("CREATE DATABASE " + name); err != nil {
					t.Fatal(err)
				}
				return uri(name)
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v: %s", err, log.String())
		case <-time.After(50 * time.Millisecond): // it has no other way to say that it is ready
		}
	}
}

// testPassword is one that must be found nowhere.
const testPassword = "sesame/42"

func TestPostgres(t *testing.T) {
	database := postgres(t)
	target := func(name string) Target {
		t.Helper()
		target, err := ParseTarget(database(name))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	one := target("laws")
	laws(t, func(t testing.TB) Store { return opened(t, one) })
	firstUse(t, target("first"))
	t.Run("newer", func(t *testing.T) {
		newer := target("newer")
		s := opened(t, newer).(*sqlStore)
		if _, err := s.db.Exec("UPDATE halorun_schema SET version = 7"); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), newer, nil)
		if err == nil || !strings.Contains(err.Error(), "newer version of Halorun (schema 7") || strings.Contains(err.Error(), "sesame") {
			t.Error(err)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		wrong, err := ParseTarget(strings.Replace(one.uri, "42", "4242", 1))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(context.Background(), wrong, nil)
		if err == nil || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "\n") {
			t.Error(err)
		}
	})
	t.Run("reader", func(t *testing.T) {
		shared := target("shared")
		s := opened(t, shared).(*sqlStore)
		readable(t, s, func() Target {
			for _, do := range []string{"CREATE USER reader PASSWORD 'letmesee'", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"} {
				if _, err := s.db.Exec(do); err != nil {
					t.Fatal(err)
				}
			}
			_, rest, _ := strings.Cut(shared.uri, "@")
			return Target{kind: "postgres", uri: "postgres://reader:letmesee@" + rest}
		})
	})
	t.Run("recorder", func(t *testing.T) { testDelivered(t, target("recorder")) })
}

// A server that takes connections and says nothing is left alone when the time is over.
func TestHangingServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, scheme := range []string{"postgres", "mongodb"} {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		target, err := ParseTarget(fmt.Sprintf("%s://me:sesame@%s/x", scheme, l.Addr()))
		if err == nil {
			_, err = Open(ctx, target, nil)
		}
		cancel()
		if err == nil || strings.Contains(err.Error(), "sesame") || !strings.Contains(err.Error(), l.Addr().String()) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
