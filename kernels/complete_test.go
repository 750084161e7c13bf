package kernels

import (
	"strings"
	"testing"
)

// What is offered begins with what is typed, and the operations that are offered are operations.
func TestComplete(t *testing.T) {
	for typed, want := range map[string]string{
		"":                             "gray … laplacian",
		"blu":                          "blur blue",
		"blur:":                        "blur:size= blur:sigma=",
		"bl:":                          "bl:size= bl:sigma=",
		"blur:si":                      "blur:size= blur:sigma=",
		"blur:size=5":                  "",
		"blur:size=5,":                 "blur:size=5,sigma=",
		"edges:l2=":                    "edges:l2=true edges:l2=false",
		"edges:low=1,l2=t":             "edges:low=1,l2=true",
		"colormap:name=je":             "colormap:name=jet",
		"conv:kernel=1 2,3,sc":         "",
		"conv:kernel=1 2 1,scale=2,no": "conv:kernel=1 2 1,scale=2,normalize=",
		"nothing:":                     "",
		"gray:":                        "",
	} {
		var got []string
		for _, c := range Complete(typed) {
			got = append(got, c.Text)
			if !strings.HasPrefix(c.Text, typed) {
				t.Errorf("%q: %q does not begin so", typed, c.Text)
			}
		}
		if first, last, ok := strings.Cut(want, " … "); ok {
			if len(got) != len(Definitions()) || got[0] != first || got[len(got)-1] != last {
				t.Errorf("%q: %v", typed, got)
			}
			continue
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", typed, got, want)
		}
	}
}
