package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tmpfs mounts a file system of a test's own.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		// Full and broken disks cannot be had otherwise, and only root can mount. CI runs as root.
		t.Skip("a file system can only be mounted by root")
	}
	dir := t.TempDir()
	if err := unix.Mount("halorun-test", dir, "tmpfs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount("halorun-test", dir, "tmpfs", unix.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// On real file systems that are full, cannot have more files, or are read-only, checkpoints are given up with one line.
func TestCheckpointsOnBadDisks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, mount := range map[string]func() string{
		"full":          func() string { return tmpfs(t, "size=8k") },
		"out of inodes": func() string { return tmpfs(t, "nr_inodes=4") },
		"read-only": func() string {
			dir := tmpfs(t, "")
			remount(t, dir, unix.MS_RDONLY, "")
			return dir
		},
	} {
		for _, ext := range []string{"ppm", "png"} {
			f := b.job(t, ext)
			dir := mount()
			args := append([]string{"run", "-n", "3", "--tile-rows", "16", "--checkpoint", "all", "--checkpoint-dir", filepath.Join(dir, "jobs"), b.path("in.ppm"), f.out}, failureOps...)
			status, _ := f.command(args...)
			f.wantsAll(status)
			if strings.Count(f.stderr, "\n") != 1 || !strings.Contains(f.stderr, "checkpoints are given up: ") {
				t.Errorf("%s, %s: it says %q", name, ext, f.stderr)
			}
		}
	}
}

// Where OUTPUT finds no room, the job fails with one line that says so, and goes on from there once there is room.
func TestOutputOnBadDisks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, ext := range []string{"ppm", "png"} {
		f := b.job(t, ext)
		f.dir, f.out = t.TempDir(), filepath.Join(tmpfs(t, fmt.Sprintf("size=%d", len(f.want)/2)), "out."+ext)
		disk := filepath.Dir(f.out)
		run := []string{"-n", "3", "--tile-rows", "16", "--checkpoint", "all"}
		status, _ := f.run(run...)
		if _, err := os.Stat(f.out); status != exitFailed || err == nil || !strings.Contains(f.stderr, "no space left on device") {
			t.Errorf("%s: status %d, %v, %s", ext, status, err, f.stderr)
		}
		if kept := strings.Contains(f.stderr, "'halorun resume "); kept != (ext == "png") { // a PPM's size is known before the work
			t.Errorf("%s: it says %q", ext, f.stderr)
		}
		remount(t, disk, 0, fmt.Sprintf("size=%d", 4*len(f.want)))
		status, _ = f.run(append(run, "--resume")...)
		f.wantsAll(status)

		remount(t, disk, unix.MS_RDONLY, "")
		status, _ = f.run(run...)
		if got, err := os.ReadFile(f.out); status != exitFailed || err != nil || !bytes.Equal(got, f.want) || strings.Count(f.stderr, "\n") != 1 || !strings.Contains(f.stderr, "read-only file system") {
			t.Errorf("%s: status %d, %v, %s", ext, status, err, f.stderr)
		}
	}
}

// Out of inodes is as good as full.
func TestOutputWithoutInodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	f.out = filepath.Join(tmpfs(t, "nr_inodes=1"), "out.ppm")
	if status, _ := f.run("-n", "2"); status != exitFailed || strings.Count(f.stderr, "\n") != 1 || !strings.Contains(f.stderr, "no space left on device") {
		t.Errorf("status %d, %s", status, f.stderr)
	}
}

// A resumed job needs room for what is missing only.
func TestResumeNeedsRoomForTheRestOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.job(t, "ppm")
	f.dir, f.out = t.TempDir(), filepath.Join(tmpfs(t, fmt.Sprintf("size=%d", len(f.want)*3/2)), "out.ppm")
	if status, _ := f.run("-n", "2", "--tile-rows", "16", "--checkpoint", "all", "--inject", "kill:at=rename"); status != -1 {
		t.Fatalf("status %d, %s", status, f.stderr)
	}
	f.resumes("-n", "2")
}

