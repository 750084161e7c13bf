package hostfiles

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// address reads the first word of a line: user@, a name, a range of names or an IP address, and :slots. It returns the names, and
// whether slots were given.
func (h *Host) address(word string) (names []string, counted bool, err error) {
	rest := word
	if at := strings.LastIndexByte(word, '@'); at >= 0 {
		h.User, rest = word[:at], word[at+1:]
		if err := checkUser(h.User); err != nil {
			return nil, false, err
		}
	}
	if isIP(rest) {
		return []string{rest}, false, nil // the colons of a bare IPv6 address do not count slots
	}
	name, slots, counted := rest, "", false
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		name, slots, counted = rest[:i], rest[i+1:], true
		if h.Slots, err = number("slots", slots, maxSlots); err != nil {
			return nil, false, fmt.Errorf("%q: behind the colon stands how many slots there are, from 1 to %d", word, maxSlots)
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok && strings.HasSuffix(inner, "]") && isIP(inner[:len(inner)-1]) {
		return []string{inner[:len(inner)-1]}, counted, nil
	}
	if isIP(name) {
		return []string{name}, counted, nil
	}
	names, err = expand(name)
	if err != nil {
		return nil, false, fmt.Errorf("%q: %w", word, err)
	}
	for _, n := range names {
		if err := checkName(n); err != nil {
			return nil, false, err
		}
	}
	return names, counted, nil
}

func isIP(s string) bool {
	ip, err := netip.ParseAddr(s)
	return err == nil && checkZone(ip.Zone())
}

func checkZone(zone string) bool { return zone == "" || checkName(zone) == nil }

var errBracket = errors.New("a range is written [1-16], or [1-4,7,9-12]")

// expand returns the names that a pattern such as r[1-2]n[01-16,20] stands for.
func expand(pattern string) ([]string, error) {
	before, rest, ok := strings.Cut(pattern, "[")
	if !ok {
		if strings.Contains(pattern, "]") {
			return nil, errBracket
		}
		return []string{pattern}, nil
	}
	list, after, ok := strings.Cut(rest, "]")
	if !ok || strings.Contains(before, "]") {
		return nil, errBracket
	}
	ends, err := expand(after)
	if err != nil {
		return nil, err
	}
	var names []string
	for part := range strings.SplitSeq(list, ",") {
		from, to, width, err := span(part)
		if err != nil {
			return nil, err
		}
		if (to-from+1)*len(ends)+len(names) > maxHosts {
			return nil, fmt.Errorf("more than %d hosts", maxHosts)
		}
		for n := from; n <= to; n++ {
			for _, end := range ends {
				names = append(names, fmt.Sprintf("%s%0*d%s", before, width, n, end))
			}
		}
	}
	return names, nil
}

// span reads 7, 3-16 or 003-016; width is how many digits numbers have at least.
func span(part string) (from, to, width int, err error) {
	low, high, isRange := strings.Cut(part, "-")
	if !isRange {
		high = low
	}
	for _, s := range []string{low, high} {
		if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
			return 0, 0, 0, errBracket
		}
	}
	from, _ = strconv.Atoi(low) // nine digits are a number
	to, _ = strconv.Atoi(high)
	if to < from {
		return 0, 0, 0, fmt.Errorf("%s-%s runs backwards", low, high)
	}
	width = 1
	if low[0] == '0' {
		width = len(low)
	}
	return from, to, width, nil
}
