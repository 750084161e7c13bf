package folder

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Find is called for each picture that is found: its path, and its name below the folder that names count from, with slashes.
type Find func(path, name string) error

// Walk finds the pictures in a folder and its subfolders, sorted by name: regular files, or symbolic links to such, that by their extension
// or content are pictures. It leaves out hidden and temporary files and folders, symbolic links to folders, and the folder skip.
func Walk(dir, skip string, find Find) error {
	without, err := os.Stat(skip)
	if err != nil {
		without = nil
	}
	return walk(dir, "", without, find)
}

func walk(dir, below string, skip fs.FileInfo, find Find) error {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return err
	}
	for _, e := range entries {
		if temporary(e.Name()) {
			continue
		}
		path, name := dir+string(filepath.Separator)+e.Name(), below+e.Name()
		if e.IsDir() {
			if st, err := e.Info(); skip != nil && err == nil && os.SameFile(st, skip) {
				continue
			}
			if err := walk(path, name+"/", skip, find); err != nil {
				return err
			}
			continue
		}
		if e.Type()&fs.ModeSymlink != 0 {
			// A link to a folder might lead in a circle. One that leads nowhere is a picture that is missing, if its name is one's.
			if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() || err != nil && !isPictureName(name) {
				continue
			}
		} else if !e.Type().IsRegular() {
			continue
		}
		if isPictureName(name) || isPicture(path) {
			if err := find(path, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// temporary tells whether a file or folder of that name is hidden or somebody's unfinished business.
func temporary(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return true
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp":
		return true
	}
	return false
}

// isPictureName tells whether a name has a picture's extension.
func isPictureName(name string) bool {
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
	return slices.Contains(extensions, ext) || slices.Contains([]string{"pbm", "pam", "jpe", "jfif", "btf", "tf8"}, ext)
}

// isPicture tells whether a file begins as a picture does.
func isPicture(path string) bool {
	f, _, err := openFile(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 8)
	if _, err := io.ReadFull(f, b); err != nil {
		return false
	}
	for _, begin := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "II*\x00", "MM\x00*", "II+\x00", "MM\x00+"} {
		if strings.HasPrefix(string(b), begin) {
			return true
		}
	}
	return b[0] == 'P' && b[1] >= '1' && b[1] <= '7' && (b[2] == '\n' || b[2] == ' ' || b[2] == '\t' || b[2] == '\r')
}

// maxName is how long a name in a list may be.
const maxName = 64 << 10

// Read finds the pictures of a list: names with end, a newline or 0, behind each. Names count from dir, the folder that relative ones are in;
// of those that lead elsewhere only the last part does.
func Read(list io.Reader, end byte, dir string, find Find) error {
	s := bufio.NewScanner(list)
	s.Buffer(nil, maxName)
	s.Split(func(b []byte, last bool) (int, []byte, error) {
		if i := slices.Index(b, end); i >= 0 {
			return i + 1, b[:i], nil
		}
		if last && len(b) > 0 {
			return len(b), b, nil
		}
		return 0, nil, nil
	})
	for s.Scan() {
		text := s.Text()
		if end == '\n' {
			text = strings.TrimSuffix(text, "\r")
		}
		if text == "" {
			continue
		}
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("there is a zero byte in the name %q; for names that end with one, give --null", text)
		}
		path := text
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == ".." || strings.HasPrefix(name, ".."+string(filepath.Separator)) {
			name = filepath.Base(path)
		}
		if err := find(path, filepath.ToSlash(name)); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a name of more than %d bytes; is it a list of names?", maxName)
	}
	return s.Err()
}

// Lister makes entries of what is found, and makes sure that no two pictures have one output, and that no output is an input.
type Lister struct {
	// Pages tells how many pages an input has, each of which is a picture of its own. Nil: that is not asked.
	Pages func(path string) (int, error)

	output  string
	pattern *Pattern
	n       int
	inputs  map[string]bool
	outputs map[string]string // the input of each
	files   map[file]string   // inputs
	there   map[file]string   // outputs that are there already
}

