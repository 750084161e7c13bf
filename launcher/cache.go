package launcher

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keptPrograms is how many programs stay in a host's cache folder.
const keptPrograms = 4

// tidyCache notes that the running program, if it is one that was sent here, is in use, and removes those that were used least
// recently. A program that runs survives the removal of its file.
func tidyCache(program string) {
	own := filepath.Dir(program)
	cache := filepath.Dir(own)
	if !isSum(filepath.Base(own)) || filepath.Base(cache) != "halorun" {
		return
	}
	now := time.Now()
	_ = os.Chtimes(own, now, now)
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	type used struct {
		path string
		at   time.Time
	}
	var all []used
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !isSum(e.Name()) {
			continue
		}
		all = append(all, used{filepath.Join(cache, e.Name()), info.ModTime()})
		removeHalfSent(filepath.Join(cache, e.Name()), now)
	}
	slices.SortFunc(all, func(a, b used) int { return b.at.Compare(a.at) })
	for _, u := range all[min(keptPrograms, len(all)):] {
		if u.path != own {
			_ = os.RemoveAll(u.path)
		}
	}
}

// removeHalfSent removes what is left of programs whose sending was cut off long ago.
func removeHalfSent(dir string, now time.Time) {
	left, _ := filepath.Glob(filepath.Join(dir, ".new.*"))
	for _, path := range left {
		if st, err := os.Stat(path); err == nil && now.Sub(st.ModTime()) > time.Hour {
			_ = os.Remove(path)
		}
	}
}

// isSum tells whether a folder's name is the SHA-256 of a program, in hex.
func isSum(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}
