package main

import (
	"bytes"
	"os"
	"testing"
)

// The committed reference tells of the commands, flags and operations that there are.
func TestReference(t *testing.T) {
	app := newApp()
	var want bytes.Buffer
	app.Writer = &want
	if err := app.Run([]string{"halorun", "man", "--markdown"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/reference.md")
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Error("run: go run ./cmd/halorun man --markdown > docs/reference.md", err)
	}
}
