package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"halorun/ranks/raster"
)

// checkReport finds mistakes in the report's path.
func (o *runOptions) checkReport() error {
	if o.report == "" {
		return nil
	}
	if err := checkFolder("the report", o.report); err != nil {
		return reportError{err}
	}
	report := placeOf(o.report, nil)
	if report.regular() && (report.same(placeOf(o.input, os.Stdin)) || report.same(placeOf(o.output, os.Stdout))) {
		return reportError{usage("the report %s is the same file as INPUT or OUTPUT", o.report)}
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
