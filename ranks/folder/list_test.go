package folder_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"halorun/ranks/folder"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct{ pattern, format, in, want string }{
		{"", "", "a/b.PNG", "a/b.PNG"},
		{"", "", "a/b.pbm", "a/b.png"},
		{"", "jpeg", "a/b.png", "a/b.jpg"},
		{"", "jpeg", "b.JPEG", "b.JPEG"},
		{"", "ppm", ".x", ".x.ppm"},
		{"{stem}_edges.{ext}", "", "a/b.c.tif", "a/b.c_edges.tif"},
		{"{dir}_{name}.png", "", "a/b/c.jpg", "a/b_c.jpg.png"},
		{"{dir}/{n:4}.png", "", "c.jpg", "0007.png"},
		{"{dir}/{n}.png", "", "x/c.jpg", "x/7.png"},
		{"{{{stem}}}.png", "", "c.jpg", "{c}.png"},
		{"deep/{name}", "png", "a/c.png", "a/deep/c.png"},
		{folder.DefaultPagePattern, "png", "a/c.tif", "a/c-12.png"},
		{"{stem}/{page:4}.{ext}", "", "a/c.tif", "a/c/0012.tif"},
	} {
		p, err := folder.ParsePattern(c.pattern, c.format)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got, err := p.Name(c.in, 7, 12); err != nil || got != c.want {
			t.Errorf("%q of %q: %q, %v; want %q", c.pattern, c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{"{", "}", "{x}.png", "{stem:3}.png", "{n:0}.png", "{n:99}.png", "../{name}", "a/../../{name}", "{stem}", "{stem}.bmp", "x/", "a\n.png", "\xff.png", "/{name}", "{dir}"} {
		if _, err := folder.ParsePattern(bad, ""); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// FuzzPattern: whatever the pattern and the name are, an output is below the output folder.
func FuzzPattern(f *testing.F) {
	f.Add("{stem}.{ext}", "a/b.png", "png")
	f.Add("{dir}/../{name}", "../b.png", "")
	f.Fuzz(func(t *testing.T, pattern, in, format string) {
		p, err := folder.ParsePattern(pattern, format)
		if err != nil {
			return
		}
		out, err := p.Name(in, 1, 1)
		if err == nil && !filepath.IsLocal(filepath.FromSlash(out)) {
			t.Errorf("%q of %q: %q", pattern, in, out)
		}
	})
}

func TestRead(t *testing.T) {
	read := func(list string, end byte) (got []string, err error) {
		err = folder.Read(strings.NewReader(list), end, "/d", func(path, name string) error {
			got = append(got, path+" "+name)
			return nil
		})
		return got, err
	}
	want := []string{"/d/a b.png a b.png", "/x/c.png c.png", "/d/s/e.png s/e.png", "/f.png f.png", "/d/g.png g.png"}
	for list, end := range map[string]byte{"a b.png\r\n\n/x/c.png\ns//e.png\n../f.png\n/d/g.png": '\n', "a b.png\x00\x00/x/c.png\x00s/e.png\x00../f.png\x00/d/g.png\x00": 0} {
		if got, err := read(list, end); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", list, got, err)
		}
	}
	if got, err := read("a\nb.png\x00", 0); err != nil || len(got) != 1 || got[0] != "/d/a\nb.png a\nb.png" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"a\x00b", strings.Repeat("x", 100000)} {
		if _, err := read(bad, '\n'); err == nil {
			t.Errorf("%.10q was taken", bad)
		}
	}
}

// No output takes the place of an input, or of another output.
func TestClashes(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for _, name := range []string{"a.png", "b.png", "c.jpg", "d.png"} {
		if err := os.WriteFile(filepath.Join(in, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.Link(filepath.Join(in, "a.png"), filepath.Join(out, "a.png")),
		os.Symlink(filepath.Join(in, "d.png"), filepath.Join(out, "b.png")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := folder.ParsePattern("{stem}.png", "")
	if err != nil {
		t.Fatal(err)
	}
	l := folder.NewLister(out, p)
	for _, c := range []struct {
		name  string
		clash bool
	}{{"a.png", true}, {"b.png", false}, {"c.jpg", false}, {"d.png", true}, {"x/../c.jpg", false}, {"c.gif", true}, {"e\xff.png", true}} {
		es, err := l.Add(filepath.Join(in, c.name), c.name)
		if clash := errors.As(err, new(*folder.Clash)); clash != c.clash || err != nil != clash {
			t.Errorf("%s: %v, %v", c.name, es, err)
		}
		if len(es) == 0 != (c.name == "x/../c.jpg") {
			t.Errorf("%s: listed before is %t", c.name, len(es) == 0)
		}
	}
}

// Each page is a picture; without a name of its own the file is none.
func TestListPages(t *testing.T) {
	pages := func(path string) (int, error) {
		switch filepath.Base(path) {
		case "a.tif":
			return 3, nil
		case "bad.tif":
			return 0, errors.New("it is bad")
		}
		return 1, nil
	}
	for pattern, want := range map[string]string{
		folder.DefaultPagePattern: "[1:a-1.tif:1 2:a-2.tif:2 3:a-3.tif:3] [4:b-1.jpg:1] [5:bad-1.tif:0]",
		"{n}-{stem}.png":          "[1:1-a.png:1 2:2-a.png:2 3:3-a.png:3] [4:4-b.png:1] [5:5-bad.png:0]",
		"{stem}.png":              "[1::1] [2:b.png:1] [3:bad.png:0]",
	} {
		p, err := folder.ParsePattern(pattern, "")
		if err != nil {
			t.Fatal(err)
		}
		l := folder.NewLister(t.TempDir(), p)
		l.Pages = pages
		var got []string
		for _, name := range []string{"a.tif", "b.jpg", "bad.tif"} {
			es, err := l.Add("/"+name, name)
			var all []string
			for _, e := range es {
				all = append(all, fmt.Sprintf("%d:%s:%d", e.N, e.Out, e.Page))
			}
			got = append(got, fmt.Sprint(all))
			if err != nil != (pattern == "{stem}.png" && name == "a.tif") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, not %s", pattern, got, want)
		}
	}
}

// Patterns match what bash's do with globstar.
func TestGlob(t *testing.T) {
	dir, out := t.TempDir(), ""
	for _, name := range []string{
		"p/a.jpg", "p/b.png", "p/s/c.jpg", "p/s/t/d.jpg", "p/s/.hid/e.jpg", "p/.f.jpg", "p/s/t/g.txt", "p/out/h.jpg", "p/a[1].jpg", "q/s/i.jpg", "p/x*y/j.jpg",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../s", filepath.Join(dir, "p/s/loop")); err != nil {
		t.Fatal(err)
	}
	patterns := []string{
		"p/*.jpg", "p/**/*.jpg", "p/**", "p/**/**/d.jpg", "**/*.jpg", "*/s/*.jpg", "p/**/t/**/*.jpg", "p/s/?.jpg", "p/.*.jpg", "p/**/.hid/*.jpg", `p/a\[1].jpg`,
		"p/s**/*.jpg", "p/[ab].*", "./p/**/*.jpg", "p//s/*.jpg", "p/s/../*.jpg", "none/**", "p/**/c.jpg", "p/s/loop/*.jpg", "p/s/*/c.jpg", `p/x\*y/*`,
	}
	for _, pattern := range patterns {
		var got []string
		err := folder.Glob(filepath.Join(dir, pattern), filepath.Join(dir, out), func(path, name string) error {
			rel, err := filepath.Rel(dir, path)
			got = append(got, rel)
			if !strings.HasSuffix(path, name) {
				t.Errorf("%s is called %s", path, name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		bash := exec.Command("bash", "-O", "globstar", "-O", "nullglob", "-c", `for f in `+pattern+`; do [ -f "$f" ] && realpath -s --relative-to=. "$f"; done; true`)
		bash.Dir = dir
		b, err := bash.Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(string(b))
		slices.Sort(want)
		if strings.Contains(pattern, "**") { // of links to folders bash follows some
			want = slices.DeleteFunc(want, func(name string) bool { return strings.Contains(name, "/loop/") })
		}
		if !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("%s: %q, not %q", pattern, got, want)
		}
	}
	// OUTPUT is left out; names count from the first wildcard.
	var names []string
	err := folder.Glob(filepath.Join(dir, "p/**/*.jpg"), filepath.Join(dir, "p/out"), func(_, name string) error {
		names = append(names, name)
		return nil
	})
	if want := []string{"a.jpg", "a[1].jpg", "s/c.jpg", "s/t/d.jpg", "x*y/j.jpg"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v; want %q", names, err, want)
	}
	if err := folder.Glob("p/[", "", nil); err == nil {
		t.Error("a bad pattern was taken")
	}
}
