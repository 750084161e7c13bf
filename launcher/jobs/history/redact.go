package history

import (
	"net/url"
	"slices"
	"strings"
)

const hidden = "xxxxx"

// Redact returns the URI of a database without its passwords, whatever it looks like otherwise. Text that is no URI stays as it is.
func Redact(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	// A password may have any character in it, if whoever typed it did not know better.
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		if user, _, ok := strings.Cut(rest[:at], ":"); ok {
			rest = user + ":" + hidden + rest[at:]
		}
	}
	base, query, ok := strings.Cut(rest, "?")
	if !ok {
		return scheme + "://" + rest
	}
	pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	for i, p := range pairs {
		if key, _, ok := strings.Cut(p, "="); ok && isSecret(key) {
			pairs[i] = key + "=" + hidden
		}
	}
	return scheme + "://" + base + "?" + strings.Join(pairs, "&")
}

// isSecret tells whether the value of a URI's parameter is nobody's business.
func isSecret(key string) bool {
	if plain, err := url.QueryUnescape(key); err == nil {
		key = plain
	}
	for _, s := range []string{"password", "token", "secret", "authmechanismproperties"} {
		if strings.Contains(strings.ToLower(key), s) {
			return true
		}
	}
	return false
}

// RedactArgs returns a command line in which databases have no passwords, and variables for ranks no values, unless they are the program's own.
func RedactArgs(args []string) []string {
	clean := make([]string, len(args))
	for i, a := range args {
		flag, value, ok := strings.Cut(a, "=")
		switch {
		case i > 0 && (args[i-1] == "-x" || args[i-1] == "--x") && !strings.HasPrefix(a, "HALORUN_"):
			clean[i] = withoutValue(a)
		case ok && (flag == "-x" || flag == "--x") && !strings.HasPrefix(value, "HALORUN_"):
			clean[i] = flag + "=" + withoutValue(value)
		case ok && strings.HasPrefix(a, "-") && strings.Contains(value, "://"):
			clean[i] = flag + "=" + Redact(value)
		default:
			clean[i] = Redact(a)
		}
	}
	return clean
}

func withoutValue(variable string) string {
	name, _, valued := strings.Cut(variable, "=")
	if valued {
		name += "=" + hidden
	}
	return name
}

// HasPassword tells whether a database is named with a secret, which is not to be written down.
func HasPassword(uri string) bool { return Redact(uri) != uri }

// scrub removes the passwords of the URI from a text, such as a driver's error.
func (t Target) scrub(text string) string {
	for _, secret := range secrets(t.uri) {
		if len(secret) > 2 { // what is shorter is in any text
			text = strings.ReplaceAll(text, secret, hidden)
		}
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.TrimSpace(strings.Join(slices.Compact(lines), " ")) // an address that was tried twice is told once
}

// secrets returns what Redact hides, as it is typed and as it is meant.
func secrets(uri string) (all []string) {
	add := func(s string) {
		for _, one := range []string{s, unescaped(s)} {
			if one != "" {
				all = append(all, one)
			}
		}
	}
	_, rest, _ := strings.Cut(uri, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		if _, password, ok := strings.Cut(rest[:at], ":"); ok {
			add(password)
		}
	}
	_, query, _ := strings.Cut(rest, "?")
	for _, p := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
		if key, value, ok := strings.Cut(p, "="); ok && isSecret(key) {
			add(value)
		}
	}
	return all
}

func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
