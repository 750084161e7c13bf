package history

import (
	"slices"
	"strings"
	"testing"
)

// No password is left, whatever it looks like, and what names the database is.
func TestRedact(t *testing.T) {
	for uri, want := range map[string]string{
		"postgres://u:secret@h:1/db":                                    "postgres://u:xxxxx@h:1/db",
		"postgres://u:sec:ret@h/db":                                     "postgres://u:xxxxx@h/db",
		"postgres://u:se@cr/et?#@h/db":                                  "postgres://u:xxxxx@h/db",
		"postgres://u:12/secret@h/db":                                   "postgres://u:xxxxx@h/db",
		"postgres://:secret@h/db":                                       "postgres://:xxxxx@h/db",
		"postgres://u@h/db?sslmode=off":                                 "postgres://u@h/db?sslmode=off",
		"postgres://h/db?user=u&password=secret&x=1":                    "postgres://h/db?user=u&password=xxxxx&x=1",
		"postgres://h/db?pass%77ord=secret":                             "postgres://h/db?pass%77ord=xxxxx",
		"postgres://h/db?sslpassword=secret":                            "postgres://h/db?sslpassword=xxxxx",
		"mongodb://u:secret@h1:1,h2:2/db?replicaSet=r":                  "mongodb://u:xxxxx@h1:1,h2:2/db?replicaSet=r",
		"mongodb+srv://u:secret@h/?authMechanism=PLAIN":                 "mongodb+srv://u:xxxxx@h/?authMechanism=PLAIN",
		"mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:secret": "mongodb://h/?authMechanismProperties=xxxxx",
		"mongodb://h/?tlsCertificateKeyFilePassword=secret":             "mongodb://h/?tlsCertificateKeyFilePassword=xxxxx",
		"/a/b.db": "/a/b.db", "in.png": "in.png", "": "",
	} {
		if got := Redact(uri); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
		if HasPassword(uri) != (strings.Contains(want, "xxxxx")) {
			t.Errorf("%s: a password: %v", uri, HasPassword(uri))
		}
		if text := (Target{uri: uri}).scrub("cannot parse " + uri); strings.Contains(text, "secret") {
			t.Errorf("%s is scrubbed as %s", uri, text)
		}
	}
	got := RedactArgs([]string{"halorun", "run", "--log-db=postgres://u:secret@h/db?x=1", "--log-db", "mongodb://u:secret@h", "in.png", "conv:kernel=1 2;3 4", "-x", "KEY=secret", "--x=KEY=a=b", "-x", "HOME", "-x", "HALORUN_KERNELS=go", "-x=HALORUN_Q=1"})
	want := []string{"halorun", "run", "--log-db=postgres://u:xxxxx@h/db?x=1", "--log-db", "mongodb://u:xxxxx@h", "in.png", "conv:kernel=1 2;3 4", "-x", "KEY=xxxxx", "--x=KEY=xxxxx", "-x", "HOME", "-x", "HALORUN_KERNELS=go", "-x=HALORUN_Q=1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestParseTarget(t *testing.T) {
	for text, kind := range map[string]string{
		"postgres://h/db": "postgres", "postgresql://h/db": "postgres", "mongodb://h": "mongodb", "mongodb+srv://h": "mongodb",
		"sqlite:a.db": "sqlite", "a.db": "sqlite", "./c://": "sqlite",
	} {
		if target, err := ParseTarget(text); err != nil || target.kind != kind {
			t.Errorf("%s: %+v, %v", text, target, err)
		}
	}
	for _, text := range []string{"", "sqlite:", "mysql://u:secret@h/db", "postgres://team:secret b@h/x", "postgres://h:notaport/x", "mongodb://u:secret@", "/nodir/x.db", "host=h password=secret"} {
		if _, err := ParseTarget(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
