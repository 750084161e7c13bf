package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"halorun/ranks/folder"
)

// notices are what users are told of pictures, each once, with how many it is about.
type notices struct {
	all   []*notice
	known map[string]*notice
	more  int // pictures with others
}

type notice struct {
	text  string
	first string // picture
	count int
}

// maxNotices bounds how many different ones are told.
const maxNotices = 50

// take takes note of what there is to tell of a picture.
func (n *notices) take(r *folder.Record) {
	for _, text := range r.Notices {
		one := n.known[text]
		if one == nil && len(n.all) == maxNotices {
			n.more++
			continue
		}
		if one == nil {
			one = &notice{text: text, first: r.In}
			if n.known == nil {
				n.known = make(map[string]*notice)
			}
			n.known[text], n.all = one, append(n.all, one)
		}
		one.first = min(one.first, r.In) // in whatever order they end
		one.count++
	}
}

// lines returns what is told in the end.
func (n *notices) lines() (lines []string) {
	slices.SortFunc(n.all, func(a, b *notice) int { return cmp.Or(b.count-a.count, cmp.Compare(a.text, b.text)) })
	for _, one := range n.all {
		if one.count == 1 {
			lines = append(lines, oneLine(fmt.Sprintf("%s: %s", one.first, one.text)))
			continue
		}
		lines = append(lines, oneLine(fmt.Sprintf("%s pictures: %s, such as %s", thousands(one.count), one.text, one.first)))
	}
	if n.more > 0 {
		lines = append(lines, fmt.Sprintf("%s more notices about pictures; --pictures-log has all", thousands(n.more)))
	}
	return lines
}

// thousands writes a number of things with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
