package bench

import (
	"fmt"
	"strings"
)

// BytesText shows a number of bytes in the unit that suits it.
func BytesText(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	i := 0
	for n >= 1000 && i < len(units)-1 {
		n /= 1000
		i++
	}
	return fmt.Sprintf("%.3g %s", n, units[i])
}

// SecondsText shows a time in the unit that suits it.
func SecondsText(s float64) string {
	switch {
	case s == 0:
		return "0 s"
	case s < 0.0000995:
		return fmt.Sprintf("%.2g µs", 1e6*s)
	case s < 0.000995:
		return fmt.Sprintf("%.0f µs", 1e6*s)
	case s < 0.0995:
		return fmt.Sprintf("%.1f ms", 1e3*s)
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", 1e3*s)
	case s < 9.995:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}

// Count is a number of things. Many of them are called one with an s, or as many says.
func Count(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprintf("%d %s", n, many[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// ShellText shows a command as it can be typed.
func ShellText(args []string) string {
	all := make([]string, len(args))
	for i, a := range args {
		if all[i] = a; a == "" || strings.Trim(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+") != "" {
			all[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(all, " ")
}

// brief cuts a line that a large kernel makes long.
func brief(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " …"
}
