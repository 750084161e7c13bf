package folder

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"halorun/ranks/raster"
)

// Pattern makes names of outputs:
//
//	{stem}  the input's name without what follows its last dot
//	{ext}   the extension of the output's format, as the input has it if the format is the same
//	{name}  the input's whole name
//	{dir}   the subfolder that the input is in; without {dir} anywhere it comes first by itself
//	{n}     the picture's place in the list, from 1; {n:4} with zeros to four digits
//	{page}  its page in the input, from 1; {page:4} with zeros
//
// {{ and }} are braces.
type Pattern struct {
	parts  []part
	dir    bool
	format string // of all outputs; "": by their names
}

// part is some text, or what stands for something.
type part struct {
	text, field string
	width       int
}

// DefaultPattern keeps names; DefaultPagePattern is for all pages of inputs.
const (
	DefaultPattern     = "{stem}.{ext}"
	DefaultPagePattern = "{stem}-{page}.{ext}"
)

// extensions are those that raster gives a format by.
var extensions = []string{"png", "jpg", "jpeg", "tif", "tiff", "ppm", "pgm", "pnm"}

// ParsePattern reads a pattern. format is one of raster's, or "".
func ParsePattern(text, format string) (*Pattern, error) {
	p := &Pattern{format: format}
	if text == "" {
		text = DefaultPattern
	}
	bad := func(what string) error { return fmt.Errorf("%q: %s", text, what) }
	if strings.HasPrefix(text, "/") {
		return nil, bad("names are below OUTPUT")
	}
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n") {
		return nil, bad("it is no name of a file")
	}
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			i = len(rest)
		}
		if i > 0 {
			p.parts = append(p.parts, part{text: rest[:i]})
		}
		rest = rest[i:]
		switch {
		case rest == "":
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			p.parts = append(p.parts, part{text: rest[:1]})
			rest = rest[2:]
		case rest[0] == '}':
			return nil, bad("} without {")
		default:
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return nil, bad("{ without }")
			}
			field, width, padded := strings.Cut(rest[1:end], ":")
			f := part{field: field}
			if !slices.Contains([]string{"stem", "ext", "name", "dir", "n", "page"}, field) {
				return nil, bad(fmt.Sprintf("there are {stem}, {ext}, {name}, {dir}, {n} and {page}, not {%s}", field))
			}
			if padded {
				var err error
				if f.width, err = strconv.Atoi(width); err != nil || f.width < 1 || f.width > 18 || field != "n" && field != "page" {
					return nil, bad("only {n} and {page} have a width, of 1 to 18 digits, such as {n:4}")
				}
			}
			p.dir = p.dir || field == "dir"
			p.parts = append(p.parts, f)
			rest = rest[end+1:]
		}
	}
	_, err := p.Name("a/b.png", 1, 1)
	return p, err
}

// Name returns the output's name, below the output folder, for a page of an input of that name, below the input folder, and its place in the
// list. Both names have slashes.
func (p *Pattern) Name(in string, n, page int) (string, error) {
	dir, name := path.Split(in)
	ext := strings.TrimPrefix(path.Ext(name), ".")
	stem := strings.TrimSuffix(name, path.Ext(name))
	if stem == "" {
		stem, ext = name, ""
	}
	var b strings.Builder
	if !p.dir {
		b.WriteString(dir)
	}
	for _, f := range p.parts {
		switch f.field {
		case "":
			b.WriteString(f.text)
		case "stem":
			b.WriteString(stem)
		case "name":
			b.WriteString(name)
		case "ext":
			b.WriteString(p.ext(ext))
		case "dir":
			b.WriteString(strings.TrimSuffix(dir, "/"))
		case "n":
			fmt.Fprintf(&b, "%0*d", f.width, n)
		case "page":
			fmt.Fprintf(&b, "%0*d", f.width, page)
		}
	}
	text := b.String()
	out := path.Clean(strings.TrimLeft(text, "/")) // {dir}/ may be empty
	switch {
	case !p.dir && strings.HasPrefix(text, "/"):
		return "", fmt.Errorf("%q is not below OUTPUT", text)
	case strings.HasSuffix(text, "/"), out == ".", out == "":
		return "", fmt.Errorf("%q is no name of a file", text)
	case out == "..", strings.HasPrefix(out, "../"), strings.Contains("/"+text+"/", "/../"):
		return "", fmt.Errorf("%q is not below OUTPUT", text)
	case strings.HasPrefix(out, tempPrefix):
		return "", fmt.Errorf("%q is a name for what is not complete", out)
	}
	if p.format == "" {
		if _, err := raster.FormatOf(out); err != nil {
			return "", err
		}
	}
	return out, nil
}

// ext returns the extension of the output for an input with the given one.
func (p *Pattern) ext(in string) string {
	format, err := raster.FormatOf("x." + in)
	switch {
	case err == nil && (p.format == "" || p.format == format):
		return in
	case p.format == "":
		return "png" // which holds any picture as it is
	case p.format == "jpeg":
		return "jpg"
	case p.format == "tiff":
		return "tif"
	}
	return p.format
}

// tempPrefix is how the name of the folder begins that holds what is not complete.
const tempPrefix = ".halorun-"

// TempName returns the name of that folder, in the output folder, for a job.
func TempName(job string) string { return tempPrefix + job }