// file is what tells one file from another.
type file struct{ device, inode uint64 }

// NewLister returns a Lister of pictures whose outputs go to the given folder, which is absolute.
func NewLister(output string, p *Pattern) *Lister {
	return &Lister{
		output: output, pattern: p, inputs: make(map[string]bool), outputs: make(map[string]string), files: make(map[file]string), there: make(map[file]string),
	}
}

// maxPages is how many pages of a file are listed: there may be as many as the file has bytes to tell of them.
const maxPages = 1 << 20

// Clash says that a picture cannot be done as its name is.
type Clash struct{ In, Why string }

func (e *Clash) Error() string { return e.In + ": " + e.Why }

// Add makes entries of a file: of each page, or of the one picture that it is. There are none for a file that has been listed before. An error
// is a *Clash; the one entry that there is then has no output.
func (l *Lister) Add(path, name string) ([]*Entry, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if l.inputs[path] {
		return nil, nil
	}
	l.inputs[path] = true
	first := Entry{In: path}
	bad := func(why string) ([]*Entry, error) {
		l.n++
		first.N, first.Out = l.n, ""
		return []*Entry{&first}, &Clash{path, why}
	}
	if !utf8.ValidString(path) || !utf8.ValidString(name) {
		return bad("its name is not UTF-8 text, as which names go to ranks and into lists; rename it")
	}
	if st, err := os.Stat(path); err == nil { // else it is missing, which is found when it is opened
		first.Size, first.ModTime, first.Device, first.Inode = st.Size(), st.ModTime().UnixNano(), deviceOf(st), inodeOf(st)
		f := file{first.Device, first.Inode}
		if mine, ok := l.there[f]; ok {
			return bad(fmt.Sprintf("it is the output of another picture, %s", mine))
		}
		l.files[f] = path
	}
	pages := 1
	if l.Pages != nil {
		first.Page = 1
		if pages, err = l.Pages(path); err != nil || pages < 1 {
			pages, first.Page = 1, 0 // what is wrong is found when it is opened
		}
		if pages > maxPages {
			return bad(fmt.Sprintf("it has %d pages; at most %d of a file can be listed", pages, maxPages))
		}
	}
	all := make([]*Entry, pages)
	for i := range all {
		e := first
		if e.Page > 0 {
			e.Page += i
		}
		var why string
		if e.Out, why = l.out(path, name, l.n+1+i, max(1, e.Page)); why != "" {
			for _, before := range all[:i] {
				delete(l.outputs, before.Out)
				maps.DeleteFunc(l.there, func(_ file, out string) bool { return out == before.Out })
			}
			return bad(why)
		}
		e.N = l.n + 1 + i
		all[i] = &e
	}
	l.n += pages
	return all, nil
}

// out returns the output of a picture, or why it cannot have it.
func (l *Lister) out(path, name string, n, page int) (out, why string) {
	out, err := l.pattern.Name(name, n, page)
	if err != nil {
		return "", fmt.Sprintf("its output: %v", err)
	}
	if other, ok := l.outputs[out]; ok && other == path {
		return "", fmt.Sprintf("several of its pages would have the output %s; {page} in --output-name keeps them apart", out)
	} else if ok {
		return "", fmt.Sprintf("its output would be %s, and so would that of %s; a name with {dir}, {name}, {ext} or {n} in --output-name keeps them apart", out, other)
	}
	if st, err := os.Stat(filepath.Join(l.output, filepath.FromSlash(out))); err == nil {
		f := file{deviceOf(st), inodeOf(st)}
		if input, ok := l.files[f]; ok {
			return "", fmt.Sprintf("its output %s would take the place of the input %s", out, input)
		}
		if st.IsDir() {
			return "", fmt.Sprintf("its output %s is a folder", out)
		}
		l.there[f] = out
	}
	l.outputs[out] = path
	return out, ""
}

// Listed returns how many pictures have been listed.
func (l *Lister) Listed() int { return l.n }
