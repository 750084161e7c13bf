package folder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IsGlob tells whether a name is a pattern of names.
func IsGlob(name string) bool { return strings.ContainsAny(name, `*?[`) }

// Glob finds the files that a pattern matches, sorted, as a shell does: of hidden ones only those whose dot is in the pattern. A ** between
// slashes is for any number of folders, or, at the end, for all that is in them; it follows no symbolic links to folders, and leaves out the
// folder skip. Names count from the last folder of the pattern that has no wildcard in it.
func Glob(pattern, skip string, find Find) error {
	g := &glob{found: make(map[string]bool)}
	if st, err := os.Stat(skip); err == nil {
		g.skip = st
	}
	parts := strings.Split(filepath.Clean(pattern), "/")
	for _, p := range parts {
		if _, err := filepath.Match(p, ""); err != nil {
			return fmt.Errorf("%q is no pattern of names: %w", pattern, err)
		}
	}
	plain := slices.IndexFunc(parts, IsGlob)
	if plain < 0 {
		plain = len(parts) - 1
	}
	base := strings.Join(parts[:plain], "/")
	if plain > 0 {
		base += "/" // which may be the root
	}
	g.expand(base, parts[plain:])
	for _, p := range slices.Sorted(slices.Values(g.paths)) {
		if err := find(p, strings.TrimPrefix(p, base)); err != nil {
			return err
		}
	}
	return nil
}

// glob is a pattern while it is expanded.
type glob struct {
	skip  fs.FileInfo // a folder, or nil
	paths []string
	found map[string]bool
}

// expand finds what the parts of a pattern match in a folder, whose path ends in a slash or is empty.
func (g *glob) expand(dir string, parts []string) {
	part, rest := parts[0], parts[1:]
	switch {
	case part == "**" && len(rest) > 0 && rest[0] == "**":
		g.expand(dir, rest)
	case part == "**":
		g.deep(dir, rest)
	case strings.ContainsAny(part, `*?[\`):
		for _, e := range list(dir) {
			if ok, _ := filepath.Match(part, e.Name()); ok && (!isHidden(e.Name()) || isHidden(part)) {
				g.take(dir+e.Name(), rest)
			}
		}
	default:
		g.take(dir+part, rest)
	}
}

// deep expands ** and what follows it in a folder and those in it.
func (g *glob) deep(dir string, rest []string) {
	if len(rest) > 0 {
		g.expand(dir, rest)
	}
	for _, e := range list(dir) {
		switch {
		case isHidden(e.Name()):
		case e.IsDir():
			if st, err := e.Info(); g.skip == nil || err == nil && !os.SameFile(st, g.skip) {
				g.deep(dir+e.Name()+"/", rest)
			}
		case len(rest) == 0:
			g.take(dir+e.Name(), nil)
		}
	}
}

// take goes on with the rest of a pattern at a path. Where there is none, a regular file is found.
func (g *glob) take(path string, rest []string) {
	if len(rest) > 0 {
		g.expand(path+"/", rest)
		return
	}
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && !g.found[path] {
		g.found[path] = true
		g.paths = append(g.paths, path)
	}
}

// list returns what is in a folder, as far as it can be read.
func list(dir string) []fs.DirEntry {
	if dir == "" {
		dir = "."
	}
	all, _ := os.ReadDir(dir) // a shell does not complain either
	return all
}

func isHidden(name string) bool { return strings.HasPrefix(name, ".") }
