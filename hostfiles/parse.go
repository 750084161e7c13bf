package hostfiles

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxHosts = 1 << 16
	maxSlots = 1 << 16
	maxLine  = 64 << 10
	maxFile  = 16 << 20
)

// Read reads a hostfile. Errors name the file and, where there is one, the line.
func Read(path string) ([]Host, error) {
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		var st fs.FileInfo
		if st, err = f.Stat(); err == nil && st.IsDir() {
			err = errors.New("is a folder, not a hostfile")
		}
	}
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, fmt.Errorf("hostfile %s: %w", path, err)
	}
	return Parse(f, path)
}

// Parse reads a hostfile, which errors call by the given name.
func Parse(r io.Reader, name string) ([]Host, error) {
	var hosts collection
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		at := fmt.Sprintf("%s:%d", name, n)
		line := lines.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if err := hosts.line(line, at); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	err := lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("hostfile %s: a line of more than %d bytes; is it a hostfile?", name, maxLine)
	case err != nil:
		return nil, fmt.Errorf("hostfile %s: %w", name, err)
	case limited.N <= 0:
		return nil, fmt.Errorf("hostfile %s: more than %d bytes; is it a hostfile?", name, maxFile)
	case len(hosts.hosts) == 0:
		return nil, fmt.Errorf("hostfile %s: it names no host; one a line is wanted, such as 'vm1 slots=4'", name)
	}
	return hosts.hosts, nil
}

// ParseList reads the hosts of a command line, such as a:2,b:2 or vm[1-4].
func ParseList(list string) ([]Host, error) {
	const origin = "--host"
	var hosts collection
	for _, item := range splitOutside(list) {
		if item = strings.TrimSpace(item); item == "" {
			return nil, fmt.Errorf("%s %q: there is nothing between two commas", origin, list)
		}
		if strings.ContainsFunc(item, unicode.IsSpace) {
			return nil, fmt.Errorf("%s %q: %q has a blank in it; separate hosts by commas", origin, list, item)
		}
		if err := hosts.line(item, origin); err != nil {
			return nil, fmt.Errorf("%s %q: %w", origin, list, err)
		}
	}
	return hosts.hosts, nil
}

// splitOutside splits at commas that are not in brackets.
func splitOutside(list string) []string {
	var items []string
	depth, begin := 0, 0
	for i, c := range list {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth <= 0 {
				items = append(items, list[begin:i])
				begin = i + 1
			}
		}
	}
	return append(items, list[begin:])
}

// line adds the hosts of a line, if it names some.
func (c *collection) line(line, origin string) error {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	h := Host{Slots: 1, Origin: origin}
	names, counted, err := h.address(words[0])
	if err != nil {
		return err
	}
	settings, err := pairs(words[1:])
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, s := range settings {
		key := strings.ReplaceAll(strings.ToLower(s.key), "-", "_")
		if seen[key] || key == "slots" && counted {
			return fmt.Errorf("%s is given twice", key)
		}
		seen[key] = true
		if err := h.set(key, s); err != nil {
			return err
		}
	}
	if h.MaxSlots > 0 && h.Slots > h.MaxSlots {
		return fmt.Errorf("max_slots=%d is less than the %d slots", h.MaxSlots, h.Slots)
	}
	return c.add(names, h)
}

type setting struct{ key, value string }

// pairs reads key=value, also with blanks around the equals sign.
func pairs(words []string) ([]setting, error) {
	text := strings.Join(words, " ")
	for strings.Contains(text, " =") || strings.Contains(text, "= ") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, " =", "="), "= ", "=")
	}
	var all []setting
	for word := range strings.FieldsSeq(text) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("%q: behind the host come %s", word, knownKeys)
		}
		all = append(all, setting{key, value})
	}
	return all, nil
}

const knownKeys = "slots=N, max_slots=N, port=N and user=NAME"

func (h *Host) set(key string, s setting) error {
	var err error
	switch key {
	case "slots":
		h.Slots, err = number(s.key, s.value, maxSlots)
	case "max_slots":
		h.MaxSlots, err = number(s.key, s.value, maxSlots)
	case "port":
		h.Port, err = number(s.key, s.value, 65535)
	case "user":
		if h.User != "" && h.User != s.value {
			return errors.New("user is given twice")
		}
		h.User, err = s.value, checkUser(s.value)
	default:
		err = fmt.Errorf("%q is not known; there are %s", s.key, knownKeys)
	}
	return err
}

func number(key, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most || !isDigit(value[0]) {
		return 0, fmt.Errorf("%q: it is a number from 1 to %d", key+"="+value, most)
	}
	return n, nil
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// checkUser refuses what ssh, or a shell, could take for something else than a name.
func checkUser(user string) error {
	ok := user != "" && len(user) <= 253 && user[0] != '-' && !strings.ContainsFunc(user, func(c rune) bool {
		return !letterOrDigit(c) && !strings.ContainsRune("._-+@\\$", c)
	})
	if !ok {
		return fmt.Errorf("%q is no name of a user", user)
	}
	return nil
}

func letterOrDigit(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func checkName(name string) error {
	ok := name != "" && len(name) <= 253 && name[0] != '-' && !strings.ContainsFunc(name, func(c rune) bool {
		return !letterOrDigit(c) && !slices.Contains([]rune("._-"), c)
	})
	if !ok {
		return fmt.Errorf("%q is no name of a host", name)
	}
	return nil
}
