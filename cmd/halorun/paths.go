package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"halorun/ranks/raster"
)

// checkWritten finds mistakes in the paths of files that are told about the job: none of them is what the job reads, or what it makes, or a picture.
func (o *runOptions) checkWritten(c *cli.Context) error {
	type file struct {
		what string
		place
	}
	taken := []file{
		{"INPUT", placeOf(o.input, os.Stdin)}, {"INPUT's list", placeOf(strings.TrimPrefix(o.input, "@"), os.Stdin)}, {"OUTPUT", placeOf(o.output, os.Stdout)},
	}
	for _, flag := range []string{"hostfile", "job"} {
		if c.String(flag) != "" {
			taken = append(taken, file{"--" + flag, placeOf(c.String(flag), os.Stdin)})
		}
	}
	for _, op := range o.ops {
		if _, kernel, ok := strings.Cut(op, "kernel=@"); ok {
			kernel, _, _ = strings.Cut(kernel, ",")
			taken = append(taken, file{"the kernel", placeOf(kernel, nil)})
		}
	}
	for _, flag := range []string{"report", "log-file", "pictures-log"} {
		name := c.String(flag)
		if name == "" {
			continue
		}
		if err := checkFolder("--"+flag, name); err != nil {
			return err
		}
		this := file{"--" + flag, placeOf(name, nil)}
		if !this.regular() {
			continue
		}
		for _, other := range taken {
			if this.same(other.place) {
				return usage("--%s %s is the same file as %s", flag, name, other.what)
			}
		}
		if raster.IsPicture(name) {
			return usage("--%s %s is a picture, which is not written over; name another file", flag, name)
		}
		taken = append(taken, this)
	}
	return nil
}

// checkPaths finds mistakes in the other paths before anything is read or written.
func (o *runOptions) checkPaths() error {
	if placeOf(o.input, os.Stdin).same(placeOf(o.output, os.Stdout)) {
		return usage("OUTPUT %s is the same file as INPUT %s", o.output, o.input)
	}
	if o.output != "-" {
		return checkFolder("OUTPUT", o.output)
	}
	if _, err := unix.IoctlGetTermios(int(os.Stdout.Fd()), unix.TCGETS); err == nil {
		return usage("OUTPUT is stdout, which is a terminal: redirect it to a file or a program")
	}
	if closed(os.Stdout) {
		return usage("OUTPUT is stdout, which is closed")
	}
	return nil
}

// closed tells whether a standard stream was closed when this process began: the Go runtime then opened /dev/null in its place,
// for reading and writing, which a shell's redirection does not.
func closed(f *os.File) bool {
	var st unix.Stat_t
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR && unix.Fstat(int(f.Fd()), &st) == nil &&
		st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}

// place is where a name leads.
type place struct {
	info fs.FileInfo // nil if there is nothing yet
	path string      // then: symbolic links followed
}

// placeOf returns where a name leads; - is the stream.
func placeOf(name string, stream *os.File) place {
	if name == "-" && stream != nil {
		info, err := stream.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return place{}
		}
		return place{info: info}
	}
	if info, err := os.Stat(name); err == nil {
		return place{info: info}
	}
	path, err := raster.Target(name)
	if err != nil {
		return place{}
	}
	return place{path: path}
}

func (p place) regular() bool { return p.info == nil || p.info.Mode().IsRegular() }

func (p place) same(q place) bool {
	if p.info != nil && q.info != nil {
		return os.SameFile(p.info, q.info)
	}
	return p.path != "" && p.path == q.path
}

// checkFolder checks that there is a folder for the file to be in.
func checkFolder(what, path string) error {
	if st, err := os.Stat(path); err == nil {
		if st.IsDir() {
			return usage("%s %s is a folder; name a file in it", what, path)
		}
		return nil
	}
	target, err := raster.Target(path)
	if err == nil {
		_, err = os.Stat(filepath.Dir(target))
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return usage("the folder of %s %s does not exist", what, path)
	}
	return nil // anything else is found when it is opened
}