// What keeps a job from being resumed leaves all as it is, so that it can be resumed once that is mended.
func TestResumeThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, ext := range []string{"ppm", "png"} {
		f := b.job(t, ext)
		if status, _ := f.run("-n", "2", "--tile-rows", "16", "--checkpoint", "all", "--inject", "kill:at=rename"); status != -1 {
			t.Fatalf("status %d, %s", status, f.stderr)
		}
		eventually(t, "the ranks are gone", func() bool {
			status, _ := f.run("-n", "2", "--resume", "--output-dir", "/proc/none")
			return status != exitUsage
		})
		if !strings.Contains(f.stderr, "'halorun resume ") {
			t.Errorf("it says %q", f.stderr)
		}
		if r := f.resumes("-n", "3"); restored(r) == 0 {
			t.Error("nothing was restored")
		}
	}
}

// resumes goes on with the job when nobody runs it any more.
func (f *failing) resumes(flags ...string) (r report) {
	f.Helper()
	eventually(f.T, "the ranks are gone", func() (gone bool) {
		var status int
		if status, r = f.run(append(flags, "--resume")...); status == exitUsage {
			return false
		}
		f.wantsAll(status)
		return true
	})
	return r
}

func restored(r report) (tiles int64) {
	for _, rank := range r.Ranks {
		tiles += rank.TilesRestored
	}
	if r.Head != nil {
		tiles += r.Head.TilesRestored
	}
	return tiles
}

// A report that cannot be written is an error, but the picture is there.
func TestReportOnBadDisks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	full := tmpfs(t, "size=4k")
	if err := os.WriteFile(filepath.Join(full, "filler"), make([]byte, 4096), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{full, tmpfs(t, "nr_inodes=1")} {
		f := b.job(t, "ppm")
		args := append([]string{"run", "-n", "2", "--report", filepath.Join(dir, "r.json"), b.path("in.ppm"), f.out}, failureOps...)
		status, _ := f.command(args...)
		if status != exitFailed || strings.Count(f.stderr, "\n") != 1 || !strings.Contains(f.stderr, "r.json") || !strings.Contains(f.stderr, "no space left on device") {
			t.Errorf("status %d, %s", status, f.stderr)
		}
		f.wantsAll(0)
		if left, _ := filepath.Glob(filepath.Join(dir, "*r.json*")); len(left) > 0 {
			t.Errorf("left are %v", left)
		}
	}
}

// fill writes a file of 16 KiB and brings it to the disk.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 16<<10)); err != nil {
		return err
	}
	return f.Sync()
}

// A disk that takes what is written and loses it later is found out with --fsync, and what it has lost is not taken for done.
func TestDiskThatLosesWrites(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	below := tmpfs(t, "size=8m")
	disk := filepath.Join(below, "disk")
	if err := errors.Join(os.WriteFile(disk, nil, 0o600), os.Truncate(disk, 64<<20)); err != nil {
		t.Fatal(err)
	}
	must := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	must("/sbin/mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=0,nodiscard", disk)
	loop, err := exec.Command("/sbin/losetup", "-f", "--show", disk).Output()
	if err != nil {
		// Containers often have none, even for root, and nothing else that is at hand takes writes and loses them later.
		t.Skipf("there are no loop devices here: %v", err)
	}
	device := strings.TrimSpace(string(loop))
	t.Cleanup(func() { must("/sbin/losetup", "-d", device) })
	mounted := t.TempDir()
	must("mount", device, mounted)
	t.Cleanup(func() { must("umount", mounted) })
	must("sync", "-f", mounted)
	var free unix.Statfs_t
	if err := unix.Statfs(below, &free); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(below, "filler")
	if err := os.WriteFile(filler, make([]byte, int(free.Bavail)*int(free.Bsize)-20_000), 0o600); err != nil {
		t.Fatal(err)
	}

	// Where the disk has been written to before, it loses nothing. So it is written to until it does.
	for n := 0; fill(filepath.Join(mounted, fmt.Sprint(n))) == nil; n++ {
		if n == 1000 {
			t.Fatal("the disk loses nothing")
		}
	}

	f := b.job(t, "ppm")
	f.out = filepath.Join(mounted, "out.ppm")
	if status, _ := f.run("-n", "3", "--tile-rows", "16", "--fsync", "--checkpoint", "1"); status != exitFailed || !strings.Contains(f.stderr, "write "+f.out+": cannot sync") {
		t.Errorf("status %d, %s", status, f.stderr)
	}
	if _, err := os.Stat(f.out); err == nil {
		t.Error("the output is there")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	f.resumes("-n", "2", "--fsync")
	must("umount", mounted) // so that it is read from the disk
	must("mount", device, mounted)
	f.wantsAll(0)
}
